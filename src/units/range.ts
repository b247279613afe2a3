import {usageError} from '../errors.js'
import {addDays, endOfMonth, type CalendarBound} from './calendar.js'
import {parseDuration, type Duration} from './duration.js'
import {epochMicros, parseInstant, type Instant} from './instant.js'

/** A limit for old data: an age relative to the table's clock, or an instant. */
export type OlderThan = {age: Duration} | {before: Instant}

/**
 * Reads `7d` or `2026-01-31`.
 * @throws OpsError DURATION, INSTANT
 */
export function parseOlderThan(input: string): OlderThan {
  return /^\s*\d{4,6}-\d/.test(input) ? {before: parseInstant(input)} : {age: parseDuration(input)}
}

/**
 * A half-open range of instants in UTC; null means unbounded. A month given as the end is included.
 * @throws OpsError EMPTY_RANGE
 */
export function instantsBetween(
  from: CalendarBound | undefined,
  to: CalendarBound | undefined,
): {from: Instant | null; to: Instant | null} {
  const range = {from: from === undefined ? null : beginOf(from), to: to === undefined ? null : endOf(to)}
  if (range.from !== null && range.to !== null && epochMicros(range.from)! >= epochMicros(range.to)!)
    throw usageError('EMPTY_RANGE', `--from ${range.from} is not before --to ${range.to}.`, [
      'The end is exclusive: --to 2024-02-01 ends with January. A month is included: --from 2024-01 --to 2024-12.',
    ])
  return range
}

function beginOf(bound: CalendarBound): Instant {
  return bound.unit === 'instant' ? bound.instant : `${bound.day}T00:00:00Z`
}

function endOf(bound: CalendarBound): Instant {
  return bound.unit === 'month' ? `${addDays(endOfMonth(bound.day), 1)}T00:00:00Z` : beginOf(bound)
}
