import {createHash} from 'node:crypto'
import type {Job} from '../config/jobs.js'
import {nextDueTime, type ZonedSchedule} from './due-times.js'

export type Jittered = Pick<Job, 'name' | 'target' | 'jitter'>

/**
 * The delay of an occurrence in milliseconds: the same in every daemon that knows the database by the same target,
 * different for each target, job and due time. So the same job of many databases does not begin everywhere together.
 */
export function jitterOf({name, target, jitter}: Jittered, instant: number): number {
  if (jitter === 0) return 0
  const key = [...(target === null ? [] : [target]), name, instant].join(' ')
  const random = createHash('sha1').update(key).digest().readUInt32BE() / 2 ** 32
  return Math.floor(random * jitter)
}

/** Milliseconds since 1970. */
export interface NextRun {
  /** The due time. */
  at: number
  /** `at` plus the jitter. */
  begins: number
}

/**
 * The first run that begins after `now`, of the due times after `after`; null if there is none.
 * @param job null: without jitter
 */
export function nextRun(schedule: ZonedSchedule, job: Jittered | null, after: number, now: number): NextRun | null {
  // One that is already due may begin later.
  let at = nextDueTime(schedule, Math.max(after, now - (job?.jitter ?? 0)))
  while (at !== null) {
    const begins = at + (job === null ? 0 : jitterOf(job, at))
    if (begins > now) return {at, begins}
    at = nextDueTime(schedule, at)
  }
  return null
}
