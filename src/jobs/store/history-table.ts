import {dash} from '../../units/cell-text.js'
import {formatAge} from '../../units/elapsed.js'
import {formatMinute} from '../../units/instant-short.js'
import type {ReportTable} from '../../units/report-table.js'
import type {Occurrence} from './history.js'

export const occurrencesTable: ReportTable<Occurrence> = {
  columns: [
    {id: 'id', heading: 'ID', type: 'count', show: 'data', value: (row) => row.id},
    {
      id: 'scheduled_at',
      heading: 'DUE (UTC)',
      type: 'instant',
      value: (row) => row.scheduledAt,
      text: ({scheduledAt, startedAt, runBy}) =>
        scheduledAt === null ? `${formatMinute(startedAt)} (${runBy})` : formatMinute(scheduledAt),
    },
    {id: 'job', heading: 'JOB', type: 'name', value: (row) => row.job, shrink: 12},
    {id: 'kind', heading: 'KIND', type: 'text', show: 'data', value: (row) => row.kind},
    {
      id: 'status',
      heading: 'STATUS',
      type: 'text',
      value: (row) => row.status,
      text: ({status, retryAt}) => (retryAt === null ? status : `retry at ${retryAt.slice(11, 16)}`),
    },
    {id: 'started_at', heading: 'STARTED', type: 'instant', show: 'data', value: (row) => row.startedAt},
    {id: 'completed_at', heading: 'ENDED', type: 'instant', show: 'data', value: (row) => row.completedAt},
    {id: 'retry_at', heading: 'RETRY', type: 'instant', show: 'data', value: (row) => row.retryAt},
    {id: 'late_seconds', heading: 'LATE', type: 'seconds', value: lateSeconds, text: lateText, priority: 1},
    {id: 'ms', heading: 'TOOK', type: 'milliseconds', value: elapsedMs},
    {
      id: 'attempts',
      heading: 'TRIES',
      type: 'count',
      value: (row) => row.attempts,
      text: ({attempts}) => (attempts > 0 ? String(attempts) : dash),
      priority: 2,
    },
    {id: 'steps', heading: 'DONE', type: 'text', value: stepsText, shrink: 10, priority: 3},
    {id: 'reason', heading: 'REASON', type: 'note', show: 'data', value: (row) => row.reason},
    {id: 'run_by', heading: 'RUN BY', type: 'text', show: 'data', value: (row) => row.runBy},
    {
      id: 'error',
      heading: 'WHY',
      type: 'note',
      hide: 'empty',
      value: (row) => row.error,
      text: whyText,
      shrink: 10,
    },
    {id: 'sql_state', heading: 'SQLSTATE', type: 'text', show: 'data', value: (row) => row.sqlState},
    {id: 'token', heading: 'TOKEN', type: 'count', show: 'data', value: (row) => row.token},
    {id: 'claimed_by', heading: 'CLAIMED BY', type: 'text', show: 'data', value: (row) => row.claimedBy},
    {
      id: 'actor',
      heading: 'WHO',
      type: 'text',
      value: (row) => row.actor,
      text: ({claimedBy, actor, scheduledAt}) => (scheduledAt === null ? actor : (claimedBy ?? actor)) ?? dash,
      shrink: 8,
      priority: 4,
    },
  ],
  marked: ({status}) => status === 'failed' || status === 'retry',
}

function lateSeconds({scheduledAt, startedAt}: Occurrence): number | null {
  return scheduledAt === null || startedAt === null ? null : (Date.parse(startedAt) - Date.parse(scheduledAt)) / 1000
}

function lateText(row: Occurrence): string {
  const seconds = lateSeconds(row)
  if (seconds === null) return dash
  return seconds < 1 ? '0s' : formatAge(seconds)
}

function elapsedMs({startedAt, completedAt}: Occurrence): number | null {
  return startedAt === null || completedAt === null ? null : Date.parse(completedAt) - Date.parse(startedAt)
}

function stepsText({detail}: Occurrence): string | null {
  const counts = Object.entries(detail?.steps ?? {}).filter(([, n]) => n > 0)
  return counts.length === 0 ? null : counts.map(([status, n]) => `${n} ${status}`).join(', ')
}

function whyText({reason, error, detail}: Occurrence): string {
  return [reason, error, ...(detail?.notes ?? [])].filter(Boolean).join('; ').replace(/\s+/g, ' ')
}
