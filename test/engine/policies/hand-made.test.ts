import {describe, expect, it} from 'vitest'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {planAdHoc} from '../../../src/policies/declared/ad-hoc.js'
import {readImport} from '../../../src/policies/declared/import.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'
import {apply, days, declare, duration, request, run as runPlan} from '../../helpers/policies.js'

/** Policies that were created by hand, without qicore-db. */
async function handMade(database: TestDatabase): Promise<void> {
  const {run, autocommit} = database
  await replay(database, ['core'])
  await run('create table public.ticks (time timestamptz not null, symbol text, price float8)')
  await run("select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day')")
  await run(
    `insert into public.ticks select at, 'A', 1 from generate_series(${daysAgo(12)}, ${today}, interval '1 hour') as at`,
  )
  await autocommit(
    "create materialized view public.hourly with (timescaledb.continuous) as select time_bucket(interval '1 hour', time) as bucket, symbol, avg(price) as price from public.ticks group by 1, 2 with no data",
  )
  await run(
    "alter table public.ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'time desc')",
  )
  await run("select add_compression_policy('public.ticks', interval '90 days')")
  await run(
    // A refresh that runs during the plan would be a known defect, and refuse it.
    "select add_continuous_aggregate_policy('public.hourly', interval '3 days', interval '1 hour', interval '30 minutes', initial_start => '2100-01-01 00:00+00')",
  )
  await run("select add_retention_policy('public.ticks', interval '200 days')")
  await database.db.probe()
}

const wanted = [
  declare('public.ticks', {
    chunkInterval: duration('12 hours'),
    compression: {after: days(60), segmentBy: ['symbol'], orderBy: ['time desc']},
    retention: {after: days(150), native: false},
  }),
  declare('public.hourly', {
    section: 'aggregates',
    refresh: {startOffset: days(2), endOffset: duration('1 hour'), every: duration('1 hour')},
  }),
]

interface Job {
  job_id: number
  proc_name: string
  owner: string
}

const jobs = ({run}: TestDatabase) =>
  run<Job>(
    'select job_id, proc_name, owner::text from timescaledb_information.jobs where job_id >= 1000 order by job_id',
  )

