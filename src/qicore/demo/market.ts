import {noise, walk} from './walk.js'

export interface Coin {
  id: string
  symbol: string
  name: string
  /** Mean price in US dollars. */
  base: number
  /** Approximate number of coins traded per minute. */
  volume: number
  /** Approximate number of coins in circulation. */
  supply: number
}

export const coins: readonly Coin[] = [
  {id: 'bitcoin', symbol: 'BTC', name: 'Bitcoin', base: 95_000, volume: 12, supply: 19_700_000},
  {id: 'ethereum', symbol: 'ETH', name: 'Ethereum', base: 3_400, volume: 180, supply: 120_000_000},
  {id: 'solana', symbol: 'SOL', name: 'Solana', base: 180, volume: 2_400, supply: 480_000_000},
  {id: 'ripple', symbol: 'XRP', name: 'XRP', base: 1.2, volume: 310_000, supply: 57_000_000_000},
]

export const exchanges = ['binance', 'coinbase', 'kraken', 'bitstamp'] as const

export interface Candle {
  open: number
  high: number
  low: number
  close: number
  volume: number
}

/** US dollars of one coin on one exchange: the market price, with a difference of a few hundredths of a percent. */
export function priceAt(coin: Coin, exchange: string, seconds: number): number {
  const spread = 1 + 0.0004 * noise(17 + exchange.length, Math.floor(seconds / 60))
  return coin.base * walk(coin.id, seconds) * spread
}

/** The candle that opens at an instant. An hourly candle closes at the price of its last minute. */
export function candleAt(coin: Coin, exchange: string, seconds: number, length: number): Candle {
  const samples = [0, 0.25, 0.5, 0.75, 1].map((part) => priceAt(coin, exchange, seconds + part * length))
  const busy = 1 + 0.6 * noise(coin.symbol.length, Math.floor(seconds / length))
  return {
    open: samples[0]!,
    high: Math.max(...samples),
    low: Math.min(...samples),
    close: samples[4]!,
    volume: coin.volume * busy * (length / 60),
  }
}
