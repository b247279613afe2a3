import {epochMicros, formatEpochMicros, type Instant} from '../units/instant.js'

/** What a time column holds. Ranges of all but `integer` are microseconds since 1970; `other` has none. */
export type TimeKind = 'timestamptz' | 'timestamp' | 'date' | 'uuid' | 'integer' | 'other'

/** What one is, where time is an integer. */
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

/** @param type as format_type names it */
export function timeKindOf(type: string | null): TimeKind {
  return (type !== null && kinds[type]) || 'other'
}

export function toMicros(value: bigint, unit: TimeUnit): bigint {
  return (value * microsPer[unit].times) / microsPer[unit].over
}

export function fromMicros(micros: bigint, unit: TimeUnit): bigint {
  return (micros * microsPer[unit].over) / microsPer[unit].times
}

// What PostgreSQL's timestamps hold, less the two ends of int8, which stand for "no bound".
const first = -210_866_803_200_000_000n
const last = 2n ** 63n - 2n

/** Microseconds since 1970 as an instant; null outside of what PostgreSQL's timestamps hold. */
export function instantOf(micros: bigint): Instant | null {
  return micros < first || micros > last ? null : formatEpochMicros(micros)
}

/** @throws Error where the text is no time */
export function microsOf(at: Instant): bigint {
  const micros = epochMicros(at)
  if (micros === null) throw new Error(`${at} is no instant in UTC`)
  return micros
}

/**
 * A point on a table's scale in words: an instant, or the integer. What a column without a time zone holds is written
 * without one.
 */
export function pointWords(point: bigint, time: TimeKind): string {
  const text = time === 'integer' ? null : instantOf(point)
  if (text === null) return String(point)
  return time === 'timestamp' || time === 'date' ? text.replace('Z', '') : text
}

/** A number where JSON keeps it exact, else text. */
export function exactNumber(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** The first 48 bits of a UUIDv7 are milliseconds since 1970. */
export function microsOfUuid(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '').slice(0, 12)}`) * 1000n
}

/**
 * What unit an integer clock counts in: the units are a factor of 1000 apart, so a clock that stands within a factor
 * of 2 of the server's can only be one of them.
 */
export function unitOfClock(clock: bigint, at: Instant): TimeUnit | null {
  const now = microsOf(at)
  for (const unit of ['s', 'ms', 'us', 'ns'] as const) {
    const ratio = Number(toMicros(clock, unit)) / Number(now)
    if (ratio > 0.5 && ratio < 2) return unit
  }
  return null
}
