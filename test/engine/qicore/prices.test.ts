import fc from 'fast-check'
import pg from 'pg'
import {describe, expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {latestPrices, priceHistory, topPerformers, type Queryable} from '../../../src/qicore/prices.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'

const asOf = '2026-03-01T12:00:00Z'

/** Prices of a test: the other columns are always the same. */
interface Price {
  coin: string
  exchange: string
  price: string
  time: string
  change?: string | null
}

async function migrated(engine: Engine): Promise<TestDatabase> {
  const database = await engine.database()
  await replay(database)
  await database.run("set qicore.price_guard = 'off'")
  return database
}

async function insert({run}: TestDatabase, hypertables: boolean, prices: readonly Price[]): Promise<void> {
  const of = (field: keyof Price) => prices.map((price) => (price[field] ?? null) as string)
  if (!hypertables)
    await run(
      "select count(qicore.create_partition('public.crypto_prices', 'month', t)) from (select distinct date_trunc('month', t::timestamptz, 'UTC') from unnest($1::text[]) t) as months (t)",
      [of('time')],
    )
  await run(
    `insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, change_24h, time, last_updated, source, attribution)
    select c, upper(c), initcap(c), e, p::numeric, d::numeric, t::timestamptz, t::timestamptz, '', '' from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as n (c, e, p, t, d)`,
    [of('coin'), of('exchange'), of('price'), of('time'), of('change')],
  )
}

/** The connection of the test in the form that an application has. */
function clientOf({db}: TestDatabase): Queryable {
  return {query: async ({text, values}) => ({rows: await db.query(statement(text, values as string[]))})}
}

forEachEngine({}, (engine) => {
  it('latestPrices returns the newest price of each coin and exchange within the hour, with every digit', async () => {
    const database = await migrated(engine)
    await insert(database, engine.hypertables, [
      {coin: 'bitcoin', exchange: 'kraken', price: '67000.12345678', time: '2026-03-01T11:59:59.123456Z'},
      {coin: 'bitcoin', exchange: 'kraken', price: '1', time: '2026-03-01T11:59:59.123455Z'},
      {coin: 'bitcoin', exchange: 'binance', price: '0.00000001', time: '2026-03-01T12:00:00Z'},
      {coin: 'ether', exchange: 'kraken', price: '3', time: '2026-03-01T11:00:00.000001Z'},
      {coin: 'ether', exchange: 'binance', price: '4', time: '2026-03-01T11:00:00Z'},
      {coin: 'doge', exchange: 'kraken', price: '5', time: '2026-03-01T12:00:00.000001Z'},
    ])
    const bitcoin = [
      {
        coinId: 'bitcoin',
        symbol: 'BITCOIN',
        name: 'Bitcoin',
        exchangeId: 'binance',
        usdPrice: '0.00000001',
        time: '2026-03-01T12:00:00Z',
      },
      {
        coinId: 'bitcoin',
        symbol: 'BITCOIN',
        name: 'Bitcoin',
        exchangeId: 'kraken',
        usdPrice: '67000.12345678',
        time: '2026-03-01T11:59:59.123456Z',
      },
    ]
    const client = clientOf(database)
    expect(await latestPrices(client, {asOf, coins: ['bitcoin', 'nothing']})).toEqual(bitcoin)
    expect(await latestPrices(client, {asOf, coins: []})).toEqual([])
    expect(await latestPrices(client, {asOf: new Date(asOf)})).toEqual([
      ...bitcoin,
      expect.objectContaining({coinId: 'ether', exchangeId: 'kraken', usdPrice: '3.00000000'}) as unknown,
    ])
    expect(await latestPrices(client, {asOf, within: '1 second', coins: ['bitcoin']})).toEqual(bitcoin)
    expect(await latestPrices(client)).toEqual([])
  })

  it('priceHistory equals an independent implementation, for any prices and any bucket', async () => {
    const database = await migrated(engine)
    const start = Date.parse('2026-01-05T00:00:00Z')
    const prices = fc
      .sample(
        fc.record({
          at: fc.integer({min: 0, max: 3 * 86_400_000}),
          price: fc.integer({min: 1, max: 1_000_000_000}),
          coin: fc.constantFrom('a', 'b'),
        }),
        400,
      )
      .map(({at, price, coin}): Price & {at: number} => ({
        coin,
        exchange: 'kraken',
        price: `${Math.floor(price / 1000)}.${String(price % 1000).padStart(3, '0')}`,
        time: new Date(start + at).toISOString(),
        at: start + at,
      }))
    await insert(database, engine.hypertables, prices)
    const origin = Date.parse('2000-01-03T00:00:00Z')
    for (const [bucket, width] of [
      ['5 minutes', 300_000],
      ['7min', 420_000],
      ['1h', 3_600_000],
      ['1d', 86_400_000],
      ['1w', 7 * 86_400_000],
    ] as const) {
      const [from, to] = [start + 3_600_000, start + 2 * 86_400_000 + 1]
      const expected = new Map<number, bigint[]>()
      for (const {coin, at, price} of prices) {
        if (coin !== 'a' || at < from || at >= to) continue
        const key = origin + Math.floor((at - origin) / width) * width
        expected.set(key, [...(expected.get(key) ?? []), BigInt(price.replace('.', ''))])
      }
      const history = await priceHistory(clientOf(database), {
        coin: 'a',
        exchange: 'kraken',
        from: new Date(from),
        to: new Date(to),
        bucket,
      })
      const text = (thousandths: bigint) =>
        `${thousandths / 1000n}.${String(thousandths % 1000n).padStart(3, '0')}00000`
      expect(history).toEqual(
        [...expected]
          .sort(([a], [b]) => a - b)
          .map(([at, values]) => ({
            bucket: new Date(at).toISOString().replace('.000Z', 'Z'),
            coinId: 'a',
            exchangeId: 'kraken',
            samples: values.length,
            maxPrice: text(values.reduce((a, b) => (a > b ? a : b))),
            minPrice: text(values.reduce((a, b) => (a < b ? a : b))),
            avgPrice: expect.any(String) as string,
          })),
      )
      for (const {bucket: at, avgPrice} of history) {
        const values = expected.get(Date.parse(at))!
        expect(Number(avgPrice)).toBeCloseTo(Number(values.reduce((a, b) => a + b)) / values.length / 1000, 6)
        expect(avgPrice).toMatch(/^\d+\.\d{8}$/)
      }
    }
  })

  it('topPerformers is sorted by change, one row per coin, with its newest price', async () => {
    const database = await migrated(engine)
    const recent = (coin: string, change: string | null, minute: number, exchange = 'kraken'): Price => ({
      coin,
      exchange,
      price: '1',
      time: `2026-03-01T11:${String(minute).padStart(2, '0')}:00Z`,
      change,
    })
    await insert(database, engine.hypertables, [
      recent('up', '5', 10),
      recent('up', '250.5', 20, 'binance'),
      recent('down', '-3', 50),
      recent('flat', '0', 1),
      recent('silent', null, 2),
      recent('once', '99', 1),
      recent('once', '1', 59),
      recent('nine', '9', 30),
      recent('eleven', '11', 30),
      {...recent('old', '500', 0), time: '2026-03-01T10:00:00Z'},
    ])
    const client = clientOf(database)
    const changes = async (limit?: number) =>
      (await topPerformers(client, {asOf, limit})).map(({coinId, change24h}) => [coinId, change24h])
    expect(await changes()).toEqual([
      ['up', '250.5000'],
      ['eleven', '11.0000'],
      ['nine', '9.0000'],
      ['once', '1.0000'],
      ['flat', '0.0000'],
      ['down', '-3.0000'],
    ])
    expect(await changes(2)).toEqual([
      ['up', '250.5000'],
      ['eleven', '11.0000'],
    ])
  })

  it('each query uses an index and reads only the chunks it needs, of 400, with both kinds of plan', async (context) => {
    if (engine.kind === 'citus') return context.skip('Citus plans on its nodes, a query for each shard')
    const database = await migrated(engine)
    const {run} = database
    // 400 chunks: by month and by day there, by week and exchange here.
    if (!engine.hypertables)
      await run(
        "select count(qicore.create_partition('public.crypto_prices', 'day', t)) from generate_series('2025-02-01Z'::timestamptz, '2026-03-07Z', '1 day') t",
      )
    else await run("select set_chunk_time_interval('public.crypto_prices', interval '1 day')")
    const fill = `insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, change_24h, time, last_updated, source, attribution)
      select 'coin' || c, 'C', 'C', e, c, c, t, t, '', '' from generate_series(1, $1::int) c, unnest(array['binance', 'coinbase', 'kraken', 'bitstamp']) e, generate_series($2::timestamptz, $3::timestamptz, $4::interval) t`
    // In several statements, because each takes a lock on every chunk into which it writes.
    for (
      let from = Date.parse('2025-02-01T00:00:00Z');
      from < Date.parse('2026-02-28T00:00:00Z');
      from += 30 * 86_400_000
    )
      await run(fill, [
        2,
        new Date(from).toISOString(),
        new Date(Math.min(from + 29.9 * 86_400_000, Date.parse('2026-02-27T23:00:00Z'))).toISOString(),
        '12 hours',
      ])
    await run(fill, [20, '2026-02-28T00:00:00Z', '2026-03-01T12:00:00Z', '10 minutes'])
    await database.autocommit('analyze crypto_prices')
    const [{chunks}] = (await run<{chunks: number}>(
      "select count(*)::int as chunks from pg_inherits where inhparent = 'public.crypto_prices'::regclass",
    )) as [{chunks: number}]
    expect(chunks).toBeGreaterThanOrEqual(390)

    const asked: {name: string; text: string; values: unknown[]}[] = []
    const spy: Queryable = {
      query: (config) => {
        asked.push(config as (typeof asked)[0])
        return clientOf(database).query(config)
      },
    }
    expect(await latestPrices(spy, {asOf, coins: ['coin1', 'coin2']})).toHaveLength(8)
    expect(await latestPrices(spy, {asOf})).toHaveLength(80)
    expect(
      await priceHistory(spy, {
        coin: 'coin3',
        exchange: 'kraken',
        from: '2026-02-28T11:00:00Z',
        to: '2026-02-28T23:00:00Z',
      }),
    ).toHaveLength(72)
    expect(await topPerformers(spy, {asOf, limit: 3})).toHaveLength(3)
    for (const {name, text, values} of asked) {
      for (const mode of ['force_custom_plan', 'force_generic_plan']) {
        const scans = await planOf(database, text, values, mode)
        expect(scans.length, `${name} reads something by ${mode}`).toBeGreaterThan(0)
        expect(
          scans.filter(({type}) => !/Index/.test(type)),
          `${name} by ${mode}`,
        ).toEqual([])
        // The four exchanges of a day, of two days if the hour began at midnight.
        expect(new Set(scans.map(({relation}) => relation)).size, `${name} by ${mode}`).toBeLessThanOrEqual(
          !engine.hypertables ? 2 : 8,
        )
      }
    }
  }, 300_000)
})

interface Scan {
  relation: string
  type: string
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Loops': number
  Plans?: PlanNode[]
}

/** The scans of tables that were executed. */
async function planOf({db}: TestDatabase, text: string, values: readonly unknown[], mode: string): Promise<Scan[]> {
  const literal = (value: unknown): string => {
    if (value === null) return 'null'
    if (Array.isArray(value)) return `array[${value.map((each) => `'${String(each)}'`).join(', ')}]::text[]`
    return `'${String(value)}'`
  }
  return db.transaction({readOnly: false, lockTimeout: 5_000, statementTimeout: 60_000}, async (tx) => {
    await tx.query(statement(`set local plan_cache_mode = ${mode}`))
    await tx.query(statement(`prepare asked as ${text}`))
    const [row] = await tx.query<{'QUERY PLAN': [{Plan: PlanNode}]}>(
      statement(`explain (analyze, format json, timing off) execute asked(${values.map(literal).join(', ')})`),
    )
    await tx.query(statement('deallocate asked'))
    const scans: Scan[] = []
    const visit = (node: PlanNode, over: string | null) => {
      const relation = node['Relation Name'] ?? over
      if (
        /Scan/.test(node['Node Type']) &&
        node['Actual Loops'] > 0 &&
        relation !== null &&
        node['Node Type'] !== 'Subquery Scan' &&
        !/^Bitmap Heap/.test(node['Node Type'])
      )
        scans.push({relation, type: node['Node Type']})
      for (const child of node.Plans ?? []) visit(child, relation)
    }
    visit(row!['QUERY PLAN'][0].Plan, null)
    return scans.filter(({type}) => type !== 'Custom Scan')
  })
}

describe('the arguments', () => {
  const nobody: Queryable = {query: () => Promise.reject(new Error('nothing is asked'))}
  it.each([
    [
      'a bucket of a month',
      () => priceHistory(nobody, {coin: 'a', exchange: 'b', from: asOf, to: asOf, bucket: '1 month'}),
      'no fixed length',
    ],
    [
      'a bucket without a unit',
      () => priceHistory(nobody, {coin: 'a', exchange: 'b', from: asOf, to: asOf, bucket: '5'}),
      'has no unit',
    ],
    [
      'a range that ends before it begins',
      () => priceHistory(nobody, {coin: 'a', exchange: 'b', from: asOf, to: '2026-01-01'}),
      'is before',
    ],
    ['no instant', () => latestPrices(nobody, {asOf: 'today'}), 'is not an instant'],
    ['a limit of nothing', () => topPerformers(nobody, {limit: 0}), 'is not between 1 and 10000'],
  ])('refuse %s', async (_, ask, message) => {
    await expect(ask()).rejects.toThrow(message)
  })
})

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('run on a Client, a Pool and a PoolClient, prepared under a name once per connection or not at all', async () => {
    const {url} = await engine.database().then(async (database) => {
      await replay(database)
      return database
    })
    const pool = new pg.Pool({connectionString: url, max: 1})
    const client = await pool.connect()
    const single = new pg.Client(url)
    await single.connect()
    try {
      const names = async () =>
        (await client.query<{name: string}>('select name from pg_prepared_statements order by 1')).rows.map(
          ({name}) => name,
        )
      expect(await latestPrices(client, {coins: ['a'], prepare: false})).toEqual([])
      expect(await names()).toEqual([])
      for (let round = 0; round < 7; round += 1) expect(await latestPrices(client, {coins: ['a']})).toEqual([])
      expect(await topPerformers(client)).toEqual([])
      expect(await names()).toEqual(['qicore_latest_prices', 'qicore_top_performers'])
      expect(await latestPrices(single)).toEqual([])
    } finally {
      client.release()
      await single.end()
      expect(await topPerformers(pool)).toEqual([])
      await pool.end()
    }
  })
})
