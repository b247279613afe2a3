import {dash} from './cell-text.js'
import type {Instant} from './instant.js'

/** A due time as `2026-11-27 22:40`: the time of day is shown even at midnight, seconds only if they are not zero. */
export function formatMinute(instant: Instant | null): string {
  if (instant === null) return dash
  const text = instant.slice(0, 19).replace('T', ' ')
  return text.endsWith(':00') ? text.slice(0, 16) : text
}
