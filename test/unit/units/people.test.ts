import fc from 'fast-check'
import {expect, it} from 'vitest'
import {withJsonInstants} from '../../../src/units/json-instants.js'
import {parseDuration} from '../../../src/units/duration.js'
import {formatAge, formatElapsed} from '../../../src/units/elapsed.js'
import {epochMicros, formatEpochMicros, formatInstant, instantInWords, jsonInstant} from '../../../src/units/instant.js'

const instant = fc.bigInt({min: -62_000_000_000_000_000n, max: 253_000_000_000_000_000n}).map(formatEpochMicros)

it.each([
  ['2026-11-27T22:40:00Z', '2026-11-27 22:40'],
  ['2026-11-27T22:40:07Z', '2026-11-27 22:40:07'],
  ['2026-11-20T23:09:40.518793Z', '2026-11-20 23:09:40'],
  ['2026-11-27T00:00:00Z', '2026-11-27'],
  ['2026-11-27T00:00:00.5Z', '2026-11-27'],
  ['2026-11-27T00:00:00', '2026-11-27'],
  ['0044-03-15T12:00:00Z BC', '0044-03-15 12:00 BC'],
  ['the beginning', 'the beginning'],
])('%s is %s for people', (given, shown) => expect(formatInstant(given)).toBe(shown))

it('a time for people has no fractions of a second, and a zone only if it has one', () => {
  fc.assert(
    fc.property(instant, (at) => {
      expect(instantInWords(at)).toMatch(/^\d{4,}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?( BC)? UTC$/)
    }),
  )
  expect(instantInWords('2026-11-27T22:40:00')).toBe('2026-11-27 22:40')
})

it('an instant in JSON has milliseconds or microseconds, and parses back to the same instant', () => {
  fc.assert(
    fc.property(instant, (at) => {
      expect(jsonInstant(at)).toMatch(/T\d\d:\d\d:\d\d\.(\d{3}|\d{6})Z( BC)?$/)
      expect(epochMicros(jsonInstant(at))).toBe(epochMicros(at))
    }),
  )
  expect(
    withJsonInstants({
      at: '2026-11-27T22:40:00Z',
      rows: [
        {dueSince: '2026-11-27T22:40:00.5Z', table: '2026-11-27T22:40:00Z', next: null, from: '2026-11-27T00:00:00'},
      ],
    }),
  ).toEqual({
    at: '2026-11-27T22:40:00.000Z',
    rows: [
      {dueSince: '2026-11-27T22:40:00.500Z', table: '2026-11-27T22:40:00Z', next: null, from: '2026-11-27T00:00:00'},
    ],
  })
})

it('a length of time for people has at most two parts, and flags accept it as the same length', () => {
  fc.assert(
    fc.property(fc.double({min: 0.01, max: 3e13, noNaN: true}), (length) => {
      for (const text of [formatAge(length / 1000), formatElapsed(length)]) {
        expect(text).toMatch(/^\d+(\.\d+)?(ms|s|min|h|d|y)( \d+(s|min|h|d))?$/)
        if (text === '0s') continue
        // A year of an age has 365 days. The shown text is exact to its last unit.
        const {months, days, seconds} = parseDuration(text)
        const shown = (((months / 12) * 365 + days) * 86_400 + seconds) * 1000
        expect(Math.abs(shown - length)).toBeLessThanOrEqual(Math.max(1000, lastUnit(text, length)))
      }
    }),
  )
})

/** Milliseconds of the unit after the first. */
function lastUnit(text: string, length: number): number {
  const steps = {y: 86_400_000, d: 3_600_000, h: 60_000, min: length < 3_600_000 ? 60_000 : 1000, s: 100, ms: 10}
  return steps[/[a-z]+/.exec(text)![0] as keyof typeof steps]
}
