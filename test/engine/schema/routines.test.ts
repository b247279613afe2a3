import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {sqlState} from '../../../src/db/sqlstate.js'
import {statement} from '../../../src/db/sql.js'
import {aggregateColumns} from '../../../src/schema/generate/aggregate.js'
import {qicore} from '../../../src/qicore/definition.js'
import {readType, typeSql} from '../../../src/schema/types.js'
import {notDuringTheTest} from '../../helpers/clock.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {applicationName, writing} from '../../helpers/server.js'
import {replay} from '../../helpers/schema-replay.js'

/** A database with QiCore's tables. */
async function replayed(engine: Engine): Promise<TestDatabase> {
  const database = await engine.database()
  await replay(database)
  return database
}

const stateOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => sqlState(error),
  )

/** Hourly candles of two coins over some days, and prices every ten minutes. */
async function fill({run, db}: TestDatabase, from: string, days: number): Promise<void> {
  if (db.server.timescaledb === null)
    await run(
      `select qicore.create_partition(t::regclass, 'month', at) from unnest(array['public.ohlcv_data', 'public.crypto_prices']) t, generate_series('${from}'::timestamptz, '${from}'::timestamptz + interval '${days} days', interval '15 days') at`,
    )
  await run(`set local qicore.price_guard = 'off'`)
  await run(`
    insert into ohlcv_data (coin_id, symbol, exchange_id, time, open_price, high_price, low_price, close_price, volume, timeframe, source, attribution)
    select coin, 'S', 'binance', time, o, greatest(o, c) + 1, least(o, c) - 1, c, n % 7, frame, 'test', ''
    from (select *, 100 + (n * 37) % 50 as o, 100 + (n * 53) % 50 as c
      from unnest(array['a', 'b']) coin, unnest(array['1h', '4h']) frame,
        lateral (select n, '${from}'::timestamptz + n * (case frame when '1h' then interval '1 hour' else interval '4 hours' end) as time from generate_series(0, ${days} * 24 - 1) n) s
      where time < '${from}'::timestamptz + interval '${days} days') x`)
  await run(`
    insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, time, last_updated, source, attribution)
    select coin, 'S', 'N', 'kraken', 100 + (n * 37) % 20, '${from}'::timestamptz + n * interval '10 minutes', '${from}', 'test', ''
    from unnest(array['a', 'b']) coin, generate_series(0, ${days} * 144 - 1) n`)
}

async function refresh({db, run, autocommit}: TestDatabase, view: string, from: string, to: string): Promise<void> {
  if (db.server.engine === 'timescaledb')
    await autocommit(`call refresh_continuous_aggregate('${view}', '${from}'::timestamptz, '${to}'::timestamptz)`)
  else await run(`select qicore.refresh_aggregate('${view}', '${from}', '${to}')`)
}

/** The same aggregates written in another way, over all source rows. */
const hourly = `select coin_id, exchange_id, date_trunc('hour', time, 'UTC') as bucket, avg(usd_price) as avg_price, max(usd_price) as max_price, min(usd_price) as min_price, count(*) as sample_count
  from crypto_prices group by 1, 2, 3`
const daily = `select distinct on (coin_id, exchange_id, date_trunc('day', time, 'UTC')) coin_id, exchange_id, date_trunc('day', time, 'UTC') as bucket,
    first_value(open_price) over w as open_price, max(high_price) over w as high_price, min(low_price) over w as low_price, last_value(close_price) over w as close_price, sum(volume) over w as total_volume
  from ohlcv_data where timeframe = '1h'
  window w as (partition by coin_id, exchange_id, date_trunc('day', time, 'UTC') order by time rows between unbounded preceding and unbounded following)`
const inOrder = 'order by coin_id, exchange_id, bucket'
const at = (bucket: string) => bucket.replace('.000', '')

