import {expect, it} from 'vitest'
import {today} from '../../helpers/clock.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {micros, refreshPlan, run, stepResults} from '../../helpers/aggregates.js'
import {drop} from '../../helpers/chunks.js'
import {replay} from '../../helpers/schema-replay.js'
import {agree, retain} from '../../helpers/policies-ticks.js'

/** Start of the bucket of 11 January 2024 in Vienna. */
const bucketStart = '2024-01-10T23:00:00Z'
const wholeRange = {start: micros('2024-01-01'), end: micros('2024-01-20')}

/**
 * Hours in chunks of a day; `days` and `months` have variable bucket widths. Two late rows, of which the second is at a
 * bucket's start, and a refresh of `days` elsewhere: from TimescaleDB 2.25.1 on that records the bucket as computed.
 */
async function leftOut(engine: Engine): Promise<TestDatabase> {
  const database = await engine.database()
  await replay(database, ['core'])
  await database.db.probe()
  await database.run(`create table public.ticks (time timestamptz not null, v double precision not null, note json);
select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day');
insert into public.ticks select t, 1 / 3.0 from generate_series('2024-01-02+00'::timestamptz, '2024-02-03 23:00+00', '1 hour') t;
insert into public.ticks select ${today}, 1`)
  for (const [name, bucket] of [
    ['days', "time_bucket('1 day', time, 'Europe/Vienna')"],
    ['months', "time_bucket('1 month', time)"],
  ] as const)
    await database.autocommit(
      `create materialized view public.${name} with (timescaledb.continuous, timescaledb.materialized_only = true) as
       select ${bucket} as bucket, count(*) as n, sum(v) as total, last(note::text, time)::json as note from public.ticks group by 1 with no data`,
    )
  for (const name of ['days', 'months'])
    await database.autocommit(`call refresh_continuous_aggregate('public.${name}', null, '2024-04-01')`)
  await database.run(
    `insert into public.ticks values ('2024-01-10 20:00+00', 1, null), ('${bucketStart}', 1, '{"late": true}')`,
  )
  for (const name of ['days', 'months'])
    await database.autocommit(`call refresh_continuous_aggregate('public.${name}', '2024-01-01', '2024-04-01')`)
  await database.autocommit("call refresh_continuous_aggregate('public.days', '2024-01-01', '2024-01-09')")
  return database
}

