import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {hasOccurrences, listJobs, type DaemonSeen, type ListedJob} from '../jobs/store/job-list.js'
import {currentStatus} from '../run/status-names.js'
import {countDueTimes} from '../schedule/due-times.js'
import {instantFromMillis, type Instant} from '../units/instant.js'

const day = 86_400_000
const daysBack = 13
const daysAhead = 7

/** The runs of every job by day of UTC: the last two weeks by outcome, the next seven days by schedule. */
export interface JobCalendar {
  kind: 'jobs.calendar'
  version: 1
  at: Instant
  /** `2026-11-28`; the past ones first. */
  days: string[]
  jobs: CalendarJob[]
  daemons: DaemonSeen[]
}

export interface CalendarJob
  extends Pick<ListedJob, 'name' | 'kind' | 'schedule' | 'timezone' | 'runner' | 'state' | 'next' | 'lastStatus'> {
  lastError: string | null
  /** Number of runs by status, of the days that have any. */
  runs: {day: string; status: string; count: number}[]
  /** Number of due times from now on, of the days that have any; empty while the job is paused. */
  planned: {day: string; count: number}[]
}

/**
 * @param jobs those of the configuration; jobs that only the ledger knows are added
 * @param at the time of the database's clock
 */
export async function readJobCalendar(db: Database, jobs: readonly Job[], at: Instant): Promise<JobCalendar> {
  const now = Date.parse(at)
  const today = Math.floor(now / day) * day
  const first = today - daysBack * day
  const {jobs: listed, daemons} = await listJobs(db, jobs, now)
  const runs = (await hasOccurrences(db))
    ? await db.query<{job: string; day: string; status: string; runs: number}>(
        statement(loadSql('page/runs-by-day'), [instantFromMillis(first)]),
      )
    : []
  const days = Array.from({length: daysBack + 1 + daysAhead}, (_, index) => dayOf(first + index * day))
  return {
    kind: 'jobs.calendar',
    version: 1,
    at,
    days,
    jobs: listed.map((job) => ({
      name: job.name,
      kind: job.kind,
      schedule: job.schedule,
      timezone: job.timezone,
      runner: job.runner,
      state: job.state,
      next: job.next,
      lastStatus: job.lastStatus,
      lastError: job.lastError,
      runs: runs
        .filter((run) => run.job === job.name)
        .map((run) => ({day: run.day, status: currentStatus(run.status), count: run.runs})),
      planned: planned(job, now, today),
    })),
    daemons,
  }
}

function planned(job: ListedJob, now: number, today: number): CalendarJob['planned'] {
  if (job.state === 'paused' || job.state === 'undeclared') return []
  return Array.from({length: daysAhead + 1}, (_, index) => {
    const from = today + index * day
    // A due time at midnight belongs to the day that begins with it.
    return {day: dayOf(from), count: countDueTimes(job, Math.max(now, from - 1), from + day - 1)}
  }).filter(({count}) => count > 0)
}

function dayOf(ms: number): string {
  return instantFromMillis(ms).slice(0, 10)
}
