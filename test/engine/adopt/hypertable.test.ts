import {expect, it} from 'vitest'
import {planAdopt} from '../../../src/adopt/plan.js'
import {planFinish, planUndo} from '../../../src/adopt/undo.js'
import {adoptRequest, contents, expectSameAsMirror, ticks} from '../../helpers/adopt.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {run} from '../../helpers/partitions.js'

const hypertable = `${ticks(3_000)};
select create_hypertable('ticks', 'time', chunk_time_interval => interval '12 hours', migrate_data => true)`
const kindOf = async ({run: query}: TestDatabase) =>
  (
    await query<{kind: string}>(
      "select case when exists (select from timescaledb_information.hypertables where hypertable_name = 'ticks' and hypertable_schema = 'public') then 'hypertable' else relkind::text end as kind from pg_class where oid = 'public.ticks'::regclass",
    )
  )[0]!.kind
const failed = (report: Awaited<ReturnType<typeof run>>) => report.steps.filter(({status}) => status !== 'done')
const both = async ({run: query}: TestDatabase, change: string) => {
  for (const table of ['ticks', 'mirror']) await query(change.replaceAll('TABLE', table))
}

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it('a hypertable becomes a set, with changes after every step; an undo makes it a hypertable again', async () => {
    const database = await engine.database()
    await database.run(hypertable)
    for (let n = 0; ; n += 1) {
      const {plan} = await planAdopt(database.db, adoptRequest())
      if (plan.steps.length === 0) break
      expect(failed(await run(database.db, {...plan, steps: plan.steps.slice(0, 1)}))).toEqual([])
      const minute = `'2026-01-01T00:00:00Z'::timestamptz + ${n} * interval '2 minutes'`
      await both(database, `insert into TABLE values ('new', ${minute} + interval '${n % 3} days', ${n}, null)`)
      await both(
        database,
        `update TABLE set price = 77 where symbol = 'a' and time = ${minute} + interval '20 minutes'`,
      )
      await both(database, `delete from TABLE where symbol = 'a' and time = ${minute} + interval '10 hours'`)
    }
    expect(await kindOf(database)).toBe('p')
    await expectSameAsMirror(database)
    await both(database, "update TABLE set price = 5 where symbol = 'b' and price = 3")
    expect(failed(await run(database.db, (await planUndo(database.db, 'ticks')).plan))).toEqual([])
    expect(await kindOf(database)).toBe('hypertable')
    await expectSameAsMirror(database)
  })

  it('--finish drops the hypertable with its chunks', async () => {
    const database = await engine.database()
    await database.run(hypertable)
    expect(failed(await run(database.db, (await planAdopt(database.db, adoptRequest())).plan))).toEqual([])
    expect(failed(await run(database.db, (await planFinish(database.db, 'ticks')).plan))).toEqual([])
    expect(await database.run('select from timescaledb_information.chunks')).toEqual([])
    await expectSameAsMirror(database)
  })

  it('an empty hypertable and one of integers are adopted', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (at bigint primary key, n int);
select create_hypertable('ticks', 'at', chunk_time_interval => 86400000::bigint)`)
    const request = adoptRequest({column: 'at', declared: {timeUnit: 'ms', keyFormat: null}})
    expect(failed(await run(database.db, (await planAdopt(database.db, request)).plan))).toEqual([])
    await run(database.db, (await planUndo(database.db, 'ticks')).plan)
    await database.run('insert into ticks select 1767225600000 + g * 3600000::bigint, g from generate_series(1, 500) g')
    expect(failed(await run(database.db, (await planAdopt(database.db, request)).plan))).toEqual([])
    expect(await database.run('select count(*) as rows, sum(n) as sum from ticks')).toEqual([{rows: 500, sum: 125_250}])
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('compressed chunks are copied, and a continuous aggregate and a running retention policy are reasons to refuse', async () => {
    const database = await engine.database()
    await database.run(hypertable)
    await database.run("alter table ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'symbol')")
    await database.run("select compress_chunk(c) from show_chunks('ticks') c")
    await database.autocommit(
      "create materialized view public.hourly with (timescaledb.continuous) as select time_bucket('1 hour', time) as hour, count(*) from public.ticks group by 1 with no data",
    )
    const [{id}] = (await database.run<{id: number}>(
      "select add_retention_policy('ticks', interval '1000 years') as id",
    )) as [{id: number}]
    await expect(planAdopt(database.db, adoptRequest())).rejects.toMatchObject({
      code: 'CANNOT_ADOPT',
      message: expect.stringMatching(new RegExp(`continuous aggregate public\\.hourly[^]*job ${id}`)),
    })
    await database.autocommit('drop materialized view public.hourly')
    await database.run(`select alter_job(${id}, scheduled => false)`)
    const {plan, notes} = await planAdopt(database.db, adoptRequest())
    expect(notes).toContain(`policy_retention (job ${id}) of TimescaleDB ends with the hypertable.`)
    expect(failed(await run(database.db, plan))).toEqual([])
    expect(await contents(database, 'ticks')).toMatchObject({rows: 3_000})
    await expectSameAsMirror(database)
  })
})
