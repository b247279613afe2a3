import {formatAge} from '../../units/elapsed.js'
import {secondsBetween, type Instant} from '../../units/instant.js'

/** `12min ago`; a time ahead is `in 12min`, because the clocks of two machines differ. */
export function agoText(instant: Instant, at: Instant): string {
  const seconds = secondsBetween(instant, at)
  return seconds < 0 ? formatAge(seconds) : `${formatAge(seconds)} ago`
}

/** When the next run is, as the end of a sentence. */
export function nextRunText(next: Instant | null, at: Instant): string {
  if (next === null) return 'no next run is planned'
  const seconds = secondsBetween(at, next)
  return seconds >= 0
    ? `the next run is in ${formatAge(seconds)}`
    : `the next run should have begun ${formatAge(-seconds)} ago`
}

/** TimescaleDB's scheduler looks once a second and starts what is due; a minute later it did not find a worker. */
export const overdueSeconds = 60
