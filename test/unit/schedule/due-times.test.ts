import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  dueTimeProblem,
  countDueTimes,
  dstNotes,
  dueTimes,
  nextDueTime,
  type ZonedSchedule,
} from '../../../src/schedule/due-times.js'
import {formatLocal, localTime, minuteOfDay, transitions} from '../../../src/units/zone.js'

const at = (text: string) => Date.parse(text)
const between = (zoned: ZonedSchedule, from: string, to: string) =>
  [...dueTimes(zoned, at(from), at(to))].map((instant) => new Date(instant).toISOString().replace(':00.000Z', 'Z'))
const berlin = (schedule: string): ZonedSchedule => ({schedule, timezone: 'Europe/Berlin'})
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Antarctica/Troll',
  'Europe/Dublin',
  'Asia/Kathmandu',
]
/**
 * Times around every kind of clock change: forward, back, by half an hour, by two hours, at midnight, by a whole day.
 */
const days = [
  '2026-03-29',
  '2026-10-25',
  '2026-03-08',
  '2026-11-01',
  '2026-04-05',
  '2026-10-04',
  '2018-11-04',
  '2018-02-18',
  '2011-12-30',
  '2028-02-29',
  '2026-12-31',
]

describe('the schedule', () => {
  it('runs a time that a clock change skips once, right after the change', () => {
    expect(between(berlin('30 2 * * *'), '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ])
    expect(between(berlin('30 2,14 * * *'), '2026-03-29T00:00:00Z', '2026-03-29T23:00:00Z')).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-29T12:30Z',
    ])
    expect(between(berlin('0 2,3 * * *'), '2026-03-29T00:00:00Z', '2026-03-29T23:00:00Z')).toEqual([
      '2026-03-29T01:00Z',
    ])
  })

  it('runs a time that occurs twice only the first time', () => {
    expect(between(berlin('30 2 * * *'), '2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z')).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ])
    expect(between(berlin('0 0-3 * * *'), '2026-10-24T21:00:00Z', '2026-10-25T12:00:00Z')).toEqual([
      '2026-10-24T22:00Z',
      '2026-10-24T23:00Z',
      '2026-10-25T00:00Z',
      '2026-10-25T02:00Z',
    ])
  })

  it('keeps an interval in real time: every half hour is every half hour', () => {
    for (const day of days) {
      const all = [
        ...dueTimes(berlin('*/30 * * * *'), at(`${day}T00:00:00Z`) - 86_400_000, at(`${day}T00:00:00Z`) + 172_800_000),
      ]
      expect(new Set(all.slice(1).map((instant, index) => instant - all[index]!))).toEqual(new Set([1_800_000]))
    }
  })

  it('knows leap days and the lengths of months', () => {
    expect(between({schedule: '0 0 29 2 *', timezone: 'UTC'}, '2026-01-01', '2033-01-01')).toEqual([
      '2028-02-29T00:00Z',
      '2032-02-29T00:00Z',
    ])
    expect(between({schedule: '0 0 L * *', timezone: 'UTC'}, '2028-01-01', '2028-05-01')).toEqual([
      '2028-01-31T00:00Z',
      '2028-02-29T00:00Z',
      '2028-03-31T00:00Z',
      '2028-04-30T00:00Z',
    ])
  })

  it('gives the same due times from any start, around every clock change', () => {
    const schedules = [
      '30 2 * * *',
      '*/30 * * * *',
      '0 * * * *',
      '15 1,2,3 * * *',
      '0 0 * * *',
      '45 1 * * *',
      '0,30 2,3 * * *',
      '*/7 * * * *',
      '30 0-4/2 * * *',
      '0 3 * * 0',
      '0 0 1 * *',
      '*/15 2 * * *',
      '*/20 30 2 * * *',
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...schedules),
        fc.constantFrom(...days),
        fc.integer({min: 0, max: 3 * 86_400_000}),
        (timezone, schedule, day, offset) => {
          const zoned = {schedule, timezone}
          const start = at(`${day}T00:00:00Z`) - 86_400_000
          const end = start + 3 * 86_400_000
          const all = [...dueTimes(zoned, start, end)]
          expect(all).toEqual([...new Set(all)].sort((a, b) => a - b))
          expect([...dueTimes(zoned, start + offset, end)]).toEqual(all.filter((instant) => instant > start + offset))
        },
      ),
      {numRuns: 200},
    )
  })

  it('has in UTC, which is calculated without Intl, the due times of the zone Etc/UTC', () => {
    const field = (max: number, min = 0) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({min, max}).map(String),
        fc.integer({min: 2, max: Math.min(max, 20)}).map((step) => `*/${step}`),
        fc.tuple(fc.integer({min, max}), fc.integer({min, max})).map((two) => two.sort((a, b) => a - b).join('-')),
      )
    const schedules = fc.tuple(field(59), field(59), field(23), field(28, 1), field(12, 1), field(6))
    fc.assert(
      fc.property(schedules, fc.integer({min: at('2015-01-01'), max: at('2040-01-01')}), (fields, after) => {
        const schedule = fields.join(' ')
        const inUtc = nextDueTime({schedule, timezone: 'UTC'}, after)
        expect(inUtc).toBe(nextDueTime({schedule, timezone: 'Etc/UTC'}, after))
      }),
    )
  })

  it('counts a due time as passed at that instant, and not one millisecond before', () => {
    const noon = at('2026-01-01T12:00:00Z')
    const daily = {schedule: '0 12 * * *', timezone: 'UTC'}
    expect(nextDueTime(daily, noon - 1)).toBe(noon)
    expect(nextDueTime(daily, noon)).toBe(noon + 86_400_000)
    expect([...dueTimes(daily, noon - 1, noon)]).toEqual([noon])
    expect([...dueTimes(daily, noon - 1, noon - 1)]).toEqual([])
  })

  it.each([
    [{schedule: '0 0 31 2 *', timezone: 'UTC'}, 'never occurs'],
    [{schedule: '0 2 * * *', timezone: 'Mars/Olympus'}, 'no time zone "Mars/Olympus"'],
    [{schedule: '0 2 * * *', timezone: '+02:00'}, 'no time zone'],
    [{schedule: '0 25 * * *', timezone: 'UTC'}, 'hour "25"'],
  ])('describes the mistake in %o', (zoned, words) => {
    expect(dueTimeProblem(zoned, at('2026-01-01'))).toContain(words)
  })
})

