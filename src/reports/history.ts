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

/** Who started a run. */
export type RunBy = 'hand' | 'daemon' | 'pg_cron' | 'timescaledb'

/** A run in qicore.maintenance_log. */
export interface RecordedRun {
  id: number
  /** What was done, and to which object: `chunks compress public.ohlcv_data`. */
  operation: string
  /** Null where it was not a scheduled job. */
  job: string | null
  /** Qualified names of the tables and aggregates that it worked on, as far as they were recorded. */
  tables: string[]
  scheduledAt: Instant | null
  startedAt: Instant | null
  /** Null while it runs, and where its session ended without recording when. */
  completedAt: Instant | null
  /** Milliseconds; null where either end is not known. */
  ms: number | null
  /**
   * `interrupted` with the reason `session_ended`: the process was killed. `retry`: an attempt failed and waits for the
   * next.
   */
  status: string
  reason: string | null
  attempts: number
  runBy: RunBy
  /** The database role, and the person and machine where they were recorded; of a daemon its id. */
  actor: string | null
  application: string | null
  targetHost: string | null
  /** Steps that were recorded. */
  steps: number
  error: string | null
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
  /** A table or aggregate as SQL reads it; it need not exist any more. */
  table: string | null
  since: Instant | null
  /** Only what began before. */
  until?: Instant | null
  /** A part of the role, the person, the machine or the daemon that made the change, letter case apart. */
  actor?: string | null
  /** Null for all. */
  statuses?: readonly RunStatus[] | null
  limit: number
}

/** How a run ended, or that it has not. */
export const runStatuses = [
  'done',
  'done_late',
  'partial',
  'failed',
  'skipped',
  'interrupted',
  'running',
  'retry',
] as const
export type RunStatus = (typeof runStatuses)[number]

/** `missing`: the schema qicore is not installed. `unreadable`: this role may not read it, so what ran is not known. */
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

/** Whether there is a record of changes, and whether this role may read it. */
export async function historySource(db: Database): Promise<HistorySource> {
  const [row] = await db.query<{may: boolean}>(statement(loadSql('reports/log-readable')))
  if (row === undefined) return 'missing'
  return row.may ? 'recorded' : 'unreadable'
}

/** Every recorded run, newest first; null where this role may not read the record. */
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

/** One run with its steps. @throws OpsError NO_SUCH_RUN */
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

/** Those that are recorded as running come beyond `limit` where a status is asked for: some of them have ended. */
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

/** A number under `job` in the detail is the id of a job of TimescaleDB; 0 is a call by hand. */
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

/** Names are recorded as SQL prints them. @throws OpsError where the text is not a name */
function asRecorded(table: string): string {
  const {schema, name} = parseQualifiedName(table)
  // Without a schema the name alone, in any schema.
  return schema === null ? formatName(name) : formatQualifiedName(schema, name)
}