describe('policies that were created by hand', () => {
  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('are altered in place, the native retention is converted, and the second plan is empty', async () => {
      const database = await engine.database()
      await handMade(database)
      const before = await jobs(database)
      const {before: plan, report, after} = await apply(database.db, request(wanted))
      expect(report.steps.filter(({status}) => status !== 'done')).toEqual([])
      expect(plan.changes.map(({do: what, key}) => `${what} ${key}`)).toEqual([
        'chunk interval public.ticks',
        'compression public.ticks',
        'gated retention public.ticks',
        'refresh public.hourly',
      ])
      expect(after.changes).toEqual([])
      const now = await jobs(database)
      const kept = (job: Job) =>
        now.find(({job_id: id, owner}) => id === job.job_id && owner === job.owner)?.proc_name ?? null
      expect(before.map((job) => [job.proc_name, kept(job)])).toEqual([
        ['policy_compression', 'policy_compression'],
        ['policy_refresh_continuous_aggregate', 'policy_refresh_continuous_aggregate'],
        ['policy_retention', null],
      ])
      expect(now.filter(({proc_name: proc}) => proc === 'retain')).toHaveLength(1)
      const rows = await database.run<{config: {consent: {target: string}}}>('select config from qicore.policies')
      expect(rows.map(({config}) => config.consent.target)).toEqual(['test'])
    })

    it('are imported unchanged, and then nothing is left to plan', async () => {
      const database = await engine.database()
      await handMade(database)
      const {entries, notes} = await readImport(database.db, {declared: [], maxDropPerRun: 8})
      expect(notes).toEqual([])
      expect(entries.map(({key, fields}) => ({key, fields}))).toEqual([
        {key: 'public.hourly', fields: {refresh: {startOffset: '3 days', endOffset: '1 hour', every: '30 minutes'}}},
        {
          key: 'public.ticks',
          fields: {
            chunkInterval: '1 day',
            compression: {after: '90 days', segmentBy: ['symbol'], orderBy: ['time desc']},
            retention: {after: '200 days', native: true},
          },
        },
      ])
      const declared = [
        declare('public.ticks', {
          chunkInterval: days(1),
          compression: {after: days(90), segmentBy: ['symbol'], orderBy: ['time desc']},
          retention: {after: days(200), native: true},
        }),
        declare('public.hourly', {
          section: 'aggregates',
          refresh: {startOffset: days(3), endOffset: duration('1 hour'), every: duration('30 minutes')},
        }),
      ]
      expect((await planPolicies(database.db, request(declared))).changes).toEqual([])
    })

    it('are not changed if nothing is declared, and removed only by --prune', async () => {
      const database = await engine.database()
      await handMade(database)
      const bare = await planPolicies(database.db, request([]))
      expect(bare.plan.steps).toEqual([])
      expect(bare.unmanaged.map(({key, kind}) => `${key} ${kind}`).sort()).toEqual([
        'public.hourly refresh',
        'public.ticks compression',
        'public.ticks retention',
      ])
      const {after} = await apply(database.db, request([], {prune: true}))
      expect(after.unmanaged).toEqual([])
      expect(await jobs(database)).toEqual([])
    })

    it('are resumed if paused, and removed if declared as none', async () => {
      const database = await engine.database()
      await handMade(database)
      const [first] = await jobs(database)
      await database.run('select alter_job($1, scheduled => false)', [first!.job_id])
      const same = declare('public.ticks', {compression: {after: days(90), segmentBy: null, orderBy: null}})
      const {before, after} = await apply(database.db, request([same]))
      expect(before.changes).toMatchObject([
        {do: 'compression', job: first!.job_id, why: [`job ${first!.job_id} is paused`]},
      ])
      expect(after.changes).toEqual([])
      const none = declare('public.ticks', {compression: 'none', retention: 'none'})
      expect((await apply(database.db, request([none]))).after.changes).toEqual([])
      expect((await jobs(database)).map(({proc_name: proc}) => proc)).toEqual(['policy_refresh_continuous_aggregate'])
    })

    it('report which chunks keep the old columns, and recompress them on request', async () => {
      const database = await engine.database()
      await handMade(database)
      await database.run(
        "select compress_chunk(c) from show_chunks('public.ticks', older_than => interval '9 days') as c",
      )
      const [count] = await database.run<{chunks: number}>(
        'select count(*)::int as chunks from timescaledb_information.chunks where is_compressed',
      )
      const other = declare('public.ticks', {
        compression: {after: days(90), segmentBy: ['symbol'], orderBy: ['price', 'time desc']},
      })
      const plain = await planPolicies(database.db, request([other]))
      expect(plain.notes.join()).toContain(`${count!.chunks} compressed chunks of public.ticks`)
      const {before, report, after} = await apply(database.db, request([other], {recompress: true}))
      expect(before.plan.steps.filter(({id}) => id.startsWith('recompress'))).toHaveLength(count!.chunks)
      expect(report.steps.filter(({status}) => status !== 'done')).toEqual([])
      expect(after.plan.steps).toEqual([])
      const settings = await database.run<{orderby: string}>(
        'select distinct orderby from timescaledb_information.chunk_compression_settings',
      )
      expect(settings).toHaveLength(1)
      expect(settings[0]!.orderby).toMatch(/^price,"?time"? DESC$/)
    })

    it('have no old settings if TimescaleDB chose them, and undeclared tables are not changed', async () => {
      const database = await engine.database()
      for (const [name, settings] of [
        ['plain', ''],
        ['segmented', ", timescaledb.compress_segmentby = 'dev'"],
        ['other', ''],
      ] as const) {
        await database.run(`create table ${name} (time timestamptz not null, dev int); select create_hypertable('${name}', 'time', chunk_time_interval => interval '1 day');
insert into ${name} select t, 1 from generate_series(timestamptz '2026-01-01', '2026-01-04', '1 hour') t;
alter table ${name} set (timescaledb.compress${settings}); select count(compress_chunk(c)) from show_chunks('${name}') c`)
      }
      const left = (name: string) =>
        declare(`public.${name}`, {compression: {after: days(90), segmentBy: null, orderBy: null}})
      const {report, after} = await apply(database.db, request([left('plain'), left('segmented')], {recompress: true}))
      expect(report.steps.filter(({id}) => id.startsWith('recompress'))).toEqual([])
      expect(after.notes.join()).not.toContain('keep the old settings')
      // It has settings of its own now: its chunks differ, and nothing is declared for it.
      await database.run("alter table other set (timescaledb.compress_orderby = 'dev, time')")
      const undeclared = await planPolicies(database.db, request([left('plain')], {recompress: true}))
      expect(undeclared.plan.steps.filter(({id}) => id.startsWith('recompress'))).toEqual([])
      const {before, after: again} = await apply(
        database.db,
        request([left('plain'), left('other')], {recompress: true}),
      )
      expect(before.plan.steps.filter(({id}) => id.startsWith('recompress')).length).toBeGreaterThan(0)
      expect(again.plan.steps).toEqual([])
    })

    it('are changed one at a time with policies set, with a note about the configuration', async () => {
      const database = await engine.database()
      await handMade(database)
      const set = (change: Parameters<typeof planAdHoc>[1]['change'], declared = wanted) =>
        planAdHoc(database.db, {table: 'ticks', change, declared, maxDropPerRun: 8, target: 'test'})
      const planned = await set({kind: 'compression', rule: {after: days(30), segmentBy: null, orderBy: null}})
      expect(planned.plan.steps.map(({id}) => id)).toEqual(['compression policy of public.ticks'])
      expect(planned.notes.join()).toMatch(/now differs: it declares after 60 days;/)
      expect((await runPlan(database.db, planned.plan)).steps.map(({status}) => status)).toEqual(['done'])
      expect((await set({kind: 'compression', rule: {after: days(60), segmentBy: null, orderBy: null}})).notes).toEqual(
        [],
      )
      const removal = await set({kind: 'retention', rule: 'none'}, [])
      expect(removal.notes).toEqual(['The configuration does not declare the retention of public.ticks.'])
      const kept = await set({kind: 'compression', rule: 'none'})
      expect(kept.notes.join()).toContain(
        'and policies apply would restore that; to keep it removed, write tables: {"public.ticks": {compression: none}} in the configuration',
      )
      await expect(
        planAdHoc(database.db, {
          table: 'ticks',
          change: {kind: 'refresh', rule: {startOffset: days(3), endOffset: days(1), every: days(1)}},
          declared: [],
          maxDropPerRun: 8,
          target: 'test',
        }),
      ).rejects.toMatchObject({code: 'NOT_AN_AGGREGATE', exitCode: 2})
    })

    it('are not changed if the declaration has mistakes, which are all reported', async () => {
      const database = await engine.database()
      await handMade(database)
      const wrong = [
        declare('public.tick', {retention: {after: days(3), native: false}}),
        declare('public.hourly', {retention: {after: days(3), native: false}}),
        declare('public.ticks', {
          section: 'aggregates',
          refresh: {startOffset: days(3), endOffset: days(1), every: days(1)},
        }),
      ]
      await expect(planPolicies(database.db, request(wrong))).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(
          /3 mistakes:\n- tables\.public\.tick: There is no table.*\n- tables\.public\.hourly: this is an aggregate.*\n- aggregates\.public\.ticks: this is not an aggregate/s,
        ),
      })
    })
  })
})
