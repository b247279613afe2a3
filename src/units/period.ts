import {usageError} from '../errors.js'

export type PeriodUnit = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year'

/** The length of a partition in its canonical spelling: `day`, `6 hours`, `2 weeks`. */
export type Every = PeriodUnit | `${number} ${PeriodUnit}s`

interface UnitFacts {
  names: readonly string[]
  /** Exactly one of both is set. */
  months?: number
  hours?: number
  /** What `to_char` appends to the name of the table, from the local time at which the period begins. */
  suffix: string
}

const units: Record<PeriodUnit, UnitFacts> = {
  hour: {names: ['h', 'hour', 'hours'], hours: 1, suffix: '"_y"FMYYYY"m"MM"d"DD"h"HH24'},
  day: {names: ['d', 'day', 'days'], hours: 24, suffix: '"_y"FMYYYY"m"MM"d"DD'},
  week: {names: ['w', 'week', 'weeks'], hours: 168, suffix: '"_y"FMIYYY"w"IW'},
  month: {names: ['mon', 'mons', 'month', 'months'], months: 1, suffix: '"_y"FMYYYY"m"MM'},
  quarter: {names: ['q', 'quarter', 'quarters'], months: 3, suffix: '"_y"FMYYYY"q"Q'},
  year: {names: ['y', 'yr', 'year', 'years'], months: 12, suffix: '"_y"FMYYYY'},
}

/** The units of a period in the order of their length. */
export const periodUnits = Object.keys(units) as PeriodUnit[]

const example = 'Write hour, day, week, month, quarter or year, or a number of them: 6h, 2 weeks, 3 months.'
const most = 1000

/**
 * Parses `month`, `6h`, `2 weeks`, `1 year`. Hours must divide a day, so that boundaries are at the same hours each
 * day.
 * @throws OpsError PERIOD
 */
export function parseEvery(input: string): Every {
  const [, digits = '1', name = ''] = /^\s*(\d{1,9})?\s*([a-zA-Z]+)\s*$/.exec(input) ?? []
  const count = Number(digits)
  if (name === 'm' || name === 'M') throw invalidPeriod(`"${input}" could mean ${digits} minutes or ${digits} months.`)
  const unit = periodUnits.find((candidate) => units[candidate].names.includes(name.toLowerCase()))
  if (unit === undefined) throw invalidPeriod(`"${input}" is not the length of a partition.`)
  if (count === 0 || count > most) throw invalidPeriod(`"${input}" is not between 1 and ${most} ${unit}s.`)
  if (unit === 'hour' && 24 % count !== 0)
    throw invalidPeriod(`"${input}" does not divide a day: partitions would begin at other hours every day.`)
  if (unit === 'hour' && count === 24) return 'day'
  return count === 1 ? unit : `${count} ${unit}s`
}

function invalidPeriod(reason: string) {
  return usageError('PERIOD', reason, [example])
}

/** Whether a text is the spelling that {@link parseEvery} returns. */
export function isCanonicalEvery(text: string): text is Every {
  try {
    return parseEvery(text) === text
  } catch {
    return false
  }
}

export function everyParts(every: Every): {unit: PeriodUnit; count: number} {
  const [, count = '1', unit] = /^(?:(\d+) )?([a-z]+?)s?$/.exec(every) ?? []
  return {unit: unit as PeriodUnit, count: Number(count)}
}

/**
 * The grid that its boundaries lie on: every so many months, counted from January 2000, or every so many hours, counted
 * from Monday 2000-01-03. TimescaleDB's time_bucket uses the same origins.
 */
export function gridOf(every: Every): {months: number; hours: number; suffix: string} {
  const {unit, count} = everyParts(every)
  const {months = 0, hours = 0, suffix} = units[unit]
  return {months: months * count, hours: hours * count, suffix}
}

/** For estimates only: a month counts as 30.4 days. */
export function approximateDays(every: Every): number {
  const {months, hours} = gridOf(every)
  return months * 30.4 + hours / 24
}