const lateRow = `select from public.ticks where time = '${bucketStart}' and note is not null`
const countOf = (database: TestDatabase) =>
  database.run<{n: number}>(`select n::int as n from public.days where bucket = '${bucketStart}'`)

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('gated retention keeps a row at the start of a bucket that the log of TimescaleDB left out, until it is counted', async () => {
    const database = await leftOut(engine)
    const misses = database.db.server.logMissesBuckets
    expect(await countOf(database)).toEqual([{n: misses ? 24 : 25}])
    await agree(database, {after: '60 days', maxDropPerRun: 100})
    const refused = await retain(database)
    if (misses) {
      expect(refused).toContain(`public.days has not covered ${bucketStart.replace('T', ' ').replace('Z', '+00')}`)
      expect(refused).toContain('`qicore-db aggregates refresh public.days --from')
      expect(await database.run(lateRow)).toHaveLength(1)
    } else expect(refused).toBeNull()
    const {plan} = await refreshPlan(database.db, 'public.days', {span: wholeRange})
    expect(stepResults(await run(database.db, plan)).every((line) => line.endsWith(': done'))).toBe(true)
    expect((await refreshPlan(database.db, 'public.days', {span: wholeRange})).plan.steps).toEqual([])
    expect(await countOf(database)).toEqual([{n: 25}])
    expect(await retain(database)).toBeNull()
    expect(await database.run(lateRow)).toHaveLength(0)
    expect(await countOf(database)).toEqual([{n: 25}])
  })

  it('chunks drop refuses it, and refreshes such a bucket first', async () => {
    const database = await leftOut(engine)
    const misses = database.db.server.logMissesBuckets
    const before = '2024-01-12T00:00:00Z'
    const planned = drop(database.db, 'public.ticks', before)
    if (misses) await expect(planned).rejects.toMatchObject({code: 'NOT_COVERED'})
    else await planned
    const {plan} = await drop(database.db, 'public.ticks', before, {refreshFirst: true})
    expect(plan.steps.map(({kind}) => kind).filter((kind) => kind === 'refresh')).toHaveLength(misses ? 1 : 0)
    expect(stepResults(await run(database.db, plan)).every((line) => line.endsWith(': done'))).toBe(true)
    expect(await database.run(lateRow)).toHaveLength(0)
    expect(await countOf(database)).toEqual([{n: 25}])
  })

  it('the step of a drop compares again, because another refresh can move the log after the plan', async () => {
    const database = await leftOut(engine)
    await database.autocommit(
      `call refresh_continuous_aggregate('public.days', '2024-01-09', '2024-01-13', force => true)`,
    )
    const {plan} = await drop(database.db, 'public.ticks', '2024-01-12T00:00:00Z')
    await database.run(
      `insert into public.ticks values ('2024-01-10 21:00+00', 1, null), ('${bucketStart}', 1, '{"late": 2}')`,
    )
    await database.autocommit("call refresh_continuous_aggregate('public.days', '2024-01-09', '2024-01-13')")
    await database.autocommit("call refresh_continuous_aggregate('public.months', '2024-01-01', '2024-04-01')")
    const report = await run(database.db, plan)
    const failed = stepResults(report).filter((line) => !line.endsWith(': done'))
    const misses = database.db.server.logMissesBuckets
    // The next chunk has rows of the same bucket, so it is not dropped before this one.
    expect(failed.map((line) => line.split(': ').slice(1).join(': '))).toEqual(
      misses
        ? [expect.stringContaining('not covered by public.days, so not dropped'), expect.stringContaining('skipped')]
        : [],
    )
    expect(await database.run(lateRow)).toHaveLength(misses ? 2 : 0)
  })

  it('keeps what cannot be compared, with the words of the server', async () => {
    const database = await engine.database()
    await replay(database, ['core'])
    await database.db.probe()
    await database.run(`create table public.ticks (time timestamptz not null, v int not null);
select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day');
insert into public.ticks select t, 1 from generate_series('2024-01-02+00'::timestamptz, '2024-01-20 23:00+00', '1 hour') t;
insert into public.ticks select ${today}, 1`)
    await database.autocommit(
      `create materialized view public.days with (timescaledb.continuous, timescaledb.materialized_only = true) as
       select time_bucket('1 day', time, 'Europe/Vienna') as bucket, sum(1 / v) as total from public.ticks group by 1 with no data`,
    )
    await database.autocommit("call refresh_continuous_aggregate('public.days', null, '2024-03-01')")
    // A refresh that read the second row would fail.
    await database.run(`insert into public.ticks values ('2024-01-10 20:00+00', 1), ('${bucketStart}', 0)`)
    const refreshed = database.autocommit(
      "call refresh_continuous_aggregate('public.days', '2024-01-01', '2024-02-01')",
    )
    const misses = database.db.server.logMissesBuckets
    if (misses) await refreshed
    else await expect(refreshed).rejects.toThrow('division by zero')
    await agree(database, {after: '60 days', maxDropPerRun: 100})
    expect(await retain(database)).toContain(misses ? 'division by zero [22012]' : 'public.days has not covered')
    await expect(drop(database.db, 'public.ticks', '2024-01-12T00:00:00Z')).rejects.toMatchObject({
      code: 'NOT_COVERED',
      message: expect.stringContaining(misses ? 'its rows cannot be compared: division by zero' : 'public.days'),
    })
    expect(await database.run(`select from public.ticks where time = '${bucketStart}' and v = 0`)).toHaveLength(1)
  })
})
