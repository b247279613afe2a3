/** The jobs of the ledger: declared, paused and read. */
import type {Job} from '../../config/jobs.js'
import type {Database, Db} from '../../db/database.js'
import type {Server} from '../../db/server.js'
import {loadQicoreSql, preparedQicore} from '../../db/load-qicore-sql.js'
import {statement, type Statement, type Value} from '../../db/sql.js'
import type {ScheduleVersion, JobState} from '../../schedule/due.js'
import type {Instant} from '../../units/instant.js'
import {askLedger, millisOf} from './ledger.js'

/** A job in the ledger. A claim succeeds only if `lastAt` and `revision` are unchanged. */
export interface LedgerJob extends JobState {
  name: string
  kind: string
  revision: number
  /** `lastAt` with microseconds. */
  lastAtExact: Instant
  /** Seconds until the claim of the current run expires or the released run may start; null if none. */
  leaseSeconds: number | null
  startedAt: number | null
  claimedBy: string | null
}

interface JobRow {
  name: string
  kind: string
  revision: number
  last_at: Instant
  running: number | null
  free_at: Instant | null
  lease_seconds: number | null
  started_at: Instant | null
  claimed_by: string | null
  versions: (Omit<ScheduleVersion, 'validFrom'> & {validFrom: string})[]
}

/** The jobs of the ledger: all, or those in `names`. */
export async function readJobs(db: Database, names: readonly string[] | null = null): Promise<LedgerJob[]> {
  return askJobs(db, db.server, names)
}

/** {@link readJobs} in a transaction. */
export async function askJobs(tx: Db, server: Server, names: readonly string[] | null = null): Promise<LedgerJob[]> {
  const rows = await tx.query<JobRow>(preparedQicore(server, 'jobs/jobs', [names]))
  return rows.map((row) => ({
    name: row.name,
    kind: row.kind,
    revision: row.revision,
    lastAtExact: row.last_at,
    lastAt: Date.parse(row.last_at),
    running: row.running !== null,
    freeAt: millisOf(row.free_at),
    leaseSeconds: row.lease_seconds,
    startedAt: millisOf(row.started_at),
    claimedBy: row.claimed_by,
    versions: row.versions.map((version) => ({...version, validFrom: Date.parse(version.validFrom)})),
  }))
}

/**
 * The jobs as JSON for the declare statements. The runner is null for `auto`, which keeps what `cron install` recorded.
 */
export function declareRequest(jobs: readonly Job[]): string {
  return JSON.stringify(
    jobs.map(({name, kind, schedule, timezone, runner}) => ({
      name,
      kind,
      schedule,
      timezone,
      runner: runner === 'auto' ? null : runner,
      commands: null,
      explicit: runner !== 'auto',
    })),
  )
}

/** Adds jobs to the ledger, or with `known` updates the schedules of jobs that are in it. */
export function declareStatement({server}: Database, request: string, actor: string, known = false): Statement {
  return statement(loadQicoreSql(server, known ? 'jobs/declare-changed' : 'jobs/declare-new'), [request, actor])
}

/** Ends the schedule of a job that is no longer declared. */
export function removeStatement({server}: Database, job: string, actor: string): Statement {
  return statement(loadQicoreSql(server, 'jobs/declare-removed'), [[job], false, actor])
}

/** Writes the declared jobs into the ledger: new, changed and ended schedules. Returns one clause for each change. */
export async function declare(db: Database, jobs: readonly Job[], actor: string): Promise<string[]> {
  const request = declareRequest(jobs)
  const settings = {readOnly: false, lockTimeout: 10_000, statementTimeout: 60_000, role: db.target.role}
  return db.transaction(settings, async (tx) => {
    const run = (name: string, values: readonly Value[]) =>
      tx.query<{job: string; reason?: string}>(statement(loadQicoreSql(db.server, `jobs/${name}`), values))
    const changed = await run('declare-changed', [request, actor])
    const made = await run('declare-new', [request, actor])
    const gone = await run('declare-removed', [jobs.map(({name}) => name), true, actor])
    return [
      ...made.map(({job}) => `${job}: new`),
      ...changed.map(({job, reason}) => `${job}: ${reason}`),
      ...gone.map(({job}) => `${job}: not declared any more`),
    ]
  })
}

/** Pauses or resumes a job; null if the ledger has no such job. */
export async function setState(
  db: Database,
  job: string,
  state: 'active' | 'paused',
  actor: string,
  reason: string | null,
): Promise<{state: string; since: Instant; actor: string; changed: boolean} | null> {
  const [row] = await askLedger<{state: string; since: Instant; actor: string; changed: boolean}>(db, 'set-state', [
    job,
    state,
    actor,
    reason,
  ])
  return row ?? null
}
