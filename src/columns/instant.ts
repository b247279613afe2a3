import {invalid, type Invalid} from './invalid.js'

/** ISO 8601 with a zone, to the microsecond; also with a space instead of T, as PostgreSQL prints it. */
const zoned = /^(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|z|[+-](0\d|1[0-5])(:?[0-5]\d)?)$/
const zoneless = /^(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?$/
const day = /^\d{4}-\d\d-\d\d$/

/** The instant as text, unchanged; or the reason why it is invalid, worded to follow the quoted value. */
export function readInstant(input: unknown): string | Invalid {
  if (input instanceof Date) return Number.isNaN(input.getTime()) ? invalid('is an invalid Date') : input.toISOString()
  if (typeof input === 'number')
    return invalid('could be seconds or milliseconds: write an instant with a zone, like 2026-01-31T12:00:00Z')
  if (typeof input !== 'string') return invalid('is not an instant')
  const match = zoned.exec(input)
  if (match) return checked(input, match[1]!, match[4])
  if (zoneless.test(input) || day.test(input)) return invalid('has no zone: end it with Z or an offset like +02:00')
  return invalid('is not an instant like 2026-01-31T12:00:00Z')
}

/** The same for a time without a zone. A time with a zone is rejected, because the column would drop the zone. */
export function readLocalTime(input: unknown): string | Invalid {
  if (typeof input !== 'string') return invalid('is not a time like 2026-01-31T12:00:00')
  if (zoned.test(input)) return invalid('has a zone, which the column cannot store')
  const match = zoneless.exec(input)
  return match ? checked(input, match[1]!, match[4]) : invalid('is not a time like 2026-01-31T12:00:00')
}

export function readDay(input: unknown): string | Invalid {
  if (typeof input !== 'string' || !day.test(input)) return invalid('is not a date like 2026-01-31')
  return exists(input) ? input : invalid('does not exist')
}

function checked(text: string, date: string, fraction: string | undefined): string | Invalid {
  if (!exists(date)) return invalid('does not exist')
  return fraction !== undefined && fraction.length > 7 ? invalid('has more than six decimal places of a second') : text
}

/** Date.parse silently rolls 2026-02-30 over into March. */
function exists(date: string): boolean {
  const [year, month, dayOfMonth] = [Number(date.slice(0, 4)), Number(date.slice(5, 7)), Number(date.slice(8, 10))]
  if (year === 0 || month < 1 || month > 12 || dayOfMonth < 1) return false
  return dayOfMonth <= daysIn(year, month)
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/**
 * Milliseconds from `b` to `a`, with microseconds as a fraction; null if one of them is not a time. A time without a
 * zone counts as UTC. Computed as a difference, because microseconds since 1970 are exact in a number only until the
 * year 2255.
 */
export function millisecondsBetween(a: unknown, b: unknown): number | null {
  const left = partsOf(a)
  const right = partsOf(b)
  return left === null || right === null ? null : left.second - right.second + (left.micros - right.micros) / 1000
}

/** Milliseconds since 1970, and the remaining microseconds. */
function partsOf(input: unknown): {second: number; micros: number} | null {
  if (input instanceof Date) return {second: input.getTime(), micros: 0}
  if (typeof input !== 'string') return null
  // The output format of toISOString, which Date.parse reads directly.
  if (input.length === 24 && input[4] === '-' && input[10] === 'T' && input[19] === '.' && input[23] === 'Z')
    return wholeOf(Date.parse(input))
  const instant = zoned.exec(input)
  const match = instant ?? zoneless.exec(input)
  if (!match && !day.test(input)) return null
  const offset = offsetOf(instant?.[5] ?? 'Z')
  const clock = match ? input.slice(11, match[3] ? 19 : 16) : '00:00'
  const second = Date.parse(`${input.slice(0, 10)}T${clock}${offset}`)
  return wholeOf(second, Number((match?.[4] ?? '').slice(1, 7).padEnd(6, '0')))
}

/** Converts a zone (`z`, `+02`, `+0200`, `+02:00`) to the form that Date.parse accepts. */
function offsetOf(zone: string): string {
  if (/^[+-]\d\d$/.test(zone)) return `${zone}:00`
  return zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
}

function wholeOf(second: number, micros = 0) {
  return Number.isNaN(second) ? null : {second, micros}
}
