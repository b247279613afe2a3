import type {Job} from '../config/jobs.js'
import {formatLocal} from '../units/zone.js'
import {countInstants, dstNotes, instants} from './calendar.js'
import {inWindow} from './due.js'
import {jitterOf} from './jitter.js'
import {instantFromMillis} from '../units/instant.js'

export interface SimulatedRun {
  job: string
  at: string
  /** On the clocks of the job's zone. */
  local: string
  /** Where jitter puts it. */
  begins: string
  /** Outside of its window: it would be skipped. */
  skipped: 'window' | null
}

export interface Simulation {
  from: string
  to: string
  runs: SimulatedRun[]
  /** All there are in that time; `runs` has at most as many as were asked for. */
  total: number
  notes: {job: string; at: string; text: string}[]
}

/** What the calendars hold in (from, to], without any database. @param limit runs that are listed */
export function simulate(jobs: readonly Job[], from: number, to: number, limit: number): Simulation {
  const runs: (SimulatedRun & {ms: number})[] = []
  let total = 0
  for (const job of jobs) {
    let own = 0
    total += countInstants(job, from, to)
    for (const at of instants(job, from, to)) {
      // The earliest are shown, of all jobs together: no job can have more among them than this.
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
