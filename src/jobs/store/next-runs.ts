import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import {formatLocal} from '../../units/zone.js'
import type {ZonedSchedule} from '../../schedule/due-times.js'
import {nextRun, type Jittered, type NextRun} from '../../schedule/jitter.js'
import {instantFromMillis} from '../../units/instant.js'
import {ledgerJobs} from './job-list.js'
import type {ComingRun} from './next-runs-table.js'

/** The next runs of all these jobs, by the schedules in force; at most `limit`. Paused jobs have none. */
export async function comingRuns(
  db: Database,
  jobs: readonly Job[],
  now: number,
  limit: number,
): Promise<{runs: ComingRun[]; paused: string[]}> {
  const known = await ledgerJobs(db)
  const paused: string[] = []
  const ahead: {name: string; job: Jittered | null; inForce: ZonedSchedule; next: NextRun}[] = []
  for (const declared of jobs) {
    const {name, schedule, timezone} = declared
    const state = known.find((one) => one.name === name)
    const version = state?.versions.at(-1)
    if (version?.state === 'paused') {
      paused.push(name)
      continue
    }
    const isNew = version === undefined || version.state === 'removed'
    const inForce = isNew ? {schedule, timezone} : version
    // pg_cron has no jitter.
    const job = !isNew && version.runner === 'pg_cron' ? null : declared
    const next = nextRun(inForce, job, isNew ? now : state!.lastAt, now)
    if (next !== null) ahead.push({name, job, inForce, next})
  }
  const runs: ComingRun[] = []
  while (runs.length < limit && ahead.length > 0) {
    const first = ahead.reduce((best, one) => (one.next.begins < best.next.begins ? one : best))
    runs.push({
      job: first.name,
      at: instantFromMillis(first.next.at),
      local: formatLocal(first.inForce.timezone, first.next.at),
      begins: instantFromMillis(first.next.begins),
    })
    const next = nextRun(first.inForce, first.job, first.next.at, first.next.at)
    if (next === null) ahead.splice(ahead.indexOf(first), 1)
    else first.next = next
  }
  return {runs, paused}
}