forEachEngine({}, (engine) => {
  it('computes the aggregates of a window, by whole buckets in UTC, with the columns of the definition', async () => {
    const database = await engine.database()
    await replay(database)
    await fill(database, '2026-03-27', 4)
    for (const [view, question] of [
      ['public.hourly_price_averages', hourly],
      ['public.daily_ohlcv_summary', daily],
    ] as const) {
      expect(await database.run(`select * from ${view}`)).toEqual([])
      await refresh(database, view, '2026-03-28', '2026-03-30')
      const expected = await database.run(
        `select * from (${question}) q where bucket >= '2026-03-28' and bucket < '2026-03-30' ${inOrder}`,
      )
      expect(expected.length).toBeGreaterThan(3)
      expect(await database.run(`select * from ${view} ${inOrder}`)).toEqual(expected)
      await refresh(database, view, '2026-03-28', '2026-03-30')
      expect(await database.run(`select * from ${view} ${inOrder}`)).toEqual(expected)
    }
    for (const aggregate of qicore.aggregates) {
      const source = qicore.tables.find(({name}) => name === aggregate.source.table)!
      const columns = await database.run<{name: string; type: string}>(
        `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = 'public.${aggregate.name}'::regclass and attnum > 0 order by attnum`,
      )
      const short = (type: string) => typeSql(readType(type)!)
      expect(columns.map(({name, type}) => `${name} ${short(type)}`)).toEqual(
        aggregateColumns(aggregate, source).map(({name, type}) => `${name} ${short(type)}`),
      )
    }
  })

  it('creates the partition of a month for any day of it, once, and refuses if another relation has its name', async () => {
    const {run} = await replayed(engine)
    await run('create schema "my Data"')
    await run(
      'create table "my Data"."Odd ""name""" (id int, "At" timestamptz not null, primary key (id, "At")) partition by range ("At")',
    )
    const table = `"my Data"."Odd ""name"""`
    const child = `"my Data"."Odd ""name""_y2024m02"`
    const make = (day: string, as = `'${table}'`) =>
      run<{child: string}>(`select create_monthly_partition(${as}, '${day}')::text as child`)
    for (const day of ['2024-02-01', '2024-02-15', '2024-02-29']) expect(await make(day)).toEqual([{child}])
    expect(await make('2024-02-10', `'${table}'::regclass`)).toEqual([{child}])
    const bound = await run<{bound: string}>(
      `select pg_get_expr(relpartbound, oid) as bound from pg_class where oid = '${child}'::regclass`,
    )
    expect(bound).toEqual([{bound: "FOR VALUES FROM ('2024-02-01 00:00:00+00') TO ('2024-03-01 00:00:00+00')"}])
    await run(`insert into ${table} values (1, '2024-02-01 00:00:00+00'), (2, '2024-02-29 23:59:59.999999+00')`)
    expect(await stateOf(run(`insert into ${table} values (3, '2024-03-01 00:00:00+00')`))).toBe('23514')

    await run(`create table "my Data"."Odd ""name""_y2024m03" (id int)`)
    await expect(make('2024-03-05')).rejects.toThrow(/"Odd ""name""_y2024m03" already exists and is not a partition of/)
    await run(`create table "my Data".wide partition of ${table} for values from ('2024-04-10') to ('2024-05-10')`)
    await expect(make('2024-04-01')).rejects.toThrow(
      /wide \(2024-04-10 .* to 2024-05-10 .*\) overlaps 2024-04-01 .* to 2024-05-01 .*_y2024m04.* cannot be created/,
    )
    await expect(make('2024-04-01', `'public.exchanges'`)).rejects.toThrow(
      /exchanges is not partitioned by range of one column/,
    )
    await expect(make('2024-04-01', `'public.nowhere'`)).rejects.toThrow(/"public.nowhere" does not exist/)
    await expect(make('infinity')).rejects.toThrow(/a partition of .* cannot be created for the time infinity/)
  })

  it('shortens a name that would be too long, and keeps two long names distinct', async () => {
    const {run} = await replayed(engine)
    const long = 'é'.repeat(27)
    const children: string[] = []
    for (const name of [`${long}_one`, `${long}_two`]) {
      await run(`create table public."${name}" (time timestamptz not null) partition by range (time)`)
      const [made] = await run<{oid: number}>(
        `select create_monthly_partition('public."${name}"', '2024-12-31')::oid as oid`,
      )
      const [row] = await run<{name: string; bytes: number}>(
        `select relname as name, octet_length(relname) as bytes from pg_class where oid = ${made!.oid}`,
      )
      expect(row!.bytes).toBeLessThanOrEqual(63)
      expect(row!.name).toMatch(/_[0-9a-f]{8}_y2024m12$/)
      children.push(row!.name)
    }
    expect(new Set(children).size).toBe(2)
  })

  it('partitions by day, and by date and timestamp columns, with the midnights of the time zone', async () => {
    const {run} = await replayed(engine)
    const bounds = async (type: string, call: string) => {
      await run(
        `drop table if exists public.kept; create table public.kept (time ${type} not null) partition by range (time)`,
      )
      const [made] = await run<{oid: number}>(`select qicore.create_partition('public.kept', ${call})::oid as oid`)
      const [row] = await run<{bound: string}>(
        `select pg_get_expr(relpartbound, oid) as bound from pg_class where oid = ${made!.oid}`,
      )
      return /FROM \('(.*)'\) TO \('(.*)'\)/.exec(row!.bound)!.slice(1)
    }
    expect(await bounds('date', "'month', '2024-02-29 12:00+00'")).toEqual(['2024-02-01', '2024-03-01'])
    expect(await bounds('timestamp', "'day', '2024-02-29 12:00+00'")).toEqual([
      '2024-02-29 00:00:00',
      '2024-03-01 00:00:00',
    ])
    // The day of the clock change has 23 hours in Berlin.
    expect(await bounds('timestamptz', "'day', '2024-03-31 12:00+00', 'Europe/Berlin'")).toEqual([
      '2024-03-30 23:00:00+00',
      '2024-03-31 22:00:00+00',
    ])
    expect(await bounds('timestamptz', "'month', '1969-12-31 23:59:59+00'")).toEqual([
      '1969-12-01 00:00:00+00',
      '1970-01-01 00:00:00+00',
    ])
    expect(await bounds('timestamptz', "'month', '2038-12-15'")).toEqual([
      '2038-12-01 00:00:00+00',
      '2039-01-01 00:00:00+00',
    ])
    expect(await bounds('timestamptz', "'week', '2024-01-03'")).toEqual([
      '2024-01-01 00:00:00+00',
      '2024-01-08 00:00:00+00',
    ])
    await expect(bounds('timestamptz', "'5 hours', '2024-01-01'")).rejects.toThrow(
      /invalid partition period "5 hours": use hour, day, week/,
    )
  })

  it('keeps the short names of older scripts: their inserts are recorded in the ledger', async () => {
    const {run, autocommit} = await replayed(engine)
    await run("insert into maintenance_log (operation, completed_at) values ('hypertable_maintenance', '2026-01-01')")
    await run("insert into schema_versions (version, description) values ('0.9.0', 'by hand')")
    expect(await run('select operation, status from qicore.maintenance_log')).toEqual([
      {operation: 'hypertable_maintenance', status: 'done'},
    ])
    expect(await run("select stream from qicore.schema_versions where version = '0.9.0'")).toEqual([{stream: 'qicore'}])
    await autocommit('call maintain_hypertables()')
    const [log] = await run<{id: number}>("select id, status, error from qicore.maintenance_log where job = 'maintain'")
    expect(log).toMatchObject({status: 'done', error: null})
    const steps = await run<{step: string}>(
      `select step from qicore.maintenance_step where log_id = ${log!.id} order by position`,
    )
    const tables = qicore.tables.filter(({hypertable}) => hypertable).map(({name}) => `analyze public.${name}`)
    expect(steps.map(({step}) => step)).toEqual(tables)
  })
})

