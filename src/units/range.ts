import {usageError} from '../errors.js'
import {addDays, endOfMonth, parseCalendarBound, type CalendarBound} from './calendar.js'
import {parseDuration, type Duration} from './duration.js'
import {epochMicros, parseAnyInstant, type Instant} from './instant.js'

/** A point in time as the operator wrote it: an instant, or a value of an integer time column. */
export type Point = Instant | bigint

/** A limit for old data: an age relative to the table's clock, or a point in time. */
export type OlderThan = {age: Duration} | {before: Point}

/** One bound of a range: a calendar date, an instant, or a value of an integer time column. */
export type RangeBound = CalendarBound | {unit: 'integer'; value: bigint}

/**
 * Reads `7d`, `2026-01-31` or an integer. Whether the table takes an integer is known only once its time column is
 * read.
 * @throws OpsError DURATION, INSTANT
 */
export function parseOlderThan(input: string): OlderThan {
  const value = int8Of(input)
  if (value !== null) return {before: value}
  return /^\s*\d{4,6}-\d/.test(input) ? {before: parseAnyInstant(input)} : {age: parseDuration(input)}
}

/**
 * Reads `2024-01`, `2024-01-31`, an instant with a time of day, or an integer.
 * @throws OpsError INSTANT
 */
export function parseRangeBound(input: string): RangeBound {
  const value = int8Of(input)
  return value === null ? parseCalendarBound(input) : {unit: 'integer', value}
}

/** The text as int8, the type of every integer time column in the catalog; null if it is not one. */
function int8Of(input: string): bigint | null {
  const text = input.trim()
  if (!/^-?\d+$/.test(text)) return null
  const value = BigInt(text)
  return BigInt.asIntN(64, value) === value ? value : null
}

/**
 * A half-open range of instants in UTC or of integers; null means unbounded. A month given as the end is included.
 * @throws OpsError EMPTY_RANGE; INSTANT if only one of two bounds is an integer
 */
export function pointsBetween(
  from: RangeBound | undefined,
  to: RangeBound | undefined,
): {from: Point | null; to: Point | null} {
  if (from?.unit !== 'integer' && to?.unit !== 'integer') return instantsBetween(from, to)
  if ((from !== undefined && from.unit !== 'integer') || (to !== undefined && to.unit !== 'integer'))
    throw usageError('INSTANT', 'One of --from and --to is an integer and the other is an instant.', [
      'Give two integers for a table whose time column is an integer, otherwise two instants.',
    ])
  const range = {from: from?.value ?? null, to: to?.value ?? null}
  if (range.from !== null && range.to !== null && range.from >= range.to)
    throw usageError('EMPTY_RANGE', `--from ${range.from} is not before --to ${range.to}; the end is exclusive.`)
  return range
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
