import {usageError} from '../errors.js'

/**
 * A duration as the operator wrote it. Months, days and seconds are separate, as in PostgreSQL's interval, because the
 * length of a month or a day depends on the calendar.
 */
export interface Duration {
  months: number
  days: number
  seconds: number
}

type Field = keyof Duration
const units: readonly {names: readonly string[]; field: Field; factor: number; short: string}[] = [
  {names: ['y', 'yr', 'year', 'years'], field: 'months', factor: 12, short: 'y'},
  {names: ['mon', 'mons', 'month', 'months'], field: 'months', factor: 1, short: 'mon'},
  {names: ['w', 'week', 'weeks'], field: 'days', factor: 7, short: 'w'},
  {names: ['d', 'day', 'days'], field: 'days', factor: 1, short: 'd'},
  {names: ['h', 'hour', 'hours'], field: 'seconds', factor: 3600, short: 'h'},
  {names: ['min', 'mins', 'minute', 'minutes'], field: 'seconds', factor: 60, short: 'min'},
  {names: ['s', 'sec', 'secs', 'second', 'seconds'], field: 'seconds', factor: 1, short: 's'},
  {names: ['ms', 'millisecond', 'milliseconds'], field: 'seconds', factor: 0.001, short: 'ms'},
  {names: ['us', 'microsecond', 'microseconds'], field: 'seconds', factor: 0.000_001, short: 'us'},
]

const example = 'Write for example 30s, 15min, 12h, 7d, 2w, 6mon, 2y, or in words: "6 months".'

/**
 * Parses `7d`, `1h 30min`, `6 months`. PostgreSQL reads a bare `m` as minutes and people read it as months; PostgreSQL
 * reads a bare number as seconds and people as days. Both are rejected with an error that names the two readings.
 * @throws OpsError DURATION
 */
export function parseDuration(input: string): Duration {
  const text = input.trim()
  const number = /^[+-]?\d+(\.\d+)?$/.exec(text)
  if (number) throw invalidDuration(`"${input}" has no unit: it could be ${text} days or ${text} seconds.`)
  if (!/^(\d+(\.\d+)?\s*[a-zA-Z]+\s*)+$/.test(text)) throw invalidDuration(`"${input}" is not a duration.`)
  const duration: Duration = {months: 0, days: 0, seconds: 0}
  for (const [, count, name] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-zA-Z]+)/g)) {
    if (name === 'm' || name === 'M')
      throw invalidDuration(`"${input}" could mean ${count} minutes or ${count} months.`)
    const unit = units.find((candidate) => candidate.names.includes(name!.toLowerCase()))
    if (!unit) throw invalidDuration(`"${input}" is not a duration: there is no unit "${name}".`)
    // PostgreSQL converts half a month to 15 days, and half a day is not 12 hours when the clocks change.
    if (unit.field !== 'seconds' && count!.includes('.'))
      throw invalidDuration(`"${input}" is not a duration: only hours and shorter units can have fractions.`)
    duration[unit.field] += Number(count) * unit.factor
  }
  if (duration.months > 0 && duration.seconds > 0)
    throw invalidDuration(`"${input}" mixes months with hours, which has no fixed length.`)
  if (duration.months + duration.days + duration.seconds <= 0) throw invalidDuration(`"${input}" is zero.`)
  if (duration.months > 12_000 || duration.days > 365_250 || duration.seconds > 31_557_600_000)
    throw invalidDuration(`"${input}" is more than a thousand years.`)
  return duration
}

function invalidDuration(reason: string) {
  return usageError('DURATION', reason, [example])
}

/** The shortest text that {@link parseDuration} reads back as the same duration: `2y`, `6mon`, `7d`, `1h 30min`. */
export function formatDuration(duration: Duration): string {
  const parts: string[] = []
  let {months, seconds} = duration
  for (const unit of units.filter(({short}) => short !== 'w' && short !== 'us')) {
    if (unit.field === 'days') {
      if (duration.days > 0) parts.push(`${duration.days}d`)
      continue
    }
    const rest = unit.field === 'months' ? months : seconds
    // Corrects floating-point error: 0.5 s is 500 ms, not 499.
    const count = Math.floor(rest / unit.factor + 1e-6)
    if (count === 0) continue
    parts.push(`${count}${unit.short}`)
    if (unit.field === 'months') months -= count * unit.factor
    else seconds -= count * unit.factor
  }
  return parts.join(' ') || '0s'
}

/** The duration in words, for tables: `30 days`, `2 years`. */
export function durationInWords(duration: Duration): string {
  const words: string[] = []
  const add = (count: number, unit: string) => words.push(`${count} ${unit}${count === 1 ? '' : 's'}`)
  const {months, days, seconds} = duration
  if (months >= 12 && months % 12 === 0) add(months / 12, 'year')
  else if (months > 0) add(months, 'month')
  if (days > 0) add(days, 'day')
  if (seconds >= 3600) add(Math.floor(seconds / 3600), 'hour')
  if (seconds % 3600 >= 60) add(Math.floor((seconds % 3600) / 60), 'minute')
  if (seconds % 60 >= 1) add(Math.floor(seconds % 60), 'second')
  const micros = Math.round((seconds % 1) * 1_000_000)
  if (micros >= 1000) add(Math.floor(micros / 1000), 'millisecond')
  if (micros % 1000 > 0) add(micros % 1000, 'microsecond')
  return words.join(' ') || '0 seconds'
}

/** Text for a `$n::interval` parameter. */
export function toInterval({months, days, seconds}: Duration): string {
  return `${months} months ${days} days ${seconds} seconds`
}

/** For comparison only, not for date arithmetic: a month counts as 30 days, as in TimescaleDB. */
export function approximateSeconds({months, days, seconds}: Duration): number {
  return (months * 30 + days) * 86_400 + seconds
}
