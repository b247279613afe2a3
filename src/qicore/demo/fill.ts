import type {Db} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement, type Value} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import {candleAt, coins, exchanges, priceAt, type Coin} from './market.js'

const day = 86_400

/** One series of sample rows: its table, density, start, and a function that makes the rows of given instants. */
interface Series {
  table: 'ohlcv_data' | 'crypto_prices' | 'level1_data' | 'market_analytics'
  name: string
  /** Seconds between two rows. */
  every: number
  /** Start of the series, in seconds before its end. */
  back: number
  sql: string
  values(times: readonly number[]): Value[]
}

/**
 * The steps that extend every series to an instant: the whole series at first, later only the missing rows. About
 * 300,000 rows in total; the embedded engine becomes slow above 400,000.
 * @param asOf Unix seconds
 */
export async function planFill(db: Db, asOf: number): Promise<Step[]> {
  const rows = await db.query<{table: string; series: string; newest: number}>(statement(loadSql('qicore/demo/newest')))
  const newest = new Map(rows.map((row) => [`${row.table} ${row.series}`, row.newest]))
  return allSeries().flatMap((series) => {
    const last = newest.get(`${series.table} ${series.name}`) ?? -Infinity
    const times = instants(series, asOf).filter((time) => time > last)
    return times.length === 0 ? [] : [fillStep(series, times)]
  })
}

/** Unix seconds of the newest sample row of all series; null if there are none. */
export async function newestSample(db: Db): Promise<number | null> {
  const rows = await db.query<{newest: number}>(statement(loadSql('qicore/demo/newest')))
  return rows.length === 0 ? null : Math.max(...rows.map(({newest}) => newest))
}

/** The instants of a series up to the end. A candle is named by its opening time, and the last one must have closed. */
function instants({table, every, back}: Series, asOf: number): number[] {
  const end = Math.floor(asOf / every) * every - (table === 'ohlcv_data' ? every : 0)
  return Array.from({length: back / every}, (_, index) => end - back + (index + 1) * every)
}

function fillStep(series: Series, times: readonly number[]): Step {
  const object = `public.${series.table} ${series.name}`
  return {
    id: `fill ${series.table} ${series.name} up to ${new Date(times.at(-1)! * 1000).toISOString().slice(0, 16)}Z`,
    kind: 'fill',
    object,
    statements: [statement(loadSql(series.sql), series.values(times))],
    lock: 'ROW EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    // Planned from the stored rows; the rows of a series are inserted in one transaction.
    doneCheck: null,
    repeatable: false,
    dependsOn: [],
    relations: [`public.${series.table}`],
    bytes: null,
  }
}

function allSeries(): Series[] {
  const pairs = coins.flatMap((coin) => exchanges.map((exchange) => ({coin, exchange})))
  return [
    ...pairs.flatMap(({coin, exchange}) => [
      candles(coin, exchange, '1h', 3_600, 90 * day),
      candles(coin, exchange, '1m', 60, 7 * day),
    ]),
    ...pairs.map(({coin, exchange}) => prices(coin, exchange)),
    ...pairs.map(({coin, exchange}) => quotes(coin, exchange)),
    ...['global', ...exchanges].map(analytics),
  ]
}

function candles(coin: Coin, exchange: string, timeframe: string, every: number, back: number): Series {
  return {
    table: 'ohlcv_data',
    name: `${coin.id}/${exchange}/${timeframe}`,
    every,
    back,
    sql: 'qicore/demo/candles',
    values: (times) => {
      const made = times.map((time) => candleAt(coin, exchange, time, every))
      return [
        coin.id,
        coin.symbol,
        exchange,
        timeframe,
        times,
        ...(['open', 'high', 'low', 'close', 'volume'] as const).map((field) => made.map((candle) => candle[field])),
      ]
    },
  }
}

function prices(coin: Coin, exchange: string): Series {
  const [bitcoin, ether] = coins as [Coin, Coin]
  return {
    table: 'crypto_prices',
    name: `${coin.id}/${exchange}`,
    every: 600,
    back: 30 * day,
    sql: 'qicore/demo/prices',
    values: (times) => {
      const of = (other: Coin) => (time: number) => priceAt(coin, exchange, time) / priceAt(other, exchange, time)
      const change = (span: number) => (time: number) =>
        (priceAt(coin, exchange, time) / priceAt(coin, exchange, time - span) - 1) * 100
      return [
        coin.id,
        coin.symbol,
        coin.name,
        exchange,
        coin.supply,
        coin.volume * 1440,
        times,
        times.map((time) => priceAt(coin, exchange, time)),
        times.map(of(bitcoin)),
        times.map(of(ether)),
        times.map(change(day)),
        times.map(change(7 * day)),
      ]
    },
  }
}

function quotes(coin: Coin, exchange: string): Series {
  return {
    table: 'level1_data',
    name: `${coin.symbol}-USD/${exchange}`,
    every: 120,
    back: 2 * day,
    sql: 'qicore/demo/quotes',
    values: (times) => {
      const middle = times.map((time) => priceAt(coin, exchange, time))
      return [
        `${coin.symbol}-USD`,
        exchange,
        times,
        middle.map((price) => price * 0.9999),
        middle.map((price) => price * 1.0001),
      ]
    },
  }
}

function analytics(market: string): Series {
  const place = market === 'global' ? 'binance' : market
  const share = market === 'global' ? 1 : 0.2
  return {
    table: 'market_analytics',
    name: market,
    every: 3_600,
    back: 90 * day,
    sql: 'qicore/demo/analytics',
    values: (times) => {
      const cap = (coin: Coin, time: number) => priceAt(coin, place, time) * coin.supply * share
      const all = (time: number) => coins.reduce((sum, coin) => sum + cap(coin, time), 0)
      const part = (coin: Coin) => times.map((time) => (cap(coin, time) / all(time)) * 100)
      const volume = (time: number) =>
        coins.reduce((sum, coin) => sum + priceAt(coin, place, time) * coin.volume * 1440 * share, 0)
      const [bitcoin, ether] = coins as [Coin, Coin]
      return [
        market,
        times,
        times.map(all),
        times.map(volume),
        part(bitcoin),
        part(ether),
        times.map((time) => (all(time) / all(time - day) - 1) * 100),
      ]
    },
  }
}
