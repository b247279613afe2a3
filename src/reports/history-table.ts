import {dash} from '../units/cell-text.js'
import {formatInstant} from '../units/instant.js'
import type {ReportTable} from '../units/report-table.js'
import type {RecordedRun, RecordedStep, RunBy} from './history.js'

/** What started a run, for people. */
export const startedBy: Readonly<Record<RunBy, string>> = {
  hand: 'by hand',
  daemon: 'daemon',
  pg_cron: 'pg_cron',
  timescaledb: 'timescaledb',
}

export const runsTable: ReportTable<RecordedRun> = {
  columns: [
    {id: 'id', heading: 'ID', type: 'count', value: (row) => row.id},
    {
      id: 'started_at',
      heading: 'STARTED (UTC)',
      type: 'instant',
      value: (row) => row.startedAt,
      text: (row) => startOf(row).slice(0, 16),
    },
    {id: 'operation', heading: 'WHAT', type: 'text', value: (row) => row.operation, text: whatOf, shrink: 16},
    {id: 'job', heading: 'JOB', type: 'name', show: 'data', value: (row) => row.job},
    {id: 'actor', heading: 'WHO', type: 'text', value: (row) => row.actor, shrink: 8, priority: 2},
    {
      id: 'run_by',
      heading: 'HOW',
      type: 'text',
      value: (row) => row.runBy,
      text: ({runBy}) => startedBy[runBy],
      priority: 3,
    },
    {id: 'status', heading: 'STATUS', type: 'text', value: (row) => row.status, text: statusOf, shrink: 11},
    {id: 'reason', heading: 'REASON', type: 'text', show: 'data', value: (row) => row.reason},
    {id: 'ms', heading: 'TOOK', type: 'milliseconds', value: (row) => row.ms, priority: 1},
    {id: 'steps', heading: 'STEPS', type: 'count', value: (row) => row.steps, priority: 4},
    {id: 'attempts', heading: 'ATTEMPTS', type: 'count', show: 'data', value: (row) => row.attempts},
    {id: 'tables', heading: 'TABLES', type: 'list', show: 'room', value: (row) => row.tables, shrink: 16, priority: 2},
    {id: 'scheduled_at', heading: 'DUE', type: 'instant', show: 'data', value: (row) => row.scheduledAt},
    {id: 'completed_at', heading: 'ENDED', type: 'instant', show: 'data', value: (row) => row.completedAt},
    {
      id: 'application',
      heading: 'APPLICATION',
      type: 'text',
      show: 'room',
      value: (row) => row.application,
      shrink: 12,
      priority: 4,
    },
    {
      id: 'target_host',
      heading: 'HOST',
      type: 'name',
      show: 'room',
      value: (row) => row.targetHost,
      shrink: 8,
      priority: 3,
    },
    {id: 'error', heading: 'ERROR', type: 'note', show: 'room', value: (row) => row.error, shrink: 16, priority: 1},
  ],
  marked: ({status}) => ['failed', 'partial', 'interrupted', 'retry'].includes(status),
}

export const runStepsTable: ReportTable<RecordedStep> = {
  columns: [
    {id: 'step', heading: 'STEP', type: 'name', value: (row) => row.step, shrink: 16},
    {id: 'status', heading: 'STATUS', type: 'text', value: (row) => row.status},
    {
      id: 'started_at',
      heading: 'STARTED (UTC)',
      type: 'instant',
      show: 'room',
      value: (row) => row.startedAt,
      priority: 1,
    },
    {
      id: 'completed_at',
      heading: 'ENDED (UTC)',
      type: 'instant',
      show: 'room',
      value: (row) => row.completedAt,
      priority: 2,
    },
    {id: 'ms', heading: 'TOOK', type: 'milliseconds', value: (row) => row.ms},
    {id: 'attempts', heading: 'TRIES', type: 'count', value: (row) => row.attempts, priority: 2},
    {id: 'bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.bytes, priority: 1},
    {
      id: 'error',
      heading: 'WHY',
      type: 'note',
      value: (row) => row.error,
      text: ({error, note}) => error ?? note ?? '',
      shrink: 10,
    },
    {id: 'sql_state', heading: 'SQLSTATE', type: 'text', show: 'data', value: (row) => row.sqlState},
    {id: 'note', heading: 'NOTE', type: 'note', show: 'data', value: (row) => row.note},
  ],
  marked: ({status}) => status === 'failed',
}

/** When it started, or the closest known time. */
export function startOf({startedAt, completedAt, scheduledAt}: RecordedRun): string {
  const at = startedAt ?? completedAt ?? scheduledAt
  return at === null ? dash : formatInstant(at)
}

/** The operation; for a job, preceded by the job's name. */
export function whatOf({operation, job}: RecordedRun): string {
  if (job === null) return operation
  return `job ${job}${operation === job ? '' : `: ${operation}`}`
}

export function statusOf({status, reason}: RecordedRun): string {
  return reason === null ? status : `${status}: ${reason.replaceAll('_', ' ')}`
}
