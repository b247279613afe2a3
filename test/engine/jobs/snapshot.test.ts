import {randomBytes} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {jobsOf, type OptionsOf} from '../../../src/config/jobs.js'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {job as snapshot} from '../../../src/jobs/kinds/snapshot.js'
import type {JobContext} from '../../../src/jobs/kind.js'
import {commandsOf} from '../../../src/pg-cron/commands.js'
import {readStats} from '../../../src/reports/stats.js'
import {execute} from '../../../src/run/execute.js'
import {defaultLimits} from '../../../src/run/limits.js'
import type {Plan} from '../../../src/run/step.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {targetOf, writing} from '../../helpers/server.js'

const context: JobContext = {
  job: 'snapshot',
  now: '2026-03-01T00:15:00.000Z',
  limits: defaultLimits,
  sections: {tables: {}, aggregates: {}},
  leaveToCron: false,
  partitions: () => [],
}

async function planOf(db: Database, options: OptionsOf<'snapshot'> = {}, now = context.now) {
  const {plans, notes, problems} = await snapshot.plan(db, options, {...context, now})
  expect([plans.length, problems]).toEqual([1, []])
  return {plan: plans[0]!, notes, ids: plans[0]!.steps.map(({id}) => id)}
}

async function run(db: Database, plan: Plan) {
  const {steps} = await execute(db, plan, {limits: defaultLimits, ledger: null})
  expect(steps.filter(({status}) => status !== 'done')).toEqual([])
}

interface Row {
  object_kind: string
  name: string
  total_bytes: number | null
  size_basis: string | null
  chunks: number | null
  compressed_chunks: number | null
  estimated_rows: number | null
}
const recorded = ({run: query}: TestDatabase, day = '2026-03-01') =>
  query<Row>(
    `select object_kind, name, total_bytes, size_basis, chunks, compressed_chunks, estimated_rows
      from qicore.size_snapshot where day = '${day}' order by object_kind, name`,
  )

/** A partition set of two partitions, of which only the first is analyzed, and one that is empty. */
async function withSets(database: TestDatabase) {
  await database.run(`
    create table public.ticks (time timestamptz not null, price float8) partition by range (time);
    create table public.ticks_1 partition of public.ticks for values from ('2026-01-01+00') to ('2026-02-01+00');
    create table public.ticks_2 partition of public.ticks for values from ('2026-02-01+00') to ('2026-03-01+00');
    create table public.empty (time timestamptz not null) partition by range (time);
    insert into public.ticks select '2026-01-01+00'::timestamptz + n * interval '1 hour', n from generate_series(0, 999) n;
    analyze public.ticks_1`)
  return database
}

const snapshotJob = jobsOf({}).find(({name}) => name === 'snapshot')!

forEachEngine({}, (engine) => {
  it('a snapshot has the figures of stats, and the second run of a day has nothing to do', async () => {
    const database = await withSets(await withCore(await engine.database()))
    const {db} = database
    if (engine.hypertables) {
      await database.run('create table public.hyper (time timestamptz not null, price float8)')
      await database.run("select create_hypertable('public.hyper', 'time')")
      await database.run(
        "insert into public.hyper select '2026-01-01+00'::timestamptz + n * interval '1 day', n from generate_series(0, 30) n",
      )
      await db.probe()
    }
    const {plan, ids} = await planOf(db)
    expect(await recorded(database)).toEqual([])
    const unplanned = ids.filter((id) => !id.startsWith('record 2026-03-01 '))
    expect([ids.length, unplanned]).toEqual([1, []])
    await run(db, plan)
    const rows = await recorded(database)
    const stats = await readStats(db, {fast: false, managed: new Set(), timeUnits: new Map(), lateAfter: 1})
    expect(
      rows
        .filter(({object_kind: kind}) => kind === 'table')
        .map((row) => [row.name, row.total_bytes, row.size_basis, row.chunks, row.compressed_chunks]),
    ).toEqual(
      stats.tables
        .map((row) => [row.table, row.totalBytes, row.sizeBasis, row.chunks, row.compressedChunks])
        .sort(([a], [b]) => (a! < b! ? -1 : 1)),
    )
    const rowsOf = (name: string) => rows.find((row) => row.name === name)?.estimated_rows
    expect([rowsOf('ticks'), rowsOf('empty')]).toEqual([null, 0])
    const storage = rows.filter(({object_kind: kind}) => kind !== 'table')
    expect(storage.map(({object_kind: kind, name}) => `${kind} ${name}`)).toEqual(
      expect.arrayContaining([`database ${db.server.database}`, 'tablespace pg_default']),
    )
    expect(storage.filter((row) => !((row.total_bytes ?? 0) > 1_000_000) || row.size_basis !== 'exact')).toEqual([])
    expect((await planOf(db)).ids).toEqual([])
    expect((await planOf(db, {}, '2026-03-01T23:59:59.999Z')).ids).toEqual([])
    await database.run('analyze public.ticks_2')
    await run(db, (await planOf(db, {}, '2026-03-02T00:00:00.000Z')).plan)
    expect((await recorded(database, '2026-03-02')).find(({name}) => name === 'ticks')?.estimated_rows).toBe(1_000)
  })

  it('a snapshot deletes its own rows that are older than `keep`, two years by default', async () => {
    const database = await withCore(await engine.database())
    await database.run(`insert into qicore.size_snapshot (day, object_kind, schema, name, taken_at, total_bytes)
      select d::date, 'table', 'public', 'gone', d, 1 from generate_series('2024-01-01 UTC'::timestamptz, '2026-02-28 UTC', '1 day') d`)
    const days = () =>
      database.run("select min(day)::text as first, count(*) as n from qicore.size_snapshot where name = 'gone'")
    const before = await days()
    const {plan, ids} = await planOf(database.db)
    expect(ids.at(-1)).toBe('prune before 2024-03-01, 1 of 1')
    expect(await days()).toEqual(before)
    await run(database.db, plan)
    expect(await days()).toEqual([{first: '2024-03-01', n: 730}])
    expect((await planOf(database.db)).ids).toEqual([])
    await run(database.db, (await planOf(database.db, {keep: {months: 0, days: 30, seconds: 0}})).plan)
    expect(await days()).toEqual([{first: '2026-01-30', n: 30}])
    expect(await recorded(database)).not.toEqual([])
  })

  it('a dry run works before the qicore schema is installed, and pg_cron is refused the job with a reason', async () => {
    const database = await withSets(await engine.database())
    await database.db.probe()
    expect((await planOf(database.db)).ids).toHaveLength(1)
    const commands = await commandsOf(database.db, snapshotJob, context)
    expect(commands).toMatchObject({commands: {}, obstacles: [expect.stringContaining('the daemon')]})
  })
})

