import {compareDecimals} from '../columns/decimal.js'
import {millisecondsBetween} from '../columns/instant.js'
import {show} from '../columns/types.js'
import type {RowRule} from '../validation/row-rule.js'

const hour = 3_600_000

function within(path: string, least: string | null, most: string | null): RowRule {
  const demand = [least === null ? [] : `at least ${least}`, most === null ? [] : `at most ${most}`]
    .flat()
    .join(' and ')
  return (row) => {
    const value = row[path]
    const low = least === null ? null : compareDecimals(value, least)
    const high = most === null ? null : compareDecimals(value, most)
    return (low !== null && low < 0) || (high !== null && high > 0)
      ? {path, message: `${show(value)} must be ${demand}`}
      : null
  }
}

/** `lastUpdated` must be within the hour before the reference time, which may be the row's own time. */
const fresh: RowRule = ({lastUpdated, time}, asOf) => {
  if (asOf === 'off') return null
  const clock = asOf === 'row' ? time : asOf
  const age = millisecondsBetween(clock, lastUpdated)
  if (age === null || (age >= 0 && age <= hour)) return null
  const against = asOf === 'row' ? `the row's own time ${show(time)}` : String(clock)
  return {path: 'lastUpdated', message: `${show(lastUpdated)} must be within the hour before ${against}`, code: 'stale'}
}

/** Matches the trigger in the database: the bound depends on the current time, so it cannot be a CHECK. */
const notAhead: RowRule = ({time}, asOf) => {
  if (asOf === 'off' || asOf === 'row') return null
  const ahead = millisecondsBetween(time, asOf)
  return ahead !== null && ahead > hour
    ? {path: 'time', message: `${show(time)} must be at most an hour after ${asOf}`}
    : null
}

/** In addition to the checks of the definition, such as a price above zero. */
export const priceRules: readonly RowRule[] = [
  within('usdPrice', null, '10000000'),
  within('marketCap', '0', null),
  within('volume24h', '0', null),
  within('change24h', '-200', '200'),
  fresh,
  notAhead,
]
