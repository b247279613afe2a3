import type {Offset} from '../catalog/live-policies.js'
import type {Scale} from '../catalog/offset-words.js'
import type {Duration} from '../units/duration.js'
import {fromMicros} from '../catalog/time.js'

/** Why an age cannot be converted to a table's scale. */
export type OffsetProblem = 'months' | 'unknown'

const dayMicros = 86_400_000_000n

/** An age on a table's scale: the duration itself for times, converted for integers. */
export function toOffset(duration: Duration, scale: Scale): Offset | OffsetProblem {
  if (scale === 'time') return duration
  if (scale === 'unknown') return 'unknown'
  // A month has no length in integers.
  if (duration.months > 0) return 'months'
  return fromMicros(microsOfDuration(duration), scale)
}

/** The length of a chunk on a table's scale. A month is 30 days, as in TimescaleDB. */
export function toLength(duration: Duration, scale: Scale): bigint | OffsetProblem {
  if (scale === 'unknown') return 'unknown'
  const micros = microsOfDuration({...duration, months: 0, days: duration.days + duration.months * 30})
  return scale === 'time' ? micros : fromMicros(micros, scale)
}

function microsOfDuration({days, seconds}: Duration): bigint {
  return BigInt(days) * dayMicros + BigInt(Math.round(seconds * 1e6))
}

/** Whether two durations are equal; 24 hours are a day. */
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
