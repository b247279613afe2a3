import {certaintyOfHazard, type Hazard, type Touched} from '../run/hazards/hazard.js'
import {pgCronHazards} from '../run/hazards/pg-cron.js'
import {fieldsOf} from '../units/schedule.js'
import type {Certainty, VersionRange} from '../units/version.js'

/** Schedules that a defect of pg_cron makes run at other times; for other kinds of defects, none. */
const misread: Readonly<Partial<Record<Touched, (schedule: string) => boolean>>> = {
  cron_days: (schedule) =>
    fieldsOf(schedule)
      .slice(2)
      .some((field) => field !== '*' && field !== '?'),
  cron_minutes: (schedule) => {
    const [, first] = /^(\d+)/.exec(fieldsOf(schedule)[0]!) ?? []
    return first !== undefined && Number(first) >= 1 && Number(first) <= 59
  },
}

/**
 * Whether a defect that touches this makes a schedule run at other times. A schedule such as `5 seconds` is an
 * interval.
 */
export function isMisread(touches: Touched, schedule: string): boolean {
  return !/^\s*\d+\s+seconds?\s*$/i.test(schedule) && misread[touches]?.(schedule) === true
}

/** The defects that a library of these versions has or may have, and by which a schedule runs at other times. */
export function scheduleHazards(
  schedule: string,
  library: VersionRange,
): {hazard: Hazard; certainty: Exclude<Certainty, 'excluded'>}[] {
  return pgCronHazards.flatMap((hazard) => {
    const certainty = certaintyOfHazard(hazard, library)
    return certainty === 'excluded' || !isMisread(hazard.touches, schedule) ? [] : [{hazard, certainty}]
  })
}
