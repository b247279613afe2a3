import {durationInWords, type Duration} from '../units/duration.js'
import type {Offset} from './live-policies.js'
import {fromMicros, toMicros, type TimeUnit} from './time.js'

/** The unit of a length of time: PostgreSQL's intervals, integers of a known unit, or integers of an unknown unit. */
export type Scale = 'time' | TimeUnit | 'unknown'

const dayMicros = 86_400_000_000n

/**
 * An age or offset of a policy in words: `30 days`. Integers of a known unit are converted; without a unit the number
 * itself is shown. Null is `open`.
 */
export function offsetInWords(offset: Offset | null, scale: Scale): string {
  if (offset === null) return 'open'
  if (typeof offset !== 'bigint') return durationInWords(offset)
  return scale === 'time' ? String(offset) : lengthInWords(offset, scale)
}

/** A length on a table's scale in words: microseconds, or integers of the given unit. Null is `unknown`. */
export function lengthInWords(length: bigint | null, scale: Scale): string {
  if (length === null) return 'unknown'
  if (scale === 'unknown') return String(length)
  const micros = scale === 'time' ? length : toMicros(length, scale)
  const isExact = scale === 'time' || fromMicros(micros, scale) === length
  // durationInWords has no unit below a millisecond.
  if (!isExact || micros % 1000n !== 0n) return `${length} ${scale === 'time' ? 'us' : scale}`
  return durationInWords(durationOfMicros(micros))
}

/** Microseconds as a duration of days and seconds. */
export function durationOfMicros(micros: bigint): Duration {
  const days = micros / dayMicros
  return {months: 0, days: Number(days), seconds: Number(micros - days * dayMicros) / 1e6}
}
