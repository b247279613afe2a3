import {and, desc, eq, gt, sql} from 'drizzle-orm'
import {drizzle} from 'drizzle-orm/node-postgres'
import {migrate} from 'drizzle-orm/node-postgres/migrator'
import {getTableConfig} from 'drizzle-orm/pg-core'
import type pg from 'pg'
import {describe, expect, it} from 'vitest'
import * as tables from '../../../src/qicore/generated/drizzle.js'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {execute} from '../../../src/run/execute.js'
import {differences, readSnapshot} from '../../../src/schema/catalog.js'
import {drizzleFolder, type Journal} from '../../../src/schema/drizzle/folder.js'
import {planBaseline} from '../../../src/schema/migrate/baseline.js'
import {listedMigrations} from '../../../src/schema/migrate/checksums.js'
import {planFor, requestFor} from '../../../src/schema/migrate/request.js'
import {migrationSources, migrationsFor} from '../../../src/schema/migrate/source.js'
import {qicore} from '../../../src/qicore/definition.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {targetOf} from '../../helpers/server.js'
import {withClient} from '../../helpers/schema-client.js'
import {replay} from '../../helpers/schema-replay.js'

const price: typeof tables.cryptoPrices.$inferInsert = {
  coinId: 'bitcoin',
  symbol: 'BTC',
  name: 'Bitcoin',
  exchangeId: 'kraken',
  usdPrice: '67000.12345678',
  change24h: '-1.5000',
  time: '2026-03-01T12:00:00.123456Z',
  lastUpdated: '2026-03-01T11:59:59Z',
  source: 'test',
  attribution: '',
}

async function useTables(client: pg.Client): Promise<void> {
  await client.query("set timezone = 'UTC'")
  const db = drizzle(client, {schema: tables})
  const [stored] = await db
    .insert(tables.cryptoPrices)
    .values([price, {...price, time: '2026-03-01T12:01:00Z', usdPrice: '67001'}])
    .returning()
  expect(stored).toMatchObject({
    ...price,
    time: '2026-03-01 12:00:00.123456+00',
    lastUpdated: '2026-03-01 11:59:59+00',
    btcPrice: null,
  })
  // The key finds the row again, to the microsecond.
  const {cryptoPrices, exchanges, ohlcvData} = tables
  const found = await db
    .select({price: cryptoPrices.usdPrice, exchange: exchanges.name})
    .from(cryptoPrices)
    .innerJoin(exchanges, eq(exchanges.id, cryptoPrices.exchangeId))
    .where(
      and(eq(cryptoPrices.id, stored!.id), eq(cryptoPrices.time, stored!.time), eq(cryptoPrices.exchangeId, 'kraken')),
    )
  expect(found).toEqual([{price: '67000.12345678', exchange: 'Kraken'}])
  expect(
    await db.query.cryptoPrices.findMany({
      orderBy: desc(cryptoPrices.time),
      limit: 1,
      where: gt(cryptoPrices.usdPrice, '67000.5'),
    }),
  ).toMatchObject([{usdPrice: '67001.00000000'}])

  await db.insert(exchanges).values({
    id: 'okx',
    name: 'OKX',
    supportedPairs: ['BTC-USDT', 'it\'s "odd"'],
    withdrawalFees: {BTC: 0.0005},
    tradingFees: '0.1000',
  })
  expect(await db.select().from(exchanges).where(eq(exchanges.id, 'okx'))).toMatchObject([
    {isActive: true, supportedPairs: ['BTC-USDT', 'it\'s "odd"'], withdrawalFees: {BTC: 0.0005}},
  ])
  const candle = {
    coinId: 'bitcoin',
    symbol: 'BTC',
    exchangeId: 'okx',
    time: '2026-03-01T12:00:00Z',
    openPrice: '1',
    highPrice: '2',
    lowPrice: '1',
    closePrice: '2',
    volume: '0',
    timeframe: '1h',
    source: '',
    attribution: '',
  }
  await db.insert(ohlcvData).values(candle)
  await db
    .insert(ohlcvData)
    .values({...candle, closePrice: '1.5'})
    .onConflictDoUpdate({
      target: [ohlcvData.coinId, ohlcvData.exchangeId, ohlcvData.time, ohlcvData.timeframe],
      set: {closePrice: sql`excluded.close_price`},
    })
  expect(await db.select({close: ohlcvData.closePrice}).from(ohlcvData)).toEqual([{close: '1.50000000'}])
  await db.insert(tables.marketAnalytics).values({
    exchangeId: 'global',
    time: '2026-03-01T12:00:00Z',
    totalMarketCap: '1',
    totalVolume: '1',
    btcDominance: '50',
    activeCryptocurrencies: 1,
    markets: 1,
    source: '',
    attribution: '',
  })
  await db.insert(tables.level1Data).values({
    ticker: 'BTC-USD',
    exchange: 'kraken',
    market: 'spot',
    time: '2026-03-01T12:00:00Z',
    bestBid: '1',
    bestAsk: '2',
    spread: '1',
    spreadPercent: '66.6667',
    source: '',
    attribution: '',
  })
  expect(await db.select().from(tables.hourlyPriceAverages)).toEqual([])
  expect(await db.select().from(tables.dailyOhlcvSummary)).toEqual([])
  await expect(
    db.insert(ohlcvData).values({...candle, lowPrice: '3', time: '2026-03-01T13:00:00Z'}),
  ).rejects.toMatchObject({cause: {code: '23514'}})
}

