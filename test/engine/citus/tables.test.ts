import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {differsExpression} from '../../../src/aggregates/emulated-coverage.js'
import {connect} from '../../../src/db/connect.js'
import {sql} from '../../../src/db/sql.js'
import {planCandles} from '../../../src/qicore/candles/load-candles.js'
import {qicore} from '../../../src/qicore/definition.js'
import {latestPrices, priceHistory, topPerformers} from '../../../src/qicore/prices.js'
import {execute} from '../../../src/run/execute.js'
import {planFor} from '../../../src/schema/migrate/request.js'
import {verifySchema} from '../../../src/schema/verify.js'
import {clusterUrls, createCluster, noCluster, type Cluster} from '../../helpers/citus.js'
import {forEachEngine, skipBecause, type TestDatabase} from '../../helpers/engines.js'
import {up} from '../../helpers/migrate-up.js'
import {quick} from '../../helpers/run-steps.js'

const tables = ['crypto_prices', 'ohlcv_data', 'market_analytics', 'level1_data'] as const
const from = '2026-03-01T00:00:00Z'
const asOf = '2026-03-01T12:00:00Z'

/** The same rows each time, of 40 coins on two exchanges. */
async function fill({run}: TestDatabase): Promise<void> {
  await run("set local qicore.price_guard = 'off'")
  for (const table of tables) await run(`select qicore.create_partition('public.${table}', 'month', '2026-03-01Z')`)
  await run(`insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, change_24h, time, last_updated,
      source, attribution)
    select 'coin' || c, 'C', 'C', e, c + h, c, t, t, '', ''
    from generate_series(1, 40) c, unnest(array['binance', 'kraken']) e, generate_series(0, 11) h,
      lateral (select '${from}'::timestamptz + h * interval '1 hour' + interval '59 min') as at (t)`)
  await run(`insert into ohlcv_data (coin_id, symbol, exchange_id, timeframe, time, open_price, high_price, low_price,
      close_price, volume, source, attribution)
    select 'coin' || c, 'C', 'kraken', '1h', '${from}'::timestamptz + h * interval '1 hour', c, c + h, c, c, h, '', ''
    from generate_series(1, 40) c, generate_series(0, 11) h`)
  await run(`insert into market_analytics (exchange_id, time, total_market_cap, total_volume, btc_dominance,
      active_cryptocurrencies, markets, source, attribution)
    select 'global', '${from}'::timestamptz + h * interval '1 hour', 1, 1, 50, 1, 1, '', ''
    from generate_series(0, 11) h`)
  await run(`insert into level1_data (ticker, exchange, market, time, best_bid, best_ask, spread, spread_percent, source,
      attribution)
    select 'T' || c, 'kraken', 'spot', '${from}'::timestamptz + h * interval '1 hour', 1, 2, 1, 1, '', ''
    from generate_series(1, 40) c, generate_series(0, 11) h`)
}

/** What the query library and the tables say. */
async function answers({db, run}: TestDatabase) {
  const counts = await Promise.all(
    tables.map((table) =>
      run(`select count(*)::int as rows, md5(string_agg(r::text, ',' order by id)) from ${table} r`),
    ),
  )
  const history = {coin: 'coin7', exchange: 'kraken', from, to: asOf, bucket: '2 hours'}
  return {
    counts,
    latest: await latestPrices(db, {asOf, coins: ['coin1', 'coin2']}),
    all: await latestPrices(db, {asOf, within: '1 day'}),
    history: await priceHistory(db, history),
    top: await topPerformers(db, {asOf, limit: 5}),
  }
}

const distribution = `select c.relname as name, concat(d.partmethod, d.repmodel) as how,
    column_to_column_name(d.logicalrelid, d.partkey) as by, d.colocationid as group
  from pg_dist_partition d join pg_class c on c.oid = d.logicalrelid and not c.relispartition order by 1`

async function areDistributed({run, db}: TestDatabase): Promise<void> {
  const rows = await run<{name: string; how: string; by: string | null; group: number}>(distribution)
  expect(rows.map(({name, how, by}) => [name, how, by])).toEqual([
    ['crypto_prices', 'hs', 'coin_id'],
    ['exchanges', 'nt', null],
    ['level1_data', 'hs', 'ticker'],
    ['market_analytics', 'hs', 'exchange_id'],
    ['ohlcv_data', 'hs', 'coin_id'],
  ])
  const group = (table: string) => rows.find(({name}) => name === table)!.group
  expect(group('ohlcv_data'), 'joined on each node').toBe(group('crypto_prices'))
  expect(new Set(rows.map((row) => row.group)).size, 'the others move by themselves').toBe(4)
  expect(await verifySchema(db, qicore)).toEqual([])
}

const migrateTo = '1.5.0'