forEachEngine({kinds: ['apache', 'postgres']}, (engine) => {
  it('moves the watermark, keeps what is outside of the window, and refuses a window without a bucket', async () => {
    const database = await engine.database()
    await replay(database)
    await fill(database, '2026-03-27', 4)
    const {run} = database
    const view = 'public.daily_ohlcv_summary'
    const known = async () =>
      (
        await run<{watermark: string; covered: string}>(
          `select watermark, covered::text from qicore.aggregates where view = '${view}'`,
        )
      )[0]!
    await refresh(database, view, '2026-03-29', '2026-03-31')
    expect(await known()).toMatchObject({watermark: at('2026-03-31T00:00:00Z')})
    await refresh(database, view, '2026-03-26 13:00+00', '2026-03-28 23:00+00')
    // Half a day contains no bucket; what is between the two windows was never computed.
    expect(await known()).toEqual({
      watermark: '2026-03-31T00:00:00Z',
      covered:
        '{["2026-03-27 00:00:00+00","2026-03-28 00:00:00+00"),["2026-03-29 00:00:00+00","2026-03-31 00:00:00+00")}',
    })
    const before = await run(`select * from ${view} ${inOrder}`)
    await run("delete from ohlcv_data where time < '2026-03-30'")
    await refresh(database, view, '2026-03-30', '2026-03-31')
    expect(await run(`select * from ${view} ${inOrder}`)).toEqual(before)
    await refresh(database, view, '2026-03-29', '2026-03-30')
    expect(await run(`select * from ${view} where bucket = '2026-03-29'`)).toEqual([])
    for (const window of [
      "'2026-03-29 01:00+00', '2026-03-30 23:00+00'",
      "'2026-03-30', '2026-03-29'",
      "null, '2026-03-29'",
      "'-infinity', 'infinity'",
    ])
      expect(await stateOf(run(`select qicore.refresh_aggregate('${view}', ${window})`)), window).toBe('22023')
    expect(await stateOf(run("select qicore.refresh_aggregate('public.exchanges', '2026-03-29', '2026-03-30')"))).toBe(
      '42809',
    )
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('compresses what the declared policy makes due, one chunk per step, and nothing twice', async () => {
    const database = await engine.database()
    await replay(database)
    await fill(database, '2026-03-01', 20)
    const {run, autocommit} = database
    await run(
      `insert into qicore.policies (object, kind, config) values ('public.crypto_prices', 'compression', '{"after": "7 days"}')`,
    )
    await autocommit('call maintain_hypertables()')
    const compressed = () =>
      run<{table: string; left: number}>(
        "select hypertable_name as table, count(*) filter (where not is_compressed)::int as left from timescaledb_information.chunks where hypertable_schema = 'public' group by 1 order by 1",
      )
    expect(await compressed()).toEqual([
      {table: 'crypto_prices', left: 0},
      {table: 'ohlcv_data', left: expect.any(Number)},
    ])
    expect((await compressed())[1]!.left).toBeGreaterThan(0)
    const steps = () => run<{step: string}>("select step from qicore.maintenance_step where step like 'compress %'")
    const first = await steps()
    expect(first.length).toBeGreaterThan(2)
    await autocommit('call maintain_hypertables()')
    expect(await steps()).toEqual(first)
    // TimescaleDB counts a refilled chunk as compressed; here it is due again.
    await run(
      "insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, time, last_updated, source, attribution) values ('a', 'S', 'N', 'kraken', 100, '2026-03-05', '2026-03-05', 'late', '')",
    )
    await autocommit('call maintain_hypertables()')
    expect(await steps()).toHaveLength(first.length + 1)
  })

  it("runs TimescaleDB's own policy if nothing else does, and leaves it to running workers", async () => {
    const database = await engine.database()
    await replay(database)
    await fill(database, '2026-03-01', 10)
    const {run, autocommit, db} = database
    // Far ahead, so that the policy's own job does not compress here.
    await run(`select add_compression_policy('ohlcv_data', interval '30 days', initial_start => ${notDuringTheTest})`)
    await db.probe()
    await autocommit('call maintain_hypertables()')
    const done = await run<{step: string; status: string; note: string | null}>(
      "select step, status, detail ->> 'note' as note from qicore.maintenance_step where step like 'compress %'",
    )
    if (db.server.workers === 'alive')
      expect(done).toEqual([
        {
          step: 'compress public.ohlcv_data',
          status: 'skipped',
          note: expect.stringMatching(/^enforced by timescaledb, job \d+$/),
        },
      ])
    else expect(done.length > 0 && done.every(({status}) => status === 'done')).toBe(true)
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('continues after a chunk that it cannot lock, and names it', async () => {
    const database = await engine.database()
    await replay(database)
    await fill(database, '2026-03-01', 20)
    const {run, autocommit} = database
    await run(
      `insert into qicore.policies (object, kind, config) values ('public.crypto_prices', 'compression', '{"after": "7 days"}')`,
    )
    const [held] = await run<{chunk: string}>(
      "select c::text as chunk from show_chunks('crypto_prices') c order by 1 limit 1",
    )
    const reader = await connect(database.target, {applicationName})
    await reader.transaction({...writing, readOnly: true}, async (tx) => {
      await tx.query(statement(`select count(*) from ${held!.chunk}`))
      await autocommit('call maintain_hypertables()')
    })
    await reader.close()
    const failed = await run("select step, error from qicore.maintenance_step where status = 'failed'")
    expect(failed).toEqual([{step: `compress ${held!.chunk}`, error: expect.stringMatching(/lock timeout.*55P03/)}])
    expect(await run("select status, error from qicore.maintenance_log where job = 'maintain'")).toEqual([
      {status: 'partial', error: expect.stringMatching(/^1 of \d+ steps failed$/)},
    ])
    await autocommit('call maintain_hypertables()')
    expect(
      await run(
        "select from timescaledb_information.chunks where hypertable_name = 'crypto_prices' and not is_compressed",
      ),
    ).toEqual([])
  })
})
