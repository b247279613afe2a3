import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {declaredPolicies, type Declared} from '../../../src/policies/declared/declared.js'
import {qicore} from '../../../src/qicore/definition.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {enginesFor, forEachEngine, skipBecause, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'
import {days, declare, request, run as runPlan} from '../../helpers/policies.js'
import {replay} from '../../helpers/schema-replay.js'

const status = (database: TestDatabase, declared: readonly Declared[] = [], lateAfter = 0) =>
  readPolicyStatus(database.db, {declared, lateAfter})

async function ticks({run}: TestDatabase): Promise<void> {
  await run('create table public.ticks (time timestamptz not null, symbol text, price float8)')
  await run("select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day')")
  await run(
    `insert into public.ticks select at, 'A', 1 from generate_series(${daysAgo(12)}, ${today}, interval '1 hour') as at`,
  )
  await run(
    "alter table public.ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'time desc')",
  )
}

describe('policies status', () => {
  forEachEngine({}, (engine) => {
    it('suggests no apply for a retention that apply refuses, because the age of the partitions is not known', async () => {
      const database = await engine.database()
      await database.run(`create table public.ev (id uuid primary key, v int) partition by range (id);
        create table public.ev_old partition of public.ev
          for values from ('00000000-0000-0000-0000-000000000000') to ('80000000-0000-0000-0000-000000000000')`)
      const declared = [declare('public.ev', {retention: {after: days(90), native: false}})]
      const {policies} = await status(database, declared)
      expect(policies).toMatchObject([{ok: false, problems: [{code: 'missing', fix: {kind: 'advice'}}]}])
      await expect(planPolicies(database.db, request(declared))).rejects.toMatchObject({code: 'PARTITION_KEY'})
      expect(policies[0]!.problems[0]!.message).not.toContain('policies apply')
    })

    it('names the command that creates a declared table, and reports no policy for a table that is only described', async () => {
      const database = await engine.database()
      const columns = [{name: 'id', type: 'bigint'}]
      const after = {months: 0, days: 7, seconds: 0}
      const declared = declaredPolicies(null, {
        tables: {
          'desk.typo': {retention: {after}},
          'desk.quotes': {columns, retention: {after}},
          'desk.venues': {columns},
        },
        aggregates: {},
      })
      expect((await status(database, declared)).notes).toEqual([
        'desk.typo does not exist. List the tables: qicore-db stats',
        expect.stringMatching(/^desk\.quotes does not exist yet: `qicore-db migrate new add_quotes`/),
      ])
      await expect(planPolicies(database.db, request(declared))).rejects.toThrow('tables.desk.typo')
      const {plan, notes} = await planPolicies(database.db, request(declared.filter(({name}) => name !== 'typo')))
      expect(plan.steps).toEqual([])
      expect(notes).toEqual([expect.stringContaining('desk.quotes does not exist yet')])
    })

    it('reports a declared policy as missing, and after apply names its runner', async () => {
      const database = await engine.database()
      await replay(database)
      await database.db.probe()
      const declared = declaredPolicies(qicore, null)
      const before = await status(database, declared)
      expect(before.policies.every(({ok, live, managed}) => ok === false && live === null && managed)).toBe(true)
      const {plan} = await planPolicies(database.db, request(declared))
      await runPlan(database.db, plan)
      const after = await status(database, declared)
      expect(after.policies.map(({kind, table}) => `${table} ${kind}`)).toEqual(
        before.policies.map(({kind, table}) => `${table} ${kind}`),
      )
      for (const policy of after.policies) {
        // Only the outermost of empty partitions are looked into: what is due then is unknown, not 0.
        const unknown = !engine.hypertables && policy.kind === 'refresh'
        expect(policy, `${policy.table} ${policy.kind}`).toMatchObject(
          unknown
            ? {ok: null, due: null, notDone: null, managed: true}
            : {ok: true, due: 0, notDone: [], managed: true},
        )
        if (unknown) expect(policy.findings.join()).toContain('not known: the newest row of public.')
        // pg_cron in another database of the server may act on this one, and that is not visible here.
        const noRunner = database.db.server.pgCronAlive ? ['unknown', null] : ['none', false]
        expect([policy.runner, policy.runnerAlive], policy.table).toEqual(
          engine.kind === 'timescaledb' ? ['timescaledb', engine.native] : noRunner,
        )
        expect(policy.gated).toBe(policy.kind === 'retention')
      }
    })
  })

  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('works without the schema qicore, changes nothing, and distinguishes chunks that were never compressed from refilled ones', async () => {
      const database = await engine.database()
      await ticks(database)
      const {run} = database
      await run("select add_job('pg_catalog.version', interval '1 day', scheduled => false)").catch(() => null)
      // Paused in the same transaction: the scheduler would start the job at once.
      const [job] = await run<{id: number}>(
        "select job_id as id from alter_job(add_compression_policy('public.ticks', interval '7 days'), scheduled => false)",
      )
      await run(
        "select compress_chunk(c) from (select c from show_chunks('public.ticks', older_than => interval '7 days') as c order by c limit 3) as first",
      )
      await run(`insert into public.ticks select ${daysAgo(12)} + interval '1 second', 'A', 2`)
      const report = await status(database)
      const [compression] = report.policies
      expect(compression).toMatchObject({
        schema: 'public',
        table: 'ticks',
        kind: 'compression',
        managed: false,
        jobId: job!.id,
        paused: true,
        ok: false,
        declared: null,
      })
      const reasons = compression!.notDone!.map(({why}) => why)
      expect(reasons.filter((why) => why === 'refilled')).toHaveLength(1)
      expect(reasons.filter((why) => why === 'never compressed')).toHaveLength(compression!.due! - 3)
      for (const {why, since} of compression!.notDone!) expect(since === null).toBe(why === 'refilled')
      expect(compression!.findings[0]).toContain(`job ${job!.id} is paused`)
      expect(await run("select to_regnamespace('qicore') is null as absent")).toEqual([{absent: true}])
    })

    it('shows a refresh that is behind and rows that changed within its window', async () => {
      const database = await engine.database()
      await ticks(database)
      await database.autocommit(
        "create materialized view public.hourly with (timescaledb.continuous) as select time_bucket(interval '1 hour', time) as bucket, count(*) as rows from public.ticks group by 1 with no data",
      )
      await database.run(
        "select alter_job(add_continuous_aggregate_policy('public.hourly', interval '10 days', interval '1 hour', interval '1 hour'), scheduled => false)",
      )
      await database.autocommit(`call refresh_continuous_aggregate('public.hourly', ${daysAgo(11)}, ${daysAgo(2)})`)
      await database.run(`insert into public.ticks values (${daysAgo(5)}, 'B', 1)`)
      const [refresh] = (await status(database)).policies
      expect(refresh).toMatchObject({kind: 'refresh', ok: false, due: 2})
      expect(refresh!.notDone!.map(({why}) => why)).toEqual(['never refreshed', 'rows changed after it was refreshed'])
      expect(refresh!.notDone![0]!.since).not.toBeNull()
    })
  })

  const partial = enginesFor({kinds: ['timescaledb'], native: true}).filter(({name}) =>
    /TimescaleDB 2\.(2[7-9]|[3-9]\d)/.test(name),
  )
  if (partial.length === 0)
    skipBecause('a run that fails on one chunk and is called a success needs TimescaleDB 2.27 with workers')
  for (const engine of partial)
    it(`shows the chunk on which a run failed although TimescaleDB reports the run as a success, on ${engine.name}`, async () => {
      const database = await engine.database()
      await ticks(database)
      const {run, db, target} = database
      const owner = `owner_of_${db.server.database}`.slice(0, 60)
      await run(`create role "${owner}" login`)
      try {
        await run(
          `alter table public.ticks owner to "${owner}"; grant create, usage on schema public to "${owner}"; alter role "${owner}" set lock_timeout = '300ms'`,
        )
        const [stuck] = await run<{chunk: string}>(
          "select c::text as chunk from show_chunks('public.ticks', older_than => interval '7 days') as c order by 1 limit 1 offset 1",
        )
        const other = await connect(target, {applicationName: 'qicore-db/test'})
        try {
          // A reader that holds its lock.
          await other.transaction(writing, async (tx) => {
            await tx.query(statement(`lock table ${stuck!.chunk} in access share mode`))
            const [job] = await run<{id: number}>(
              "select add_compression_policy('public.ticks', interval '7 days') as id",
            )
            const ran = async () =>
              (
                await run<{status: string | null; runs: number}>(
                  'select last_run_status as status, total_runs::int as runs from timescaledb_information.job_stats where job_id = $1',
                  [job!.id],
                )
              )[0]
            for (let turn = 0; turn < 100 && !(await ran())?.status; turn += 1)
              await new Promise((resolve) => setTimeout(resolve, 200))
            const said = (await ran())?.status
            if (said !== 'Success') {
              // Some minor versions of PostgreSQL fail every run after its COMMIT.
              process.stderr.write(
                `${engine.name} calls every run of a job failed (24000); that it says so is all that is asked of its status\n`,
              )
              expect(
                await run(
                  'select distinct sqlerrcode as code from timescaledb_information.job_errors where job_id = $1',
                  [job!.id],
                ),
              ).toEqual([{code: '24000'}])
            }
            const [compression] = (await status(database)).policies
            expect(compression!.lastStatus).toBe(said)
            expect(compression!.notDone!).toMatchObject([
              {
                chunk: stuck!.chunk.includes('.') ? stuck!.chunk : `_timescaledb_internal.${stuck!.chunk}`,
                why: 'never compressed',
              },
            ])
            expect(compression!.due).toBeGreaterThan(1)
          })
        } finally {
          await other.close()
        }
      } finally {
        await run(`drop owned by "${owner}" cascade; drop role "${owner}"`)
      }
    })

  forEachEngine({native: true}, (engine) => {
    it('works for a read-only role, and says what it may not see', async () => {
      const database = await engine.database()
      await replay(database)
      const {run, db, url} = database
      await db.probe()
      const declared = [
        ...declaredPolicies(qicore, null),
        ...(!engine.hypertables ? [] : [declare('public.level1_data', {chunkInterval: days(1)})]),
      ].slice(0, 6)
      await runPlan(db, (await planPolicies(db, request(declared))).plan)
      const role = `reader_of_${db.server.database}`.slice(0, 60)
      await run(`create role "${role}" login`)
      try {
        const reader = await connect(
          {...database.target, url: url.replace(/postgres@/, `${encodeURIComponent(role)}@`)},
          {applicationName: 'qicore-db/test'},
        )
        try {
          const report = await readPolicyStatus(reader, {declared, lateAfter: 0})
          // TimescaleDB may run a job at once, and before 2.27.1 every role sees its error.
          for (const policy of report.policies.filter(({jobId, lastError}) => jobId !== null && lastError === null))
            expect(policy, `${policy.table} ${policy.kind}`).toMatchObject({
              lastErrorVisible: false,
              problems: expect.arrayContaining([expect.objectContaining({code: 'errors_not_visible'})]),
            })
          const hidden = report.policies.filter(
            ({kind}) => kind === 'retention' || (kind === 'refresh' && engine.kind !== 'timescaledb'),
          )
          expect(hidden.length).toBeGreaterThan(0)
          for (const policy of hidden)
            expect(policy, `${policy.table} ${policy.kind}`).toMatchObject({
              live: null,
              ok: null,
              notDone: null,
              runner: 'unknown',
            })
          expect(report.notes.join()).toContain('grant usage on schema qicore')
          if (engine.kind === 'timescaledb')
            expect(report.policies.find(({kind}) => kind === 'compression')).toMatchObject({
              ok: true,
              runnerAlive: true,
            })
        } finally {
          await reader.close()
        }
      } finally {
        await run(`drop role "${role}"`)
      }
    })
  })
})
