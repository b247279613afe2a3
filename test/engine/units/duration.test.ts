import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {OpsError} from '../../../src/errors.js'
import {
  approximateSeconds,
  durationInWords,
  formatDuration,
  parseDuration,
  toInterval,
  type Duration,
} from '../../../src/units/duration.js'
import {forEachEngine} from '../../helpers/engines.js'

const of = (months: number, days: number, seconds: number): Duration => ({months, days, seconds})

/** Everything that parseDuration can return: no months with seconds, to the millisecond. */
const anyDuration = fc
  .oneof(
    fc.record({
      months: fc.integer({min: 0, max: 12_000}),
      days: fc.integer({min: 0, max: 365_250}),
      seconds: fc.constant(0),
    }),
    fc.record({
      months: fc.constant(0),
      days: fc.integer({min: 0, max: 365_250}),
      seconds: fc.integer({min: 0, max: 1e9}).map((ms) => ms / 1000),
    }),
  )
  .filter(({months, days, seconds}) => months + days + seconds > 0)

function refusalOf(text: string): OpsError {
  try {
    parseDuration(text)
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
  throw new Error(`"${text}" was taken`)
}

describe('a duration', () => {
  it.each([
    ['30s', of(0, 0, 30)],
    ['15min', of(0, 0, 900)],
    ['12h', of(0, 0, 43_200)],
    ['7d', of(0, 7, 0)],
    ['2w', of(0, 14, 0)],
    ['6mon', of(6, 0, 0)],
    ['2y', of(24, 0, 0)],
    ['6 months', of(6, 0, 0)],
    ['1 Day 2 Hours', of(0, 1, 7200)],
    [' 250ms ', of(0, 0, 0.25)],
    ['3.58s', of(0, 0, 3.58)],
    ['1min 5s', of(0, 0, 65)],
  ])('%s is parsed as intended', (text, meant) => {
    expect(parseDuration(text)).toEqual(meant)
  })

  it.each([
    ['7', /days.*seconds/],
    ['6m', /minutes.*months/],
    ['6M', /minutes.*months/],
    ['1d 5m', /minutes.*months/],
    ['24mo', /no unit "mo"/],
    ['', /not a duration/],
    ['d', /not a duration/],
    ['7.5d', /not a duration/],
    ['-7d', /not a duration/],
    ['0d', /is zero/],
    ['1mon 3h', /mixes months with hours/],
    ['99999999999y', /thousand years/],
  ])('%j is refused with the reason', (text, reason) => {
    const error = refusalOf(text)
    expect(error.message).toMatch(reason)
    expect(error.exitCode).toBe(2)
    expect(error.suggestions.length).toBeGreaterThan(0)
  })

  it('is parsed back unchanged', () => {
    fc.assert(
      fc.property(anyDuration, (duration) => {
        const again = parseDuration(formatDuration(duration))
        expect(again).toMatchObject({months: duration.months, days: duration.days})
        expect(again.seconds).toBeCloseTo(duration.seconds, 6)
      }),
    )
  })

  it('any text is a duration or a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({unit: fc.constantFrom(...'0123456789 .-dhmonsyw')})), (text) => {
        try {
          expect(approximateSeconds(parseDuration(text))).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(OpsError)
        }
      }),
    )
  })

  it('is printed in words with the same meaning', () => {
    expect(durationInWords(of(24, 0, 0))).toBe('2 years')
    expect(durationInWords(of(18, 0, 0))).toBe('18 months')
    expect(durationInWords(of(0, 1, 0))).toBe('1 day')
    expect(durationInWords(of(0, 0, 5400))).toBe('1 hour 30 minutes')
    expect(durationInWords(of(0, 0, 0.00025))).toBe('250 microseconds')
    expect(durationInWords(of(0, 0, 7.5015))).toBe('7 seconds 501 milliseconds 500 microseconds')
    expect(parseDuration('7 seconds 501 milliseconds 500 microseconds').seconds).toBeCloseTo(7.5015, 9)
    fc.assert(
      fc.property(anyDuration, (duration) => {
        // Texts of whole units are durations too, so they can be parsed back.
        expect(approximateSeconds(parseDuration(durationInWords(duration)))).toBeCloseTo(
          approximateSeconds(duration),
          2,
        )
      }),
    )
  })
})

forEachEngine({native: true}, (engine) => {
  it('reaches the server with its three fields unchanged', async () => {
    const {db} = await engine.database()
    const durations = fc.sample(anyDuration, 300)
    const rows = await db.query<{months: number; days: number; seconds: number}>({
      text: `
        select months, days, extract(epoch from i - make_interval(months => months, days => days))::float8 as seconds
        from unnest($1::text[]) with ordinality as given (text, position), cast(text as interval) as i,
          cast(extract(year from i) * 12 + extract(month from i) as int) as months, cast(extract(day from i) as int) as days
        order by position`,
      values: [durations.map(toInterval)],
    })
    const exact = ({months, days, seconds}: Duration) => ({months, days, ms: Math.round(seconds * 1000)})
    expect(rows.map(exact)).toEqual(durations.map(exact))
  })
})
