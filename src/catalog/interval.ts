import type {Duration} from '../units/duration.js'
import {instantOfLocal, localOf, type ZoneRule} from '../units/zone-arithmetic.js'

/** Parses an interval that the server printed under IntervalStyle postgres: `1 year 2 mons -3 days 04:05:06.7`. */
export function parseIntervalText(text: string): Duration {
  const count = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0)
  const months = count(/([+-]?\d+) years?/) * 12 + count(/([+-]?\d+) mons?/)
  const [, sign, hours, minutes, seconds] = /([+-]?)(\d+):(\d\d):(\d\d(?:\.\d+)?)/.exec(text) ?? []
  const time = hours === undefined ? 0 : Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return {months, days: count(/([+-]?\d+) days?/), seconds: sign === '-' ? -time : time}
}

/**
 * Adds an interval to microseconds since 1970 as PostgreSQL does: months first, keeping the day or using the last day
 * of the month; then days and time.
 */
export function addInterval(micros: bigint, {months, days, seconds}: Duration, direction: 1 | -1 = 1): bigint {
  const shifted = months === 0 ? micros : addMonths(micros, months * direction)
  return shifted + BigInt(direction) * (BigInt(days) * 86_400_000_000n + BigInt(Math.round(seconds * 1e6)))
}

/**
 * The same in a time zone, as PostgreSQL adds an interval to a `timestamptz`: a day with a clock change has 23 or 25
 * hours, while hours are always 60 minutes.
 */
export function addZonedInterval(zone: ZoneRule, micros: bigint, interval: Duration, direction: 1 | -1 = 1): bigint {
  const onCalendar = (from: bigint, part: Partial<Duration>) =>
    instantOfLocal(zone, addInterval(localOf(zone, from), {months: 0, days: 0, seconds: 0, ...part}, direction))
  const {months, days, seconds} = interval
  const byMonths = months === 0 ? micros : onCalendar(micros, {months})
  const byDays = days === 0 ? byMonths : onCalendar(byMonths, {days})
  return addInterval(byDays, {months: 0, days: 0, seconds}, direction)
}

function addMonths(micros: bigint, months: number): bigint {
  const part = ((micros % 1000n) + 1000n) % 1000n
  const date = new Date(Number((micros - part) / 1000n))
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + months)
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, last))
  return BigInt(date.getTime()) * 1000n + part
}
