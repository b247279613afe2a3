import {dash} from './cell-text.js'
import type {Instant} from './instant.js'

/** `2026-11-27 22:40`: a due time, with the time of day also at midnight; seconds only where there are any. */
export function formatMinute(instant: Instant | null): string {
  if (instant === null) return dash
  const text = instant.slice(0, 19).replace('T', ' ')
  return text.endsWith(':00') ? text.slice(0, 16) : text
}
