import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {sparkline} from '../../../src/units/sparkline.js'

describe('a sparkline', () => {
  it('has one bar for each value, from the smallest to the largest, and a space for an unknown one', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█')
    expect(sparkline([100, null, 200])).toBe('▁ █')
    expect(sparkline([100, 200], 0)).toBe('▅█')
    expect(sparkline([])).toBe('')
    expect(sparkline([null, null])).toBe('  ')
  })

  it('shows equal values in the middle', () => {
    expect(sparkline([5, 5, 5])).toBe('▄▄▄')
    expect(sparkline([0, 0], 0)).toBe('▄▄')
  })

  it('never puts a larger value on a lower bar', () => {
    fc.assert(
      fc.property(fc.array(fc.double({noNaN: true, min: -1e15, max: 1e15}), {minLength: 2}), (values) => {
        const bars = sparkline(values)
        expect(bars).toHaveLength(values.length)
        const order = values.map((value, index) => [value, bars[index]!] as const).sort(([a], [b]) => a - b)
        for (let index = 1; index < order.length; index += 1)
          expect(order[index]![1] >= order[index - 1]![1]).toBe(true)
      }),
    )
  })
})
