import type {Db} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {usageError} from '../errors.js'
import {approximateSeconds, parseDuration, toInterval} from '../units/duration.js'
import {parseInstant, secondsBetween, type Instant} from '../units/instant.js'

/** Anything that runs queries like node-postgres: a Client, Pool or PoolClient, or an object with the same method. */
export interface Queryable {
  query(config: {name?: string; text: string; values: unknown[]}): Promise<{rows: unknown[]}>
}

/** A {@link Queryable}, or the connection of `withDatabase`, which also works on the embedded engine. */
export type QuerySource = Queryable | Db

export interface QueryOptions {
  /**
   * Use a named prepared statement, prepared once per connection. Disable it behind a pooler without support for them.
   */
  prepare?: boolean | undefined
}

/** Decimals are text with all their digits; times are ISO 8601 in UTC. */
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
  /** The current time of the query; default: the server's clock. */
  asOf?: Instant | Date | undefined
  /** Maximum age of a price, as a duration; default: an hour. */
  within?: string | undefined
}

/** The newest price of each coin on each exchange, ordered by both; of all coins if none is named. */
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
  /** Half-open: a price exactly at `to` is excluded. */
  from: Instant | Date
  to: Instant | Date
  /** Length of a bucket; default: five minutes, maximum: less than a month. */
  bucket?: string | undefined
}

/**
 * Prices of one coin on one exchange in time buckets, oldest first; buckets without a price are omitted.
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
 * The coins with the largest rise in 24 hours by their newest price, in descending order.
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

/** Runs one of the statements in sql/qicore/prices and returns its rows. */
export async function queryPrices<R>(
  client: QuerySource,
  file: string,
  values: unknown[],
  {prepare = true}: QueryOptions = {},
): Promise<R[]> {
  const text = loadSql(`qicore/prices/${file}`)
  // node-postgres returns a result object, a connection of this package returns rows.
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
