import {expect, it} from 'vitest'
import {readImport} from '../../../src/policies/declared/import.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {apply, declare, request} from '../../helpers/policies.js'

/** Six days of rows and two indexes, one with a name that needs quotes. */
const ticks = ({run}: TestDatabase) =>
  run(`create table ticks (time timestamptz not null, symbol int not null);
select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day', create_default_indexes => false);
create index by_symbol on ticks (symbol, time); create index "By ""time""" on ticks (time);
insert into ticks select t, 1 from generate_series('2026-01-01+00'::timestamptz, '2026-01-06+00', '6 hours') t`)

const wanted = (index: string) => request([declare('public.ticks', {reorder: {index}})])

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('is planned, applied, altered in place, imported and removed', async () => {
    const database = await engine.database()
    await ticks(database)
    const {db, run} = database
    await db.probe()
    const {before, report, after} = await apply(db, wanted('by_symbol'))
    expect(before.changes).toMatchObject([{do: 'reorder', key: 'public.ticks', why: ['by index by_symbol']}])
    expect(report.steps.map(({id, status}) => `${id}: ${status}`)).toEqual(['reorder policy of public.ticks: done'])
    expect(after.changes).toEqual([])
    const jobs = () =>
      run<{id: number; index: string}>(
        "select job_id as id, config ->> 'index_name' as index from timescaledb_information.jobs where proc_name = 'policy_reorder'",
      )
    const [job] = await jobs()
    expect((await apply(db, wanted('By "time"'))).after.changes).toEqual([])
    expect(await jobs()).toEqual([{id: job!.id, index: 'By "time"'}])
    const {entries} = await readImport(db, {declared: [], maxDropPerRun: 8})
    expect(entries).toMatchObject([{key: 'public.ticks', fields: {reorder: {index: 'By "time"'}}}])
    await apply(db, request([declare('public.ticks', {reorder: 'none'})]))
    expect(await jobs()).toEqual([])
  })

  it('shows the chunks that it has not rewritten, except the two newest and compressed ones', async () => {
    const database = await engine.database()
    await ticks(database)
    const {db, run} = database
    await run(`alter table ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'symbol');
select compress_chunk(min(c::text)::regclass) from show_chunks('ticks', older_than => timestamptz '2026-01-02 00:00+00') c`)
    // Paused in the transaction that creates it: the scheduler would start it at once.
    await run(
      "select alter_job(add_reorder_policy('ticks', 'by_symbol'), scheduled => false); update _timescaledb_catalog.chunk set creation_time = '2026-01-07+00'",
    )
    await db.probe()
    const status = async () => {
      const {policies} = await readPolicyStatus(db, {declared: [], lateAfter: 3_600_000})
      return policies.find(({kind}) => kind === 'reorder')!
    }
    const [job] = await run<{id: number}>(
      "select job_id as id from timescaledb_information.jobs where proc_name = 'policy_reorder'",
    )
    const before = await status()
    // Six chunks: one is compressed, and the two newest are excluded.
    expect(before).toMatchObject({due: 3, ok: false, paused: true, live: {index: 'by_symbol'}, jobId: job!.id})
    expect(before.notDone).toHaveLength(3)
    expect(before.notDone![0]).toMatchObject({code: 'not_reordered', since: '2026-01-07T00:00:00Z'})
    await database.autocommit(`call run_job(${job!.id})`)
    await database.autocommit(`call run_job(${job!.id})`)
    expect((await status()).notDone).toHaveLength(1)
    await database.autocommit(`call run_job(${job!.id})`)
    expect(await status()).toMatchObject({due: 3, notDone: []})
  })

  it('refuses an index that does not exist, and a table that is not a hypertable', async () => {
    const database = await engine.database()
    await ticks(database)
    await database.run(
      "create materialized view a with (timescaledb.continuous) as select time_bucket('1 hour', time) b, count(*) from ticks group by 1 with no data",
    )
    await database.db.probe()
    await expect(planPolicies(database.db, wanted('nope'))).rejects.toMatchObject({
      code: 'NO_SUCH_INDEX',
      message: expect.stringContaining('public.ticks has no index "nope"'),
      suggestions: ['Its indexes: By "time", by_symbol.'],
    })
    const aggregate = declare('public.a', {section: 'aggregates', reorder: {index: 'by_symbol'}})
    const {changes, notes} = await planPolicies(database.db, request([aggregate]))
    expect(changes).toEqual([])
    expect(notes).toContain('public.a: it is not a hypertable, and TimescaleDB reorders only these; not applied here.')
  })
})
