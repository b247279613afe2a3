import {parseAnyInstant, type Instant} from './instant.js'

/** A calendar date such as `2024-01-31`; the caller knows its time zone. */
export type Day = string

/** One bound of a range as the operator wrote it: a month, a date, or an instant. */
export type CalendarBound = {unit: 'month' | 'day'; day: Day} | {unit: 'instant'; instant: Instant}

/**
 * Parses `2024-01`, `2024-01-31` or an instant with a time of day.
 * @throws OpsError INSTANT
 */
export function parseCalendarBound(input: string): CalendarBound {
  const text = input.trim()
  const instant = parseAnyInstant(text)
  // Days of other years are instants: the calendar of Date has four digits.
  if (/^\d{4}-\d\d$/.test(text)) return {unit: 'month', day: `${text}-01`}
  return /^\d{4}-\d\d-\d\d$/.test(text) ? {unit: 'day', day: text} : {unit: 'instant', instant}
}

/** The date a number of days later. */
export function addDays(day: Day, days: number): Day {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() + days)
  return dayOf(date)
}

/** The last day of the month that contains a day. */
export function endOfMonth(day: Day): Day {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCMonth(date.getUTCMonth() + 1, 0)
  return dayOf(date)
}

/** Whole days between two dates; negative when `to` is earlier. */
export function daysBetween(from: Day, to: Day): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000)
}

function dayOf(date: Date): Day {
  return date.toISOString().replace(/T.*$/, '')
}
