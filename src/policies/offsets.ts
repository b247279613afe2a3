import type {Offset} from '../catalog/live-policies.js'
import {durationInWords, type Duration} from '../units/duration.js'
import type {TableState} from './table-state.js'
import {fromMicros} from '../catalog/time.js'

/** Why an age cannot be said on a table's scale. */
export type OffsetProblem = 'months' | 'unknown'

const dayMicros = 86_400_000_000n

/** An age on a table's own scale: as it is for instants, counted out for integers. */
export function toOffset(duration: Duration, scale: TableState['scale']): Offset | OffsetProblem {
  if (scale === 'time') return duration
  if (scale === 'unknown') return 'unknown'
  // A month has no length in integers.
  if (duration.months > 0) return 'months'
  return fromMicros(microsOfDuration(duration), scale)
}

/** The length of a chunk, where a month is 30 days: as TimescaleDB counts. */
export function toLength(duration: Duration, scale: TableState['scale']): bigint | OffsetProblem {
  if (scale === 'unknown') return 'unknown'
  const micros = microsOfDuration({...duration, months: 0, days: duration.days + duration.months * 30})
  return scale === 'time' ? micros : fromMicros(micros, scale)
}

function microsOfDuration({days, seconds}: Duration): bigint {
  return BigInt(days) * dayMicros + BigInt(Math.round(seconds * 1e6))
}

/** A day of hours is a day: policies count in UTC. */
export function sameDuration(a: Duration, b: Duration): boolean {
  return a.months === b.months && microsOfDuration(a) === microsOfDuration(b)
}

export function sameOffset(a: Offset | null, b: Offset | null): boolean {
  if (a === null || b === null) return a === b
  if (typeof a === 'bigint' || typeof b === 'bigint') return a === b
  return sameDuration(a, b)
}

export function isProblem(value: Offset | OffsetProblem | bigint): value is OffsetProblem {
  return typeof value === 'string'
}

/** For people: `30 days`, or the bare integer. */
export function offsetInWords(offset: Offset | null): string {
  return offset === null ? 'open' : typeof offset === 'bigint' ? String(offset) : durationInWords(offset)
}

/** A length on the table's scale, for people. */
export function lengthInWords(length: bigint | null, scale: TableState['scale']): string {
  if (length === null) return 'unknown'
  if (scale !== 'time') return String(length)
  const days = length / dayMicros
  return durationInWords({months: 0, days: Number(days), seconds: Number(length - days * dayMicros) / 1e6})
}
