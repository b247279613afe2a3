import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {isPgCron} from '../../run/application.js'
import type {Instant} from '../../units/instant.js'
import {hasOccurrences} from './job-list.js'
import type {Detail} from '../run/outcome.js'
import {currentStatus} from '../../run/status-names.js'

/** A row of the history. */
export interface Occurrence {
  id: number
  job: string
  kind: string
  /** Null for a run by hand or by pg_cron. */
  scheduledAt: Instant | null
  startedAt: Instant | null
  completedAt: Instant | null
  /**
   * `retry`: an attempt failed, or a stopping daemon released it (`attempts` is 0); the next starts at `retryAt`.
   */
  status: string
  retryAt: Instant | null
  reason: string | null
  attempts: number
  runBy: 'daemon' | 'pg_cron' | 'hand'
  claimedBy: string | null
  actor: string | null
  /** The token of the last claim, which increases with every claim; null for a run by pg_cron. */
  token: number | null
  error: string | null
  /** The SQLSTATE of the first failed step; null if none was recorded. */
  sqlState: string | null
  detail: Partial<Detail> | null
}

export interface HistoryRequest {
  jobs: readonly string[] | null
  since: Instant | null
  statuses: readonly string[] | null
  /** Only the run with this id. */
  id?: number
  limit: number
}

interface OccurrenceRow {
  id: number
  job: string
  operation: string
  scheduled_at: Instant | null
  started_at: Instant | null
  completed_at: Instant | null
  status: string
  reason: string | null
  attempts: number
  claimed_by: string | null
  retry_at: Instant | null
  actor: string | null
  application: string | null
  error: string | null
  detail: Partial<Detail> | null
  token: number | null
  sql_state: string | null
}

/** The last runs, newest first; at most `limit`. */
export async function readHistory(
  db: Database,
  {jobs, since, statuses, limit, id}: HistoryRequest,
): Promise<Occurrence[]> {
  if (!(await hasOccurrences(db))) return []
  const rows = await db.query<OccurrenceRow>(
    statement(loadSql('jobs/history'), [jobs, since, statuses, limit, id ?? null]),
  )
  return rows.map((row) => ({
    id: row.id,
    job: row.job,
    kind: row.operation,
    scheduledAt: row.scheduled_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    status: currentStatus(row.status),
    retryAt: row.retry_at,
    reason: row.reason,
    attempts: row.attempts,
    runBy: row.scheduled_at === null ? unscheduledRunner(row.application) : 'daemon',
    claimedBy: row.claimed_by,
    actor: row.actor,
    error: row.error,
    sqlState: row.sql_state,
    token: row.token,
    detail: row.detail,
  }))
}

/** The runner of a run without a due time. */
function unscheduledRunner(application: string | null): Occurrence['runBy'] {
  return isPgCron(application) ? 'pg_cron' : 'hand'
}