forEachEngine({}, (engine) => {
  it('the Drizzle module inserts into and selects from the migrated tables', async () => {
    const url = await engine.urlFor(async (database) => {
      await replay(database)
      if (!engine.hypertables)
        await database.run(
          "select qicore.create_partition(t::regclass, case t when 'public.level1_data' then 'day' else 'month' end, '2026-03-01Z') from unnest(array['public.crypto_prices', 'public.ohlcv_data', 'public.market_analytics', 'public.level1_data']) t",
        )
    })
    await withClient(url, useTables)
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it("Drizzle's migrator applies the folder with the same result as migrate up, and migrate baseline continues from it", async () => {
    const ours = await engine.database()
    await replay(ours)
    const expected = await readSnapshot(ours.db, ['public', 'qicore'])

    const migrationsFolder = directoryWith(
      Object.fromEntries((await drizzleFolder()).map(({path, text}) => [path, text])),
    )
    // An empty database: the folder also creates the extension if it is missing.
    const url = await engine.urlFor(async () => {})
    await withClient(url, async (client) => {
      await migrate(drizzle(client), {migrationsFolder})
      await migrate(drizzle(client), {migrationsFolder})
      await useTables(client)
    })
    const db = await connect(targetOf(url), {applicationName: 'qicore-db/test'})
    try {
      expect(differences(expected, await readSnapshot(db, ['public', 'qicore']))).toEqual([])
      const {request} = await requestFor(db, {})
      const plan = await planBaseline(db, request, '1.5.0')
      expect(plan.steps).toHaveLength(6)
      const {steps} = await execute(db, plan, {limits: defaultLimits, ledger: null})
      expect(steps.filter((step) => step.status !== 'done')).toEqual([])
      expect((await planFor(db, {})).plan.steps).toEqual([])
      const versions = await db.query<{version: string; checksum: string | null}>(
        statement('select version, checksum from qicore.schema_versions'),
      )
      expect(versions.filter(({checksum}) => checksum === null)).toEqual([])
    } finally {
      await db.close()
    }
  })
})

describe('the Drizzle folder', () => {
  it('has every migration of the community edition in the order in which they were added, and the routines last', async () => {
    const files = await drizzleFolder()
    const {entries} = JSON.parse(files.find(({path}) => path === 'meta/_journal.json')!.text) as Journal
    const sources = migrationSources(null).flatMap((stream) =>
      migrationsFor(stream, 'timescaledb').flatMap(({source}) => (source ? [source] : [])),
    )
    const listed = listedMigrations().flatMap(({path}) => sources.find(({file}) => file === path) ?? [])
    expect(listed).toHaveLength(sources.length)
    expect(entries.map(({tag}) => tag.slice(5))).toEqual([
      ...listed.map(({stream, number, name}) => `${stream}_${number}_${name}`),
      'routines',
    ])
    expect(entries.map(({idx}) => idx)).toEqual(entries.map((_, index) => index))
    // Later than all before it, and earlier than the entry of the next migration.
    const next = entries.at(-2)!.when + 60_000
    expect(entries.at(-1)!.when).toBeGreaterThan(entries.at(-2)!.when)
    expect(entries.at(-1)!.when).toBeLessThan(next)
    expect(files.map(({path}) => path).sort()).toEqual(
      ['meta/_journal.json', ...entries.map(({tag}) => `${tag}.sql`)].sort(),
    )
  })
})

describe('the Drizzle module', () => {
  it('has every key, check and index of the definitions', () => {
    const constants = {
      exchanges: tables.exchanges,
      crypto_prices: tables.cryptoPrices,
      ohlcv_data: tables.ohlcvData,
      market_analytics: tables.marketAnalytics,
      level1_data: tables.level1Data,
    }
    for (const table of qicore.tables) {
      const config = getTableConfig(constants[table.name as keyof typeof constants])
      expect(config.columns.map(({name}) => name)).toEqual(table.columns.map(({name}) => name))
      expect(config.columns.map(({notNull}) => notNull)).toEqual(table.columns.map(({nullable}) => !nullable))
      expect(config.primaryKeys.map((key) => [key.getName(), key.columns.map(({name}) => name)])).toEqual([
        [`${table.name}_pkey`, table.primaryKey],
      ])
      expect(config.indexes.map(({config: {name}}) => name)).toEqual((table.indexes ?? []).map(({name}) => name))
      expect(config.checks.map(({name}) => name)).toEqual((table.checks ?? []).map(({name}) => name))
      expect(config.uniqueConstraints.map((key) => [key.getName(), key.columns.map(({name}) => name)])).toEqual(
        (table.uniques ?? []).map(({name, columns}) => [name, columns]),
      )
      expect(config.foreignKeys.map((key) => key.getName())).toEqual((table.foreignKeys ?? []).map(({name}) => name))
    }
  })
})
