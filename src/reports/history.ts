import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {formatName, formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import {isPgCron} from '../run/application.js'
import {readLostRuns} from '../run/run-log.js'
import {command} from '../units/command.js'
import type {Instant} from '../units/instant.js'
import {currentStatus, storedNames} from '../run/status-names.js'
import type {RecordedStatus} from '../units/recorded-status.js'

/** What started a run. */
export type RunBy = 'hand' | 'daemon' | 'pg_cron' | 'timescaledb'

/** One run recorded in qicore.maintenance_log. */
export interface RecordedRun {
  id: number
  /** The operation and its object: `chunks compress public.ohlcv_data`. */
  operation: string
  /** Null unless it is a run of a scheduled job. */
  job: string | null
  /** Qualified names of the tables and aggregates it worked on, if recorded. */
  tables: string[]
  scheduledAt: Instant | null
  startedAt: Instant | null
  /** Null while it runs, and if its session ended without recording the end. */
  completedAt: Instant | null
  /** Milliseconds; null if start or end is unknown. */
  ms: number | null
  /**
   * `interrupted` with the reason `session_ended` means that the process was killed; `retry` means that an attempt
   * failed and the next one is scheduled.
   */
  status: string
  reason: string | null
  attempts: number
  runBy: RunBy
  /** The database role, with the user and host if recorded; for a daemon its id. */
  actor: string | null
  application: string | null
  targetHost: string | null
  /** Number of recorded steps. */
  steps: number
  error: string | null
}

/** The document of `history`, apart from its target. */
export interface ChangesReport {
  kind: 'history'
  version: 1
  at: Instant
  source: HistorySource
  /** Null if this role may not read the record, so the runs are unknown. */
  runs: RecordedRun[] | null
}

export interface RecordedStep {
  step: string
  status: string
  startedAt: Instant | null
  completedAt: Instant | null
  ms: number | null
  attempts: number
  bytes: number | null
  note: string | null
  error: string | null
  /** The SQLSTATE of the error; null where the server raised none, or an earlier version recorded none. */
  sqlState: string | null
}

export interface HistoryRequest {
  /** A table or aggregate as SQL reads it; it may have been dropped. */
  table: string | null
  since: Instant | null
  /** Only runs that started before this instant. */
  until?: Instant | null
  /** A substring of the role, user, host or daemon that made the change, ignoring case. */
  actor?: string | null
  /** Null means all. */
  statuses?: readonly RecordedStatus[] | null
  limit: number
}

/**
 * `missing`: the schema qicore is not installed. `unreadable`: this role may not read it, so the history is unknown.
 */
export type HistorySource = 'recorded' | 'missing' | 'unreadable'

interface RunRow {
  id: number
  operation: string
  job: string | null
  scheduled_at: Instant | null
  started_at: Instant | null
  completed_at: Instant | null
  status: string
  reason: string | null
  attempts: number
  actor: string | null
  claimed_by: string | null
  application: string | null
  target_host: string | null
  error: string | null
  detail: {job?: unknown; part?: unknown; tables?: unknown} | null
  waits: boolean
  steps: number
}

/** Whether a record of changes exists, and whether this role may read it. */
export async function historySource(db: Database): Promise<HistorySource> {
  const [row] = await db.query<{may: boolean}>(statement(loadSql('reports/log-readable')))
  if (row === undefined) return 'missing'
  return row.may ? 'recorded' : 'unreadable'
}

/** All recorded runs, newest first; null if this role may not read the record. */
export async function readRuns(
  db: Database,
  request: HistoryRequest,
): Promise<{source: HistorySource; runs: RecordedRun[] | null}> {
  const source = await historySource(db)
  if (source !== 'recorded') return {source, runs: source === 'missing' ? [] : null}
  const {statuses = null, limit} = request
  const runs = await query(db, {...request, id: null})
  const wanted = runs.filter(({status}) => statuses === null || (statuses as readonly string[]).includes(status))
  return {source, runs: wanted.slice(0, limit)}
}

/**
 * One run with its steps.
 * @throws OpsError NO_SUCH_RUN
 */
export async function readRun(
  db: Database,
  id: number,
): Promise<{source: HistorySource; run: RecordedRun | null; steps: RecordedStep[] | null}> {
  const source = await historySource(db)
  if (source === 'unreadable') return {source, run: null, steps: null}
  const [run] = source === 'missing' ? [] : await query(db, {table: null, since: null, id, limit: 1})
  if (run === undefined)
    throw usageError('NO_SUCH_RUN', `There is no run ${id} in the history of this database.`, [
      `List the runs: ${command('history')}`,
    ])
  const rows = await db.query<StepRow>(statement(loadSql('reports/history-steps'), [id]))
  return {source, run, steps: rows.map(stepOf)}
}

/**
 * If a status is given, runs recorded as running are returned in addition to `limit`, because some of them have ended.
 */
async function query(
  db: Database,
  {table, since, until = null, actor = null, statuses = null, id, limit}: HistoryRequest & {id: number | null},
): Promise<RecordedRun[]> {
  const name = table === null ? null : asRecorded(table)
  const stored = statuses?.flatMap(storedNames) ?? null
  const rows = await db.query<RunRow>(
    statement(loadSql('reports/history'), [name, since, id, limit, until, actor, stored]),
  )
  const lost = rows.some(({status}) => status === 'running') ? new Set(await readLostRuns(db)) : new Set<number>()
  return rows.map((row) => runOf(row, lost.has(row.id)))
}

function statusOf({job, waits, status}: RunRow, lost: boolean): RecordedRun['status'] {
  if (lost) return job === null ? 'interrupted' : 'failed'
  return waits ? 'retry' : currentStatus(status)
}

function runOf(row: RunRow, lost: boolean): RecordedRun {
  return {
    id: row.id,
    operation: row.operation,
    job: row.job,
    tables: tablesOf(row),
    scheduledAt: row.scheduled_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
    ms: between(row.started_at, row.completed_at),
    status: statusOf(row, lost),
    reason: lost ? 'session_ended' : row.reason,
    attempts: row.attempts,
    runBy: runnerOf(row),
    actor: row.scheduled_at === null ? row.actor : (row.claimed_by ?? row.actor),
    application: row.application === '' ? null : row.application,
    targetHost: row.target_host,
    steps: row.steps,
    error: row.error,
  }
}

function tablesOf({detail}: RunRow): string[] {
  if (Array.isArray(detail?.tables)) return detail.tables.map(String)
  return typeof detail?.part === 'string' ? [detail.part] : []
}

/** A `job` number in the detail is the id of a TimescaleDB job; 0 means that a person called the procedure. */
function runnerOf({scheduled_at, application, detail}: RunRow): RunBy {
  if (scheduled_at !== null) return 'daemon'
  if (isPgCron(application)) return 'pg_cron'
  return typeof detail?.job === 'number' && detail.job > 0 ? 'timescaledb' : 'hand'
}

interface StepRow {
  step: string
  status: string
  started_at: Instant | null
  completed_at: Instant | null
  attempts: number
  bytes: number | null
  note: string | null
  error: string | null
  sql_state: string | null
}

function stepOf({started_at, completed_at, sql_state: sqlState, ...rest}: StepRow): RecordedStep {
  const {step, status, attempts, bytes, note, error} = rest
  return {
    step,
    status,
    startedAt: started_at,
    completedAt: completed_at,
    ms: between(started_at, completed_at),
    attempts,
    bytes,
    note,
    error,
    sqlState,
  }
}

function between(from: Instant | null, to: Instant | null): number | null {
  return from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from))
}

/**
 * The name as the record has it: as SQL prints it.
 * @throws OpsError if the text is not a name
 */
function asRecorded(table: string): string {
  const {schema, name} = parseQualifiedName(table)
  // A name without a schema matches in every schema.
  return schema === null ? formatName(name) : formatQualifiedName(schema, name)
}
