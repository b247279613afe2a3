import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {highest, lowest} from '../../../src/catalog/span.js'
import {
  boundEnds,
  boundText,
  endOf,
  pointOf,
  pointText,
  resolutionOf,
  timeKeyOf,
  type TimeKey,
} from '../../../src/catalog/time-key.js'

const keys: TimeKey[] = [
  {kind: 'timestamptz', type: 'timestamp with time zone'},
  {kind: 'timestamp', type: 'timestamp without time zone'},
  {kind: 'date', type: 'date'},
  {kind: 'uuidv7', type: 'uuid'},
  {kind: 'ulid', type: 'text'},
  ...(['s', 'ms', 'us', 'ns'] as const).map((unit): TimeKey => ({kind: 'integer', type: 'bigint', unit})),
]
// 1970 to 2200: ULID and UUIDv7 have no earlier times.
const instant = fc.bigInt({min: 0n, max: 7_258_118_400_000_000n})
const key = fc.constantFrom(...keys)
const declared = {timeUnit: 'ms', keyFormat: 'ulid'} as const

describe('a time key', () => {
  it('reads back the instant of the bound that it writes, rounded up to what it can store', () => {
    fc.assert(
      fc.property(key, instant, (of, micros) => {
        const point = pointOf(of, boundText(of, micros))!
        expect(point).toBeGreaterThanOrEqual(micros)
        expect(point - micros).toBeLessThan(resolutionOf(of))
        expect(boundText(of, point)).toBe(boundText(of, micros))
      }),
    )
  })

  it('writes bounds in the order of time, byte by byte for text and uuid', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<TimeKey>(...keys.filter(({kind}) => kind === 'ulid' || kind === 'uuidv7')),
        instant,
        instant,
        (of, a, b) => {
          const [early, late] = a < b ? [a, b] : [b, a]
          expect(boundText(of, early) <= boundText(of, late)).toBe(true)
        },
      ),
    )
  })

  it('is compared with the smallest value of a time: a UUID of version 7, which is all that TimescaleDB accepts', () => {
    fc.assert(
      fc.property(instant, (micros) => {
        const text = pointText(micros, 'uuid')
        expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7000-8000-0{12}$/)
        expect(text >= boundText({kind: 'uuidv7', type: 'uuid'}, micros)).toBe(true)
        expect(pointText(micros, 'ulid')).toBe(boundText({kind: 'ulid', type: 'text'}, micros))
      }),
    )
  })

  it('reads what other tools write, and refuses what is no time', () => {
    const ulid = keys.find(({kind}) => kind === 'ulid')!
    // The example of the ULID specification is of 1469918176385 ms.
    expect(pointOf(ulid, '01ARYZ6S41TSV4RRFFQ69G5FAV')).toBe(1_469_918_176_385_000n)
    expect(pointOf(ulid, '01ARYZ6S41')).toBe(1_469_918_176_385_000n)
    for (const text of ['01aryz6s41tsv4rrffq69g5fav', 'berlin', '81ARYZ6S41TSV4RRFFQ69G5FAV', ''])
      expect(pointOf(ulid, text), text).toBeNull()
    // RFC 9562, appendix A.6: 1645557742000 ms.
    const uuid = keys.find(({kind}) => kind === 'uuidv7')!
    expect(pointOf(uuid, '017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(1_645_557_742_000_000n)
    const timestamptz = keys[0]!
    expect(pointOf(timestamptz, 'infinity')).toBe(highest)
    expect(pointOf(timestamptz, '0044-03-15 00:00:00+00 BC')).toBe(-63_517_824_000_000_000n)
    expect(endOf(timestamptz, 'MINVALUE')).toBe(lowest)
  })

  it('reads the ends of a bound as pg_get_expr prints it', () => {
    expect(boundEnds("FOR VALUES FROM ('2024-01-01') TO (MAXVALUE)")).toEqual(['2024-01-01', 'MAXVALUE'])
    expect(boundEnds('FOR VALUES FROM (-5) TO (100)')).toEqual(['-5', '100'])
    expect(boundEnds("FOR VALUES FROM ('it''s') TO ('x')")).toEqual(["it's", 'x'])
    for (const other of [
      'DEFAULT',
      "FOR VALUES IN ('a')",
      "FOR VALUES FROM ('a', 1) TO ('b', 2)",
      'FOR VALUES WITH (modulus 2, remainder 0)',
    ])
      expect(boundEnds(other), other).toBeNull()
  })

  it('refuses an instant that it cannot store', () => {
    expect(() => boundText({kind: 'integer', type: 'integer', unit: 'ms'}, 1_700_000_000_000_000n)).toThrow(RangeError)
    expect(() => boundText(keys.find(({kind}) => kind === 'uuidv7')!, -1_000_000n)).toThrow(RangeError)
  })

  it.each([
    ['timestamp with time zone', null, null, 'timestamptz'],
    ['bigint', declared, null, 'integer'],
    ['uuid', declared, null, 'uuidv7'],
    ['text', declared, true, 'ulid'],
  ] as const)('%s is a time', (type, of, bytewise, kind) => {
    expect(timeKeyOf({column: 'k', type, bytewise}, of)).toMatchObject({key: {kind}})
  })

  it.each([
    ['bigint', null, null, /unit of time is not declared/],
    ['uuid', null, null, /only if its values are UUIDv7/],
    ['text', {timeUnit: null, keyFormat: null}, true, /format is not declared/],
    ['text', declared, false, /collation does not order text/],
    ['numeric', declared, null, /not a date, timestamp, integer, uuid or text/],
  ] as const)('%s is none, for a reason', (type, of, bytewise, reason) => {
    expect(timeKeyOf({column: 'k', type, bytewise}, of)).toMatchObject({reason: expect.stringMatching(reason)})
  })
})
