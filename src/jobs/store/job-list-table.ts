import {ageOr, dash} from '../../units/cell-text.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {formatMinute} from '../../units/instant-short.js'
import type {ReportTable} from '../../units/report-table.js'
import {sparkline} from '../../units/sparkline.js'
import type {ListedJob} from './job-list.js'

export const jobsTable: ReportTable<ListedJob> = {
  columns: [
    {id: 'name', heading: 'JOB', type: 'name', value: (row) => row.name, shrink: 16},
    {id: 'kind', heading: 'KIND', type: 'text', show: 'room', value: (row) => row.kind, priority: 2},
    {id: 'schedule', heading: 'SCHEDULE', type: 'text', value: (row) => row.schedule, shrink: 10},
    {id: 'timezone', heading: 'ZONE', type: 'text', value: (row) => row.timezone, priority: 3},
    {id: 'next', heading: 'NEXT (UTC)', type: 'instant', value: (row) => row.next, text: nextText},
    {id: 'begins', heading: 'BEGINS', type: 'instant', show: 'data', value: (row) => row.begins},
    {id: 'state', heading: 'STATE', type: 'text', show: 'data', value: (row) => row.state},
    {
      id: 'in',
      heading: 'IN',
      type: 'age',
      show: 'people',
      value: (row) => row.begins,
      text: ({begins}, {at}) => (begins === null ? dash : formatAge(Math.max(0, secondsBetween(at, begins)))),
      priority: 2,
    },
    {
      id: 'last_started_at',
      heading: 'LAST',
      type: 'age',
      hide: 'empty',
      value: (row) => row.lastStartedAt,
      text: ({lastStartedAt, lastCompletedAt}, {at}) => agoText(lastStartedAt ?? lastCompletedAt, at),
      priority: 1,
    },
    {id: 'last_completed_at', heading: 'ENDED', type: 'instant', show: 'data', value: (row) => row.lastCompletedAt},
    {id: 'last_status', heading: 'STATUS', type: 'text', value: (row) => row.lastStatus, text: statusText, shrink: 12},
    {id: 'last_reason', heading: 'REASON', type: 'text', show: 'data', value: (row) => row.lastReason},
    {id: 'last_error', heading: 'ERROR', type: 'note', show: 'data', value: (row) => row.lastError},
    {id: 'retry_at', heading: 'RETRY', type: 'instant', show: 'data', value: (row) => row.retryAt},
    {id: 'running', heading: 'RUNNING', type: 'flag', show: 'data', value: ({running}) => running !== null},
    {
      id: 'recent_runs',
      heading: 'RUNS',
      type: 'note',
      align: 'right',
      show: 'people',
      hide: 'empty',
      value: recentText,
      priority: 5,
    },
    {id: 'runner', heading: 'RUNNER', type: 'text', value: (row) => row.runner, priority: 4},
    {id: 'window', heading: 'WINDOW', type: 'text', show: 'room', value: (row) => row.window, priority: 1},
    {id: 'catch_up', heading: 'CATCH UP', type: 'text', show: 'room', value: (row) => row.catchUp, priority: 3},
    {id: 'overlap', heading: 'OVERLAP', type: 'text', show: 'room', value: (row) => row.overlap, priority: 4},
  ],
  marked: ({lastStatus, retryAt, state}) =>
    lastStatus === 'failed' || retryAt !== null || state === 'paused' || state === 'undeclared',
}

/** When it begins: that is what an operator waits for. */
function nextText({begins, state}: ListedJob): string {
  if (state === 'paused') return 'paused'
  if (state === 'undeclared') return 'not declared'
  return formatMinute(begins)
}

function statusText({running, retryAt, lastStatus, lastReason}: ListedJob): string {
  if (retryAt !== null) return `retry at ${retryAt.slice(11, 16)}`
  if (running) return 'running'
  if (lastStatus === null) return dash
  return lastReason === null ? lastStatus : `${lastStatus}: ${lastReason}`
}

/** A bar for the duration of each run, from zero to the longest; a failed run is a cross. */
function recentText({recentRuns}: ListedJob): string | null {
  const bars = [
    ...sparkline(
      recentRuns.map(({ms}) => ms),
      0,
    ),
  ]
  return bars.length === 0
    ? null
    : bars.map((bar, index) => (recentRuns[index]!.status === 'failed' ? '×' : bar)).join('')
}

/** Clocks differ slightly: a start just now must not be shown in the future. */
function agoText(instant: Instant | null, at: Instant): string {
  return instant !== null && secondsBetween(instant, at) < 0 ? '0s' : ageOr(instant, at)
}
