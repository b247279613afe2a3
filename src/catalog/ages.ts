import type {Duration} from '../units/duration.js'
import {instantOfLocal, localOf} from '../units/zone-arithmetic.js'
import type {TableClock} from './table-clock.js'
import {addInterval, addZonedInterval} from './interval.js'
import type {Offset} from './live-policies.js'
import {toMicros} from './time.js'

const day = 86_400_000_000n

/**
 * The point on a table's scale that is `age` old now: the cutoff of a policy, of drop_chunks and of show_chunks.
 * Null if the table's clock is not known, or if the age is an interval and the table's time an integer, or vice versa.
 */
export function ago(clock: TableClock, age: Offset): bigint | null {
  return clock.now === null ? null : agoFrom(clock, clock.now, age)
}

/** The same as {@link ago} at another time of the table's clock. */
export function agoFrom(clock: TableClock, now: bigint, age: Offset): bigint | null {
  if (typeof age === 'bigint') return clock.time === undefined || clock.time === 'integer' ? now - age : null
  return clock.time === 'integer' ? null : shifted(clock, now, age, -1)
}

/**
 * The time of the table's clock, on the table's scale, at which a point reaches the age; null as in {@link ago}. Exact
 * for days and hours. Months differ in length: an age with months is exact to the day.
 */
export function reachedAt(clock: TableClock, point: bigint, age: Offset): bigint | null {
  if (typeof age === 'bigint') return clock.time === undefined || clock.time === 'integer' ? point + age : null
  if (clock.time === 'integer') return null
  let at = shifted(clock, point, age, 1)
  const isOld = (time: bigint) => shifted(clock, time, age, -1) >= point
  // Adding and subtracting months is not symmetric: 31 January plus a month is 28 February, but 28 February minus a
  // month is 28 January. So the 31st is one month old only in March.
  for (let days = 0; days < 4 && !isOld(at); days += 1) at = nextMidnight(clock, at)
  if (age.months > 0) for (let days = 0; days < 4 && isOld(at - day); days += 1) at -= day
  return at
}

/** When a point reaches the age, in microseconds since 1970; null if that is not known. */
export function dueAt(clock: TableClock, point: bigint, age: Offset): bigint | null {
  const at = reachedAt(clock, point, age)
  if (at === null) return null
  if (clock.time === 'timestamp' || clock.time === 'date')
    return clock.zone === undefined ? null : instantOfLocal(clock.zone, at)
  if (typeof age !== 'bigint') return at
  return clock.unit === null ? null : toMicros(at, clock.unit)
}

function shifted(clock: TableClock, point: bigint, age: Duration, direction: 1 | -1): bigint {
  if (clock.time === 'timestamp') return addInterval(point, age, direction)
  if (clock.time === 'date') {
    const at = addInterval(point, age, direction)
    return direction === 1 ? at : startOfDay(at)
  }
  return clock.zone === undefined
    ? addInterval(point, age, direction)
    : addZonedInterval(clock.zone, point, age, direction)
}

function startOfDay(local: bigint): bigint {
  return local - (((local % day) + day) % day)
}

function nextMidnight({time, zone}: TableClock, at: bigint): bigint {
  if (zone === undefined || time === 'timestamp' || time === 'date') return startOfDay(at) + day
  return instantOfLocal(zone, startOfDay(localOf(zone, at)) + day)
}
