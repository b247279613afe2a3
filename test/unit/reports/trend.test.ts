import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {crossing, predict, type Trend} from '../../../src/reports/trend.js'

/** The sums of PostgreSQL's regr_ aggregates, over days that end today. */
function trendOf(sizes: readonly number[]): Trend {
  const days = sizes.map((_, index) => index + 1 - sizes.length)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanDay, meanSize] = [mean(days), mean(sizes)]
  const sum = (of: (day: number, size: number) => number) =>
    sizes.reduce((total, size, index) => total + of(days[index]! - meanDay, size - meanSize), 0)
  const [sxx, syy, sxy] = [sum((x) => x * x), sum((_, y) => y * y), sum((x, y) => x * y)]
  const slope = sxy / sxx
  return {days: sizes.length, slope, intercept: meanSize - slope * meanDay, meanDay, sxx, syy, sxy}
}

const sizes = fc.array(fc.integer({min: 1_000_000, max: 50_000_000}), {minLength: 7, maxLength: 90})

describe('a trend', () => {
  it('that is a line has no error, and is crossed on one day', () => {
    const trend = trendOf([10, 20, 30, 40, 50, 60, 70].map((size) => size * 1e6))
    expect(predict(trend, 30)).toEqual({bytes: 370_000_000, low: 370_000_000, high: 370_000_000})
    const {expected, earliest, latest} = crossing(trend, 370_000_000)
    for (const days of [expected, earliest, latest]) expect(days).toBeCloseTo(30, 6)
  })

  it('that falls below zero predicts no negative size', () => {
    expect(predict(trendOf([70, 60, 50, 40, 30, 20, 10]), 30)).toEqual({bytes: 0, low: 0, high: 0})
  })

  it('that rises is crossed on the days on which the prediction and its bounds have the size', () => {
    fc.assert(
      fc.property(sizes, fc.integer({min: 60_000_000, max: 1_000_000_000}), (values, size) => {
        const trend = trendOf(values)
        fc.pre(trend.slope > 1)
        const {expected, earliest, latest} = crossing(trend, size)
        const near = (actual: number) => expect(Math.abs(actual - size)).toBeLessThan(size * 1e-6 + 1)
        near(predict(trend, expected).bytes)
        expect(earliest).toBeLessThanOrEqual(expected)
        expect(latest).toBeGreaterThanOrEqual(expected)
        if (earliest > 0) near(predict(trend, earliest).high)
        else expect(predict(trend, 0).high).toBeGreaterThanOrEqual(size)
        if (Number.isFinite(latest) && latest < 1e9) near(predict(trend, latest).low)
        else expect(predict(trend, 1e6).low).toBeLessThan(size)
      }),
    )
  })
})
