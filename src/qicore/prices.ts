import type {Db} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {usageError} from '../errors.js'
import {approximateSeconds, parseDuration, toInterval} from '../units/duration.js'
import {parseInstant, secondsBetween, type Instant} from '../units/instant.js'

/** What runs a query: a Client, a Pool or a PoolClient of node-postgres, or whatever has that method. */
export interface Queryable {
  query(config: {name?: string; text: string; values: unknown[]}): Promise<{rows: unknown[]}>
}

/** That, or the connection of `withDatabase`, which works on the embedded engine too. */
export type QuerySource = Queryable | Db

export interface QueryOptions {
  /** Prepared once a connection under a name. Off behind a pooler that does not know prepared statements. */
  prepare?: boolean | undefined
}

/** Decimals are text, every digit of them; times are ISO 8601 in UTC. */
export interface LatestPrice {
  coinId: string
  symbol: string
  name: string
  exchangeId: string
  usdPrice: string
  time: Instant
}

export interface PriceBucket {
  bucket: Instant
  coinId: string
  exchangeId: string
  avgPrice: string
  maxPrice: string
  minPrice: string
  samples: number
}

export interface Performer extends LatestPrice {
  /** Percent. */
  change24h: string
}

export interface RecentOptions extends QueryOptions {
  /** The instant that counts as now; the server's clock unless said. */
  asOf?: Instant | Date | undefined
  /** How far back a price may lie; an hour unless said. */
  within?: string | undefined
}

/** The newest price of each coin on each exchange, ordered by both; of every coin where none is named. */
export async function latestPrices(
  client: QuerySource,
  {coins, ...options}: RecentOptions & {coins?: readonly string[] | undefined} = {},
): Promise<LatestPrice[]> {
  const recent = [instant(options.asOf), interval(options.within ?? '1 hour')]
  const rows =
    coins === undefined
      ? await queryPrices<PriceRow>(client, 'all-latest-prices', recent, options)
      : await queryPrices<PriceRow>(client, 'latest-prices', [[...coins], ...recent], options)
  return rows.map(latest)
}

export interface HistoryOptions extends QueryOptions {
  coin: string
  exchange: string
  /** Half-open: a price at `to` is not in it. */
  from: Instant | Date
  to: Instant | Date
  /** Five minutes unless said; less than a month. */
  bucket?: string | undefined
}

/**
 * Prices of one coin on one exchange in buckets of time, oldest first; buckets without a price are absent.
 * @throws OpsError BUCKET, RANGE, INSTANT, DURATION
 */
export async function priceHistory(
  client: QuerySource,
  {coin, exchange, from, to, bucket = '5 minutes', ...options}: HistoryOptions,
): Promise<PriceBucket[]> {
  const [first, last, width] = [instant(from)!, instant(to)!, parseDuration(bucket)]
  if (width.months > 0)
    throw usageError('BUCKET', `A bucket of ${bucket} has no fixed length.`, [
      'Write days, hours, minutes or seconds: 1d, 5min.',
    ])
  if (approximateSeconds(width) < 0.001) throw usageError('BUCKET', `A bucket of ${bucket} is too short.`)
  if (secondsBetween(first, last) < 0) throw usageError('RANGE', `${last} is before ${first}.`)
  const rows = await queryPrices<
    PriceRow & {bucket: string; avg_price: string; max_price: string; min_price: string; samples: number}
  >(client, 'price-history', [coin, exchange, first, last, toInterval(width)], options)
  return rows.map((row) => ({
    bucket: row.bucket,
    coinId: row.coin_id,
    exchangeId: row.exchange_id,
    avgPrice: row.avg_price,
    maxPrice: row.max_price,
    minPrice: row.min_price,
    samples: row.samples,
  }))
}

/**
 * The coins that rose most in 24 hours by their newest price, the highest change first.
 * @throws OpsError LIMIT
 */
export async function topPerformers(
  client: QuerySource,
  {limit = 10, ...options}: RecentOptions & {limit?: number | undefined} = {},
): Promise<Performer[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw usageError('LIMIT', `The limit ${limit} is not between 1 and 10000.`)
  const rows = await queryPrices<PriceRow & {change_24h: string}>(
    client,
    'top-performers',
    [instant(options.asOf), interval(options.within ?? '1 hour'), limit],
    options,
  )
  return rows.map((row) => ({...latest(row), change24h: row.change_24h}))
}

interface PriceRow {
  coin_id: string
  symbol: string
  name: string
  exchange_id: string
  usd_price: string
  time: string
}

function latest({
  coin_id: coinId,
  symbol,
  name,
  exchange_id: exchangeId,
  usd_price: usdPrice,
  time,
}: PriceRow): LatestPrice {
  return {coinId, symbol, name, exchangeId, usdPrice, time}
}

/** The rows of one of the statements in sql/queries. */
export async function queryPrices<R>(
  client: QuerySource,
  file: string,
  values: unknown[],
  {prepare = true}: QueryOptions = {},
): Promise<R[]> {
  const text = loadSql(`qicore/prices/${file}`)
  // node-postgres answers with a result, a connection of ours with its rows.
  const answer = await (client as {query(config: object): Promise<{rows: unknown[]} | unknown[]>}).query({
    ...(prepare && {name: `qicore_${file.replaceAll('-', '_')}`}),
    text,
    values,
  })
  return (Array.isArray(answer) ? answer : answer.rows) as R[]
}

function instant(value: Instant | Date | undefined): string | null {
  if (value === undefined) return null
  return value instanceof Date ? value.toISOString() : parseInstant(value)
}

function interval(text: string): string {
  return toInterval(parseDuration(text))
}
