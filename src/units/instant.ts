import {usageError} from '../errors.js'

/**
 * A point in time as PostgreSQL gave it, to the microsecond: `2026-10-15T00:00:00Z`. A string, because a
 * Date would lose the microseconds and cannot hold what PostgreSQL calls infinity.
 */
export type Instant = string

/** `timestamptz` output under `DateStyle ISO` and `TimeZone UTC`, made ISO 8601. Infinity is `null`: no bound. */
export function instantFromServer(text: string): Instant | null {
  if (text === 'infinity' || text === '-infinity') return null
  return text.replace(' ', 'T').replace(/\+00(:00)?( BC)?$/, 'Z$2')
}

const isoInstant = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?)?$/

/**
 * An instant given by a person: ISO 8601, UTC unless an offset is given, the time of day optional.
 * @throws OpsError INSTANT
 */
export function parseInstant(input: string): Instant {
  const text = input.trim()
  const withTime = /^\d{4}-\d\d$/.test(text) ? `${text}-01` : text
  const zoned = /(Z|[+-]\d\d(:?\d\d)?)$/.test(withTime.slice(10)) ? withTime : `${withTime.replace(' ', 'T')}${withTime.length > 10 ? '' : 'T00:00'}Z`
  const date = new Date(zoned.replace(/([+-]\d\d)$/, '$1:00'))
  if (!isoInstant.test(withTime) || Number.isNaN(date.getTime()) || !sameDay(withTime, zoned))
    throw usageError('INSTANT', `"${input}" is not an instant.`, ['Write ISO 8601, for example 2026-01-31 or 2026-01-31T12:00:00Z.'])
  // Date knows milliseconds only; no offset changes what is below a second.
  const micros = /\.(\d*[1-9])/.exec(zoned)?.[0] ?? ''
  return date.toISOString().replace(/\.\d+Z$/, `${micros}Z`)
}

/** Date rolls 2026-02-30 over into March without a word. */
function sameDay(text: string, zoned: string): boolean {
  const day = Number(text.slice(8, 10))
  const local = new Date(`${zoned.slice(0, 10)}T00:00:00Z`)
  return local.getUTCDate() === day
}

/** Whole seconds from one instant to another; negative when `to` is earlier. */
export function secondsBetween(from: Instant, to: Instant): number {
  return Math.floor((milliseconds(to) - milliseconds(from)) / 1000)
}

/** Broken feeds write years of five digits, which Date takes only with a sign and six. */
function milliseconds(instant: Instant): number {
  const [, year, rest, bc] = /^(\d+)(.*?)( BC)?$/.exec(instant) ?? []
  if (year === undefined) return Number.NaN
  // There is no year 0: 1 BC is Date's year 0, and -0 is not a year.
  if (bc) return Date.parse(`${year === '0001' ? '+' : '-'}${String(Number(year) - 1).padStart(6, '0')}${rest}`)
  return Date.parse(year.length > 4 ? `+${year.padStart(6, '0')}${rest}` : instant)
}
