import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {sql} from '../../../src/db/sql.js'
import {addInterval, parseIntervalText} from '../../../src/catalog/interval.js'
import {parsePartitionBound} from '../../../src/catalog/partition-bound.js'
import {
  exactNumber,
  fromMicros,
  instantOf,
  microsOf,
  microsOfUuid,
  timeKindOf,
  toMicros,
  unitOfClock,
} from '../../../src/catalog/time.js'
import {forEachEngine} from '../../helpers/engines.js'

// From 1900 to 2200, within which every calendar is regular.
const micros = fc.bigInt({min: -2_208_988_800_000_000n, max: 7_258_118_400_000_000n})

describe('times', () => {
  it('are converted and back to the microsecond', () => {
    fc.assert(fc.property(micros, (value) => void expect(microsOf(instantOf(value)!)).toBe(value)))
    expect(instantOf(0n)).toBe('1970-01-01T00:00:00Z')
    expect(instantOf(-1n)).toBe('1969-12-31T23:59:59.999999Z')
    expect(instantOf(1_500_000n)).toBe('1970-01-01T00:00:01.5Z')
  })

  it('beyond the range of a date are null', () => {
    expect(instantOf(2n ** 63n - 1n)).toBeNull()
    expect(instantOf(-(2n ** 63n))).toBeNull()
  })

  it('in integers keep their value through each unit', () => {
    for (const unit of ['s', 'ms', 'us'] as const)
      fc.assert(
        fc.property(
          fc.bigInt({min: -(10n ** 9n), max: 10n ** 9n}),
          (value) => void expect(fromMicros(toMicros(value, unit), unit)).toBe(value),
        ),
      )
    expect(toMicros(1_234_567_890n, 'ns')).toBe(1_234_567n)
  })

  it('near the clock reveal their unit, and others do not', () => {
    const at = '2026-11-22T20:41:00Z'
    expect(unitOfClock(1_795_466_460n, at)).toBe('s')
    expect(unitOfClock(1_795_466_460_000n, at)).toBe('ms')
    expect(unitOfClock(1_795_466_460_000_000n, at)).toBe('us')
    expect(unitOfClock(1_795_466_460_000_000_000n, at)).toBe('ns')
    for (const value of [0n, 42n, 20_780n, -1_795_466_460n, 1_795_466_460_000_000_000_000n])
      expect(unitOfClock(value, at)).toBeNull()
  })

  it('are numbers in JSON if that is exact', () => {
    expect(exactNumber(9_007_199_254_740_991n)).toBe(9_007_199_254_740_991)
    expect(exactNumber(9_007_199_254_740_993n)).toBe('9007199254740993')
  })

  it('are in the first bits of a UUIDv7', () => {
    expect(instantOf(microsOfUuid('019b7ab2-2800-7000-8000-000000000000'))).toBe(
      instantOf(BigInt(0x019b7ab22800) * 1000n),
    )
  })

  it('of other types are null', () => {
    expect(['timestamp with time zone', 'date', 'bigint', 'uuid', 'text', null].map(timeKindOf)).toEqual([
      'timestamptz',
      'date',
      'integer',
      'uuid',
      'other',
      'other',
    ])
  })
})

describe('bounds of partitions', () => {
  it.each([
    [
      `FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')`,
      'timestamptz',
      '2026-01-01T00:00:00Z',
      '2026-02-01T00:00:00Z',
    ],
    [`FOR VALUES FROM ('2026-01-01 00:00:00.5') TO (MAXVALUE)`, 'timestamp', '2026-01-01T00:00:00.5Z', null],
    [`FOR VALUES FROM (MINVALUE) TO ('2026-02-01')`, 'date', null, '2026-02-01T00:00:00Z'],
    [
      `FOR VALUES FROM ('2026-01-01', 'it''s') TO ('2026-02-01', MINVALUE)`,
      'date',
      '2026-01-01T00:00:00Z',
      '2026-02-01T00:00:00Z',
    ],
    [`FOR VALUES FROM ('infinity') TO (MAXVALUE)`, 'timestamptz', null, null],
    ['DEFAULT', 'timestamptz', null, null],
    [`FOR VALUES IN ('a', 'b')`, 'other', null, null],
    ['FOR VALUES WITH (modulus 4, remainder 0)', 'other', null, null],
  ] as const)('%s', (text, kind, from, to) => {
    const {start, end} = parsePartitionBound(text, kind)
    expect({from: start === null ? null : instantOf(start), to: end === null ? null : instantOf(end)}).toEqual({
      from,
      to,
    })
  })

  it('of integers are integers', () => {
    expect(parsePartitionBound(`FOR VALUES FROM ('-5') TO ('9223372036854775807')`, 'integer')).toEqual({
      start: -5n,
      end: 9_223_372_036_854_775_807n,
    })
    expect(parsePartitionBound(`FOR VALUES FROM (0) TO (10)`, 'integer')).toEqual({start: 0n, end: 10n})
    expect(parsePartitionBound(`FOR VALUES FROM (MINVALUE) TO (-10)`, 'integer')).toEqual({start: null, end: -10n})
  })
})

forEachEngine({}, (engine) => {
  it('intervals are added by the calendar as on the server', async () => {
    const {db} = await engine.database()
    const interval = fc.record({
      months: fc.integer({min: -30, max: 30}),
      days: fc.integer({min: -400, max: 400}),
      seconds: fc.integer({min: -10_000_000, max: 10_000_000}).map((tenths) => tenths / 10),
    })
    for (const [value, by] of fc.sample(fc.tuple(micros, interval), 200)) {
      const text = `${by.months} months ${by.days} days ${by.seconds} seconds`
      const [row] = await db.query<{later: string; earlier: string; text: string}>(
        sql`select ${instantOf(value)}::timestamptz + ${text}::interval as later, ${instantOf(value)}::timestamptz - ${text}::interval as earlier, ${text}::interval as text`,
      )
      const duration = parseIntervalText(row!.text)
      expect({months: duration.months, days: duration.days, seconds: duration.seconds}).toEqual({
        months: by.months + 0,
        days: by.days + 0,
        seconds: by.seconds + 0,
      })
      expect(instantOf(addInterval(value, duration)), text).toBe(row!.later)
      expect(instantOf(addInterval(value, duration, -1)), text).toBe(row!.earlier)
    }
  })
})
