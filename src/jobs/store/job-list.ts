import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import {loadQicoreSql} from '../../db/load-qicore-sql.js'
import {loadSql} from '../../db/load-sql.js'
import {leftToPgCron} from '../../schedule/due.js'
import {statement} from '../../db/sql.js'
import {instantFromMillis, type Instant} from '../../units/instant.js'
import {readJobs, type LedgerJob} from './ledger-jobs.js'
import type {ScheduleVersion} from '../../schedule/due.js'
import {nextOf} from './schedules.js'
import {nextRun} from '../../schedule/jitter.js'
import {currentStatus} from '../../run/status-names.js'

/** A job as `jobs list` shows it. */
export interface ListedJob {
  name: string
  kind: string
  schedule: string
  timezone: string
  runner: 'daemon' | 'pg_cron'
  /** `undeclared`: only in the ledger; `new`: no daemon has added it to the ledger yet. */
  state: 'active' | 'paused' | 'new' | 'undeclared'
  /** Null unless it is paused. */
  paused: {by: string; since: Instant; reason: string | null} | null
  running: {by: string | null; since: Instant} | null
  /** When the next attempt starts, if the last one failed or was released; otherwise null. */
  retryAt: Instant | null
  /** The due time. */
  next: Instant | null
  /** When that run begins: `next` plus the jitter. */
  begins: Instant | null
  lastStatus: string | null
  lastReason: string | null
  lastError: string | null
  lastStartedAt: Instant | null
  lastCompletedAt: Instant | null
  window: string | null
  catchUp: string
  overlap: string
  /** The last ended runs, oldest first. */
  recentRuns: RecentRun[]
}

export interface RecentRun {
  status: string | null
  /** How long it took; null if unknown. */
  ms: number | null
}

/** Runs that `recentRuns` has at most. */
const recentRuns = 10

export interface DaemonSeen {
  id: string
  version: string
  startedAt: Instant
  seenAt: Instant
}

interface LastRow {
  name: string
  status: string | null
  reason: string | null
  error: string | null
  started_at: Instant | null
  completed_at: Instant | null
}

/** The jobs of the ledger; none if the qicore schema is not installed. */
export async function ledgerJobs(db: Database): Promise<LedgerJob[]> {
  return (await hasOccurrences(db)) ? readJobs(db) : []
}

/** Whether the qicore schema has the tables of jobs: an older schema does not, and readers do not update it. */
export async function hasOccurrences(db: Database): Promise<boolean> {
  if (!db.server.hasQicoreSchema) return false
  const [row] = await db.query<{there: boolean}>(statement("select to_regclass('qicore.job') is not null as there"))
  return row!.there
}

/**
 * The declared jobs with their state in the ledger, and the jobs that are only in the ledger.
 * @param now the time of the database's clock, in milliseconds since 1970
 */
export async function listJobs(
  db: Database,
  jobs: readonly Job[],
  now: number,
): Promise<{jobs: ListedJob[]; daemons: DaemonSeen[]}> {
  const there = await hasOccurrences(db)
  const known = there ? await readJobs(db) : []
  const last = there ? await db.query<LastRow>(statement(loadQicoreSql(db.server, 'jobs/last'), [leftToPgCron])) : []
  const recent = there
    ? await db.query<{name: string; runs: [string, number | null][]}>(statement(loadSql('jobs/recent'), [recentRuns]))
    : []
  const daemons = there
    ? await db.query<{id: string; version: string; started_at: Instant; seen_at: Instant}>(
        statement(loadSql('jobs/daemons')),
      )
    : []
  const declared = new Set(jobs.map(({name}) => name))
  const entries = [
    ...jobs.map((job) => ({job, state: known.find(({name}) => name === job.name)})),
    ...known
      .filter(({name, versions}) => !declared.has(name) && versions.at(-1)!.state !== 'removed')
      .map((state) => ({job: undefined, state})),
  ]
  return {
    jobs: entries.map(({job, state}) => {
      const key = job?.name ?? state?.name
      const runs = recent.find(({name}) => name === key)?.runs ?? []
      return {
        ...listedJob(
          job,
          state,
          last.find(({name}) => name === key),
          now,
        ),
        recentRuns: runs.map(([status, ms]) => ({status: currentStatus(status), ms})),
      }
    }),
    daemons: daemons.map(({id, version, started_at, seen_at}) => ({
      id,
      version,
      startedAt: started_at,
      seenAt: seen_at,
    })),
  }
}

const instantOrNull = (at: number | null): Instant | null => (at === null ? null : instantFromMillis(at))

function stateOf(job: Job | undefined, version: ScheduleVersion | undefined): ListedJob['state'] {
  if (job === undefined) return 'undeclared'
  return version === undefined || version.state === 'removed' ? 'new' : version.state
}

function listedJob(
  job: Job | undefined,
  state: LedgerJob | undefined,
  last: LastRow | undefined,
  now: number,
): Omit<ListedJob, 'recentRuns'> {
  const version = state?.versions.at(-1)
  const removed = version === undefined || version.state === 'removed'
  const inForce = job ?? version!
  const isNew = removed || state === undefined
  const next = isNew ? nextRun(inForce, job ?? null, now, now) : nextOf(state, job ?? null, now)
  return {
    name: job?.name ?? state!.name,
    kind: job?.kind ?? state!.kind,
    schedule: inForce.schedule,
    timezone: inForce.timezone,
    runner: version?.runner ?? (job?.runner === 'pg_cron' ? 'pg_cron' : 'daemon'),
    state: stateOf(job, version),
    paused:
      version?.state === 'paused'
        ? {by: version.actor ?? 'unknown', since: instantOrNull(version.validFrom)!, reason: version.reason ?? null}
        : null,
    running:
      state?.running && state.claimedBy !== null
        ? {by: state.claimedBy, since: instantOrNull(state.startedAt) ?? instantOrNull(now)!}
        : null,
    retryAt:
      state?.running && state.claimedBy === null && state.leaseSeconds !== null
        ? instantOrNull(Math.round((now + state.leaseSeconds * 1000) / 1000) * 1000)
        : null,
    next: instantOrNull(next?.at ?? null),
    begins: instantOrNull(next?.begins ?? null),
    lastStatus: currentStatus(last?.status ?? null),
    lastReason: last?.reason ?? null,
    lastError: last?.error ?? null,
    lastStartedAt: last?.started_at ?? null,
    lastCompletedAt: last?.completed_at ?? null,
    window: job?.window ?? null,
    catchUp: job?.catchUp ?? 'once',
    overlap: job?.overlap ?? 'skip',
  }
}
