import type {Job} from '../config/jobs.js'
import {formatLocal} from '../units/zone.js'
import {countDueTimes, dstNotes, dueTimes} from './due-times.js'
import {inWindow} from './due.js'
import {jitterOf} from './jitter.js'
import {instantFromMillis} from '../units/instant.js'

export interface SimulatedRun {
  job: string
  at: string
  /** In the job's time zone. */
  local: string
  /** `at` plus the job's jitter. */
  begins: string
  /** `window`: it would be skipped because it is outside the job's window. */
  skipped: 'window' | null
}

export interface Simulation {
  from: string
  to: string
  runs: SimulatedRun[]
  /** The number of runs in that time; `runs` holds at most `limit` of them. */
  total: number
  notes: {job: string; at: string; text: string}[]
}

/** The runs that the schedules contain in (from, to]; needs no database. @param limit the most runs that are listed */
export function simulate(jobs: readonly Job[], from: number, to: number, limit: number): Simulation {
  const runs: (SimulatedRun & {ms: number})[] = []
  let total = 0
  for (const job of jobs) {
    let own = 0
    total += countDueTimes(job, from, to)
    for (const at of dueTimes(job, from, to)) {
      // The earliest runs of all jobs are listed, so a single job cannot contribute more than the limit.
      if ((own += 1) > limit) break
      const begins = at + jitterOf(job, at)
      runs.push({
        ms: at,
        job: job.name,
        at: instantFromMillis(at),
        local: formatLocal(job.timezone, at),
        begins: instantFromMillis(begins),
        skipped: inWindow(job.window, job.timezone, begins) ? null : 'window',
      })
    }
  }
  runs.sort((a, b) => a.ms - b.ms || (a.job < b.job ? -1 : 1))
  return {
    from: instantFromMillis(from),
    to: instantFromMillis(to),
    runs: runs.slice(0, limit).map(({ms: _, ...run}) => run),
    total,
    notes: jobs
      .flatMap((job) => dstNotes(job, from, to).map(({at, text}) => ({job: job.name, at: instantFromMillis(at), text})))
      .sort((a, b) => (a.at < b.at ? -1 : 1)),
  }
}
