import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {everyParts, gridOf, parseEvery, periodUnits} from '../../../src/units/period.js'

describe('the length of a partition', () => {
  it.each([
    ['month', 'month'],
    ['day', 'day'],
    ['1 month', 'month'],
    ['6h', '6 hours'],
    ['6 hours', '6 hours'],
    [' 2 Weeks ', '2 weeks'],
    ['quarter', 'quarter'],
    ['2q', '2 quarters'],
    ['1y', 'year'],
    ['24h', 'day'],
  ])('parses %s', (input, expected) => {
    expect(parseEvery(input)).toBe(expected)
  })

  it.each(['', '6', '0 days', '5h', '7 hours', '-1 day', '1.5 days', '1 day 2 hours', 'fortnight', '1001 days', '25h'])(
    'refuses %s',
    (input) => {
      expect(() => parseEvery(input)).toThrow(expect.objectContaining({code: 'PERIOD', exitCode: 2}))
    },
  )

  it('refuses a bare m and names both readings', () => {
    expect(() => parseEvery('3m')).toThrow('3 minutes or 3 months')
  })

  it('its spelling parses to itself, and keeps the unit and the count', () => {
    const given = fc
      .tuple(fc.constantFrom(...periodUnits), fc.integer({min: 1, max: 1000}))
      .filter(([unit, count]) => unit !== 'hour' || (24 % count === 0 && count < 24))
    fc.assert(
      fc.property(given, ([unit, count]) => {
        const every = parseEvery(`${count} ${unit}s`)
        expect(parseEvery(every)).toBe(every)
        expect(everyParts(every)).toEqual({unit, count})
        const {months, hours} = gridOf(every)
        expect(months > 0).not.toBe(hours > 0)
      }),
    )
  })

  it('any text is either refused with a code or has a stable spelling', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseEvery(parseEvery(text))).toBe(parseEvery(text))
        } catch (error) {
          expect(error).toMatchObject({code: 'PERIOD'})
        }
      }),
    )
  })
})
