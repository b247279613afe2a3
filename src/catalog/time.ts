import {epochMicros, formatEpochMicros, type Instant} from '../units/instant.js'

/**
 * Type of a time column. Its ranges are microseconds since 1970, or integers for `integer`; `other` has no ranges. `ulid`
 * is a text that begins with 48 bits of milliseconds.
 */
export type TimeKind = 'timestamptz' | 'timestamp' | 'date' | 'uuid' | 'ulid' | 'integer' | 'other'

/** What 1 means in an integer time column. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns'

const microsPer: Record<TimeUnit, {times: bigint; over: bigint}> = {
  s: {times: 1_000_000n, over: 1n},
  ms: {times: 1000n, over: 1n},
  us: {times: 1n, over: 1n},
  ns: {times: 1n, over: 1000n},
}

const kinds: Record<string, TimeKind> = {
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
  date: 'date',
  uuid: 'uuid',
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
}

/** @param type name of the type, as format_type prints it; a text is `other` until its bounds are read as ULIDs */
export function timeKindOf(type: string | null): TimeKind {
  return (type !== null && kinds[type]) || 'other'
}

export function toMicros(value: bigint, unit: TimeUnit): bigint {
  return (value * microsPer[unit].times) / microsPer[unit].over
}

export function fromMicros(micros: bigint, unit: TimeUnit): bigint {
  return (micros * microsPer[unit].over) / microsPer[unit].times
}

// The range of PostgreSQL's timestamps without the smallest and the largest int8, which mean "no bound".
const first = -210_866_803_200_000_000n
const last = 2n ** 63n - 2n

/** Microseconds since 1970 as an instant; null outside the range of PostgreSQL's timestamps. */
export function instantOf(micros: bigint): Instant | null {
  return micros < first || micros > last ? null : formatEpochMicros(micros)
}

/** An instant in microseconds since 1970. @throws Error if the text is not an instant */
export function microsOf(at: Instant): bigint {
  const micros = epochMicros(at)
  if (micros === null) throw new Error(`${at} is not an instant in UTC`)
  return micros
}

/**
 * A point on a table's scale as text: an instant, or the integer. A local time is written without a time zone.
 */
export function pointWords(point: bigint, time: TimeKind): string {
  const text = time === 'integer' ? null : instantOf(point)
  if (text === null) return String(point)
  return time === 'timestamp' || time === 'date' ? text.replace('Z', '') : text
}

/** A number if JSON keeps it exact, else text. */
export function exactNumber(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** Microseconds since 1970 of a UUIDv7, whose first 48 bits are milliseconds. */
export function microsOfUuid(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '').slice(0, 12)}`) * 1000n
}

/**
 * The unit of an integer clock. The units are a factor of 1000 apart, so only one brings the value within a factor of 2
 * of the server's clock. Null if none does.
 */
export function unitOfClock(clock: bigint, at: Instant): TimeUnit | null {
  const now = microsOf(at)
  for (const unit of ['s', 'ms', 'us', 'ns'] as const) {
    const ratio = Number(toMicros(clock, unit)) / Number(now)
    if (ratio > 0.5 && ratio < 2) return unit
  }
  return null
}
