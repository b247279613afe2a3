import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  highest,
  intersect,
  lowest,
  merge,
  parseMultirange,
  spanOf,
  spanWords,
  subtract,
  type Span,
} from '../../../src/catalog/span.js'

const size = 30
const spans = fc
  .array(fc.tuple(fc.integer({min: 0, max: size}), fc.integer({min: 0, max: size})), {maxLength: 8})
  .map((pairs) => pairs.map(([a, b]): Span => ({start: BigInt(a), end: BigInt(b)})))
/** The points of some spans, one by one. */
const points = (of: readonly Span[]) =>
  new Set(
    Array.from({length: size}, (_, at) => BigInt(at)).filter((at) =>
      of.some(({start, end}) => start <= at && at < end),
    ),
  )
const sorted = (of: readonly Span[]) =>
  of.every(({start, end}, index) => start < end && (index === 0 || of[index - 1]!.end < start))

describe('spans', () => {
  it('merge keeps every point and returns sorted, separate, non-empty spans', () => {
    fc.assert(
      fc.property(spans, (some) => {
        expect(points(merge(some))).toEqual(points(some))
        expect(sorted(merge(some))).toBe(true)
      }),
    )
  })

  it('intersect returns the points of both, subtract those of the first only', () => {
    fc.assert(
      fc.property(spans, spans, (some, others) => {
        const [a, b] = [points(some), points(others)]
        expect(points(intersect(some, others))).toEqual(new Set([...a].filter((at) => b.has(at))))
        expect(points(subtract(some, others))).toEqual(new Set([...a].filter((at) => !b.has(at))))
        expect(sorted(intersect(some, others)) && sorted(subtract(some, others))).toBe(true)
      }),
    )
  })

  it('the inputs are not changed', () => {
    fc.assert(
      fc.property(spans, spans, (some, others) => {
        const before = JSON.stringify([some, others], (_, value) => (typeof value === 'bigint' ? String(value) : value))
        merge(some)
        intersect(some, others)
        subtract(some, others)
        expect(JSON.stringify([some, others], (_, value) => (typeof value === 'bigint' ? String(value) : value))).toBe(
          before,
        )
      }),
    )
  })

  it('reads the text of an int8multirange, including the bounds of int8', () => {
    expect(parseMultirange('{}')).toEqual([])
    expect(parseMultirange(`{[${lowest},-5),[7,${highest})}`)).toEqual([
      {start: lowest, end: -5n},
      {start: 7n, end: highest},
    ])
  })

  it('open ends are printed in words, times as ISO instants, integers as numbers', () => {
    expect(spanWords(spanOf({start: null, end: 1_704_067_200_000_000n}), 'timestamptz')).toBe(
      'the beginning to 2024-01-01 UTC',
    )
    expect(spanWords(spanOf({start: 5n, end: null}), 'integer')).toBe('5 to the end')
  })
})
