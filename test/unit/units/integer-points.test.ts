import fc from 'fast-check'
import {expect, it} from 'vitest'
import {spanBetween, cutoffOf} from '../../../src/chunks/range.js'
import {highest, lowest, rangeFlags} from '../../../src/catalog/span.js'
import type {TableClock} from '../../../src/catalog/table-clock.js'
import type {Table} from '../../../src/catalog/table.js'
import {parseOlderThan, parseRangeBound, pointsBetween} from '../../../src/units/range.js'

const int8 = fc.bigInt({min: lowest + 1n, max: highest - 1n})
const onIntegers = {schema: 'public', name: 'counted', time: 'integer'} as Table
const onTimes = {...onIntegers, time: 'timestamptz'} as Table
const noUnit: TableClock = {now: 10_000n, unit: null, time: 'integer'}

it('every printed range of integers is read back as the same range, also without a unit', () => {
  fc.assert(
    fc.property(int8, int8, (a, b) => {
      fc.pre(a !== b)
      const span = a < b ? {start: a, end: b} : {start: b, end: a}
      const {from, to} = rangeFlags([span], 'integer')
      const range = pointsBetween(parseRangeBound(from!), parseRangeBound(to!))
      expect(spanBetween(onIntegers, noUnit, range.from, range.to)).toEqual(span)
    }),
  )
})

it('an integer is a cutoff on the scale of the table, also with a unit that contradicts its rows', () => {
  const contradicted: TableClock = {...noUnit, contradiction: {declared: 'ms', seen: 's', rowsIn: '1970'}}
  fc.assert(
    fc.property(int8, fc.constantFrom(noUnit, contradicted), (value, clock) => {
      expect(cutoffOf(onIntegers, clock, parseOlderThan(String(value)))).toEqual({
        point: value,
        instant: null,
        words: String(value),
      })
    }),
  )
})

it('an integer is refused for a time column that is none, with both readings of an age', () => {
  const clock: TableClock = {now: 0n, unit: null, time: 'timestamptz'}
  expect(() => cutoffOf(onTimes, clock, parseOlderThan('30'))).toThrow(/it could be 30 days or 30 seconds/)
  expect(() => spanBetween(onTimes, clock, 2024n, null)).toThrow(/"2024" is not an instant/)
})

it('bounds of two types, of no length, and integers outside of int8 are refused', () => {
  const between = (from: string, to: string) => () => pointsBetween(parseRangeBound(from), parseRangeBound(to))
  expect(between('5', '2024-01-01')).toThrow(expect.objectContaining({code: 'INSTANT'}))
  expect(between('5', '5')).toThrow(expect.objectContaining({code: 'EMPTY_RANGE'}))
  expect(between('0', String(highest + 1n))).toThrow(expect.objectContaining({code: 'INSTANT'}))
  expect(() => parseOlderThan(String(lowest - 1n))).toThrow(expect.objectContaining({code: 'DURATION'}))
})
