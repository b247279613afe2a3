import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {candleAt, coins, exchanges, priceAt} from '../../../../src/qicore/demo/market.js'

const coin = fc.constantFrom(...coins)
const exchange = fc.constantFrom(...exchanges)
const seconds = fc.integer({min: 1_230_940_800, max: 4_102_444_800})

describe('the sample market', () => {
  it('has the same price for the same instant, in any order of queries', () => {
    fc.assert(
      fc.property(coin, exchange, fc.array(seconds, {minLength: 1, maxLength: 20}), (one, place, times) => {
        const forwards = times.map((time) => priceAt(one, place, time))
        expect(
          times
            .toReversed()
            .map((time) => priceAt(one, place, time))
            .toReversed(),
        ).toEqual(forwards)
      }),
    )
  })

  it('stays within its candle, and an hour consists of its minutes', () => {
    fc.assert(
      fc.property(coin, exchange, seconds, (one, place, time) => {
        const hour = Math.floor(time / 3600) * 3600
        const {open, high, low, close, volume} = candleAt(one, place, hour, 3600)
        expect(Math.min(open, close)).toBeGreaterThanOrEqual(low)
        expect(Math.max(open, close)).toBeLessThanOrEqual(high)
        expect(volume).toBeGreaterThan(0)
        expect(candleAt(one, place, hour, 60).open).toBe(open)
        expect(candleAt(one, place, hour + 3540, 60).close).toBe(close)
      }),
    )
  })

  it('stays plausible: within a factor of three of its base, and without warnings of the price trigger within an hour', () => {
    fc.assert(
      fc.property(coin, exchange, seconds, fc.integer({min: 0, max: 3600}), (one, place, time, apart) => {
        const price = priceAt(one, place, time)
        expect(price / one.base).toBeGreaterThan(1 / 3)
        expect(price / one.base).toBeLessThan(3)
        expect(Math.abs(priceAt(one, place, time + apart) / price - 1)).toBeLessThan(0.25)
      }),
      {numRuns: 1000},
    )
  })

  it('moves: no two coins are alike, and exchanges differ a little', () => {
    const day = Array.from({length: 24}, (_, hour) => 1_700_000_000 + hour * 3600)
    const returns = coins.map((one) => day.map((time) => priceAt(one, 'kraken', time) / one.base))
    expect(new Set(returns.map((series) => series.join())).size).toBe(coins.length)
    expect(new Set(day.map((time) => priceAt(coins[0]!, 'kraken', time))).size).toBe(day.length)
    expect(priceAt(coins[0]!, 'kraken', day[0]!)).not.toBe(priceAt(coins[0]!, 'coinbase', day[0]!))
  })
})