forEachEngine({native: true}, (engine) => {
  it('a run that was killed between two steps is finished by the next one, and two runs at once record each object once', async () => {
    const database = await withCore(await engine.database())
    const {db} = database
    await database.run(`do $$ begin for n in 1..600 loop
      execute format('create table public.t%s (time timestamptz not null) partition by range (time)', n);
    end loop; end $$`)
    const {plan, ids} = await planOf(db)
    expect(ids).toHaveLength(2)
    await run(db, {...plan, steps: plan.steps.slice(0, 1)})
    const rest = await planOf(db)
    expect(rest.ids).toEqual(ids.slice(1))
    await Promise.all([run(db, rest.plan), run(db, plan)])
    const tables = (await recorded(database)).filter(({object_kind: kind}) => kind === 'table')
    expect(tables).toHaveLength(600)
    expect((await planOf(db)).ids).toEqual([])
  })

  it('a table that another session has locked is not waited for: its row says that the size is a lower bound', async () => {
    const database = await withSets(await withCore(await engine.database()))
    const other = await connect(targetOf(database.url), {applicationName: 'qicore-db/test'})
    try {
      await other.transaction(writing, async (tx) => {
        await tx.query(statement('lock table public.ticks_1 in access exclusive mode'))
        await run(database.db, (await planOf(database.db)).plan)
      })
    } finally {
      await other.close()
    }
    const row = (await recorded(database)).find(({name}) => name === 'ticks')!
    expect(row).toMatchObject({size_basis: 'mixed', chunks: 2})
    expect(row.total_bytes).toBeGreaterThan(0)
  })

  describe('as a role without the privilege to measure', () => {
    it('sizes of tablespaces and of the database are null, and a note names the grant', async () => {
      const database = await withCore(await engine.database())
      const {run: query, db} = database
      const role = `qicore_test_${randomBytes(6).toString('hex')}`
      await query(`create role ${role} login`)
      const login = await connect(targetOf(database.url.replace(/\/\/[^@/]*@/, `//${role}@`)), {
        applicationName: 'qicore-db/test',
      })
      try {
        await query(`grant usage on schema qicore to ${role}; grant select, insert on qicore.size_snapshot to ${role}`)
        // The session stays open without the privilege that it needed to connect.
        await query(`revoke connect on database "${db.server.database}" from public`)
        const {plan, notes} = await planOf(login)
        expect(notes).toEqual([expect.stringMatching(/may not measure database .*GRANT pg_read_all_stats/)])
        await run(login, plan)
        const rows = await recorded(database)
        expect(rows.find(({object_kind: kind}) => kind === 'database')).toMatchObject({
          total_bytes: null,
          size_basis: null,
        })
      } finally {
        await login.close()
        await query(`drop owned by ${role}; drop role ${role}`)
      }
    })
  })
})