function laws(database: () => TestDatabase, refreshed: {rows?: unknown} = {}): void {
  it('tables of an earlier version are moved with their rows, in one step that asks first', async () => {
    const {db, run} = database()
    await up(db, {to: migrateTo})
    await fill(database())
    expect(await run(distribution)).toEqual([])
    await run(`select qicore.refresh_aggregate('public.hourly_price_averages', '${from}', '${asOf}')`)
    const before = await answers(database())
    refreshed.rows = await run('select * from hourly_price_averages order by 1, 2, 3')

    const {plan} = await planFor(db, {})
    expect(plan.steps.map(({id, class: of, lock}) => [id, of, lock])).toEqual([
      ['migrate 1.6.0 distribution', 'undo', 'ACCESS EXCLUSIVE'],
    ])
    expect(await answers(database()), 'a plan changes nothing').toEqual(before)
    await up(db)
    await areDistributed(database())
    expect(await answers(database())).toEqual(before)
    expect((await planFor(db, {})).plan.steps).toEqual([])
    const [left] = await run(`select sum(pg_relation_size(i.inhrelid))::int as bytes from pg_inherits i
      where i.inhparent = any ('{crypto_prices,ohlcv_data,market_analytics,level1_data}'::regclass[])`)
    expect(left, 'no rows are left in files of the coordinator').toEqual({bytes: 0})
  }, 120_000)

  it('aggregates are computed from the shards, as they were from the local table', async () => {
    const {run} = database()
    const window = `'${from}', '${asOf}'`
    const micros = (instant: string) => BigInt(Date.parse(instant)) * 1000n
    const differs = differsExpression(
      {data: 'qicore.hourly_price_averages_data', query: 'qicore.hourly_price_averages_window'},
      {start: micros(from), end: micros(asOf)},
    )!
    expect(await run(sql`select ${differs} as differs`)).toEqual([{differs: false}])
    await run('truncate qicore.hourly_price_averages_data')
    await run(`select qicore.refresh_aggregate('public.hourly_price_averages', ${window})`)
    expect(await run('select * from hourly_price_averages order by 1, 2, 3')).toEqual(refreshed.rows)
    expect(
      await run(`select qicore.refresh_aggregate('public.daily_ohlcv_summary', '${from}', '2026-03-02Z')::int as rows`),
    ).toEqual([{rows: 40}])
  })

  it('candles are loaded once, of a new exchange too', async () => {
    const {db, run} = database()
    const rows = [1, 2, 3].map((line) => ({
      line,
      time: `2026-03-0${line}T00:00:00Z`,
      open: '1',
      high: '3',
      low: '1',
      close: '2',
      volume: '4',
    }))
    const request = {file: 'x.csv', coin: 'coin1', exchange: 'gemini', timeframe: '1d', rows}
    const {plan, newExchange} = await planCandles(db, request)
    expect(newExchange).toBe(true)
    await execute(db, plan, {limits: quick, ledger: null})
    expect((await planCandles(db, request)).plan.steps).toEqual([])
    expect(await run("select count(*)::int as rows from ohlcv_data where exchange_id = 'gemini'")).toEqual([{rows: 3}])
    await expect(
      run(
        'insert into ohlcv_data select (jsonb_populate_record(o, \'{"exchange_id": "none"}\')).* from ohlcv_data o limit 1',
      ),
    ).rejects.toThrow(/foreign key|violates/)
  })

  it('the routines in SQL keep partitions ahead and create those of a month, although a foreign key is followed', async () => {
    const {run, autocommit} = database()
    await run("select create_monthly_partition('crypto_prices', '2026-01-15')")
    await autocommit('call maintain_hypertables()')
    const [made] = await run(`select count(*)::int as distributed from pg_dist_partition
      where logicalrelid = 'crypto_prices_y2026m01'::regclass and partmethod = 'h'`)
    expect(made).toEqual({distributed: 1})
  })
}

// One server is coordinator and only node.
forEachEngine({kinds: ['citus'], native: true}, (engine) => {
  describe('the tables of QiCore', () => {
    let database: TestDatabase
    beforeAll(async () => {
      database = await engine.database()
    })
    laws(() => database)
  })

  it('a new database has its tables distributed, and the schema qicore on the coordinator alone', async () => {
    const {target, run, autocommit} = await engine.database()
    const [{name}] = (await run<{name: string}>('select current_database() as name')) as [{name: string}]
    for (const setting of ['enable_schema_based_sharding', 'use_citus_managed_tables'])
      await autocommit(`alter database "${name}" set citus.${setting} = on`)
    const db = await connect(target, {applicationName: 'test'})
    await up(db)
    const spread = await db.query<{name: string}>(
      sql`select logicalrelid::text as name from pg_dist_partition where logicalrelid::text ~ '^qicore[.]'`,
    )
    expect(spread).toEqual([])
    expect(await db.query(sql`select count(*)::int as n from pg_dist_partition where partmethod = 'h'`)).toEqual([
      {n: 4 + 4 * 4},
    ])
    await db.close()
  })
})

if (clusterUrls.length < 3) skipBecause(noCluster)
else
  describe('the tables of QiCore over two workers', () => {
    let cluster: Cluster
    beforeAll(async () => {
      cluster = await createCluster()
    }, 60_000)
    afterAll(() => cluster?.close())
    laws(() => cluster)
  })
