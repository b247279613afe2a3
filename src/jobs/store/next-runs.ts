import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import {formatLocal} from '../../units/zone.js'
import {nextDueTime, type ZonedSchedule} from '../../schedule/due-times.js'
import {ledgerJobs} from './job-list.js'

/** The next due times of all these jobs, by the schedules in force; at most `limit`. Paused jobs have none. */
export async function comingRuns(
  db: Database,
  jobs: readonly Job[],
  now: number,
  limit: number,
): Promise<{runs: {job: string; at: string; local: string}[]; paused: string[]}> {
  const known = await ledgerJobs(db)
  const paused: string[] = []
  const ahead: {name: string; inForce: ZonedSchedule; at: number}[] = []
  for (const {name, schedule, timezone} of jobs) {
    const version = known.find((one) => one.name === name)?.versions.at(-1)
    if (version?.state === 'paused') {
      paused.push(name)
      continue
    }
    const inForce = version === undefined || version.state === 'removed' ? {schedule, timezone} : version
    const at = nextDueTime(inForce, now)
    if (at !== null) ahead.push({name, inForce, at})
  }
  const runs: {job: string; at: string; local: string}[] = []
  while (runs.length < limit && ahead.length > 0) {
    const first = ahead.reduce((best, one) => (one.at < best.at ? one : best))
    runs.push({
      job: first.name,
      at: new Date(first.at).toISOString().replace('.000Z', 'Z'),
      local: formatLocal(first.inForce.timezone, first.at),
    })
    const next = nextDueTime(first.inForce, first.at)
    if (next === null) ahead.splice(ahead.indexOf(first), 1)
    else first.at = next
  }
  return {runs, paused}
}