describe('notes on clock changes', () => {
  const notes = (zoned: ZonedSchedule, from: string, to: string) =>
    dstNotes(zoned, at(from), at(to)).map(({text}) => text)

  it('say when a time that does not exist runs', () => {
    expect(notes(berlin('30 2 * * *'), '2026-01-01', '2026-06-01')).toEqual([
      '2026-03-29: 02:30 does not exist (the clocks go from 02:00 to 03:00) and runs at 03:00 instead',
    ])
    expect(notes(berlin('0 2,3 * * *'), '2026-01-01', '2026-06-01')).toEqual([
      '2026-03-29: 02:00 does not exist (the clocks go from 02:00 to 03:00) and runs with the one at 03:00',
    ])
    expect(notes(berlin('*/30 2 * * *'), '2026-01-01', '2026-06-01')).toEqual([
      '2026-03-29: 02:00, 02:30 do not exist (the clocks go from 02:00 to 03:00) and are skipped',
    ])
  })

  it('say when a time that occurs twice runs', () => {
    expect(notes(berlin('30 2 * * *'), '2026-06-01', '2026-12-01')).toEqual([
      '2026-10-25: 02:30 occurs twice (the clocks go from 03:00 back to 02:00) and runs the first time only',
    ])
    expect(notes(berlin('*/30 * * * *'), '2026-06-01', '2026-12-01')).toEqual([
      '2026-10-25: 02:00, 02:30 occur twice (the clocks go from 03:00 back to 02:00) and run both times',
    ])
  })

  it('are absent if no scheduled time is affected', () => {
    expect(notes(berlin('0 12 * * *'), '2026-01-01', '2026-12-31')).toEqual([])
    expect(notes({schedule: '30 2 * * *', timezone: 'UTC'}, '2026-01-01', '2026-12-31')).toEqual([])
  })
})

describe('a time zone', () => {
  it('has its clock changes found to the second', () => {
    expect(
      transitions('Europe/Berlin', at('2026-01-01'), at('2027-01-01')).map(({at}) => new Date(at).toISOString()),
    ).toEqual(['2026-03-29T01:00:00.000Z', '2026-10-25T01:00:00.000Z'])
    expect(
      transitions('Pacific/Apia', at('2011-12-01'), at('2012-01-15')).map(({at, before, after}) => [
        new Date(at).toISOString(),
        (after - before) / 3_600_000,
      ]),
    ).toEqual([['2011-12-30T10:00:00.000Z', 24]])
    expect(transitions('UTC', at('2026-01-01'), at('2027-01-01'))).toEqual([])
  })

  it('shows local times with their offset', () => {
    expect(formatLocal('Europe/Berlin', at('2026-03-29T01:00:00Z'))).toBe('2026-03-29 03:00 +02:00')
    expect(formatLocal('America/St_Johns', at('2026-01-01T00:00:30Z'))).toBe('2025-12-31 20:30:30 -03:30')
    expect(formatLocal('UTC', at('2026-01-01T00:00:00Z'))).toBe('2026-01-01 00:00 +00:00')
    expect(minuteOfDay('Asia/Kathmandu', at('2026-01-01T00:00:00Z'))).toBe(5 * 60 + 45)
    expect(localTime('UTC', 5)).toBe(5)
  })
})

it('counts as many due times as it lists, near and far from clock changes', () => {
  const field = (max: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({min: 2, max: Math.min(max, 20)}).map((step) => `*/${step}`),
      fc.integer({min: 0, max}).map(String),
      fc.tuple(fc.integer({min: 0, max: 9}), fc.integer({min: 10, max: 20})).map(([from, to]) => `${from}-${to}`),
    )
  // Where a zone skips or repeats an hour, half an hour or a whole day, and where it changes nothing.
  const change = fc.constantFrom(
    ['Europe/Berlin', Date.UTC(2026, 2, 29, 1)],
    ['Europe/Berlin', Date.UTC(2026, 9, 25, 1)],
    ['America/New_York', Date.UTC(2026, 2, 8, 7)],
    ['Australia/Lord_Howe', Date.UTC(2026, 3, 4, 15)],
    ['Pacific/Apia', Date.UTC(2011, 11, 30, 10)],
    ['Asia/Kolkata', Date.UTC(2026, 2, 29, 1)],
    ['UTC', Date.UTC(2026, 2, 29, 1)],
  )
  const second = fc.constantFrom('0', '30', '*/20')
  fc.assert(
    fc.property(
      second,
      field(59),
      field(23),
      change,
      fc.integer({min: 0, max: 40 * 3_600_000}),
      fc.integer({min: 1, max: 72}),
      (seconds, minutes, hours, [timezone, at], before, length) => {
        const zoned = {schedule: `${seconds} ${minutes} ${hours} * * *`, timezone}
        const from = at - before
        const until = from + length * 3_600_000
        expect(countDueTimes(zoned, from, until)).toBe([...dueTimes(zoned, from, until)].length)
      },
    ),
    {numRuns: 40},
  )
})
