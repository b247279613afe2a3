import {dash} from '../units/cell-text.js'
import {formatAge} from '../units/elapsed.js'
import {secondsBetween} from '../units/instant.js'
import {formatMinute} from '../units/instant-short.js'
import type {ReportTable} from '../units/report-table.js'
import type {CronJob} from './cron-job.js'

export const cronJobsTable: ReportTable<CronJob> = {
  columns: [
    {id: 'job', heading: 'JOB', type: 'name', value: (row) => row.job, text: labelOf, shrink: 16},
    {id: 'part', heading: 'PART', type: 'name', show: 'data', value: (row) => row.part},
    {id: 'name', heading: 'NAME', type: 'name', show: 'data', value: (row) => row.name},
    {id: 'schedule', heading: 'SCHEDULE', type: 'text', value: (row) => row.schedule, shrink: 9},
    {id: 'timezone', heading: 'ZONE', type: 'text', show: 'room', value: (row) => row.timezone, priority: 2},
    {id: 'active', heading: 'ACTIVE', type: 'flag', show: 'data', value: (row) => row.active},
    {
      id: 'next',
      heading: 'NEXT (UTC)',
      type: 'instant',
      value: (row) => row.next,
      text: ({next, paused}) => (paused ? 'paused' : formatMinute(next).slice(0, 16)),
      priority: 1,
    },
    {
      id: 'last_started_at',
      heading: 'LAST',
      type: 'age',
      value: (row) => row.lastStartedAt,
      text: ({lastStartedAt}, {at}) =>
        lastStartedAt === null ? dash : formatAge(Math.max(0, secondsBetween(lastStartedAt, at))),
    },
    {id: 'last_completed_at', heading: 'ENDED', type: 'instant', show: 'data', value: (row) => row.lastCompletedAt},
    {id: 'last_status', heading: 'STATUS', type: 'text', value: (row) => row.lastStatus},
    {
      id: 'cron_status',
      heading: 'PG_CRON SAYS',
      type: 'text',
      show: 'room',
      value: (row) => row.cronStatus,
      priority: 1,
    },
    {id: 'message', heading: 'MESSAGE', type: 'note', show: 'data', value: (row) => row.message},
    {id: 'state', heading: 'ENTRY', type: 'text', value: (row) => row.state},
    {id: 'job_id', heading: 'ID', type: 'count', show: 'room', value: (row) => row.jobId, priority: 3},
    {id: 'username', heading: 'RUNS AS', type: 'name', show: 'room', value: (row) => row.username, priority: 2},
    {
      id: 'command',
      heading: 'COMMAND',
      type: 'text',
      show: 'room',
      value: (row) => row.command,
      text: ({command}) => command.replace(/\s+/g, ' '),
      shrink: 20,
      priority: 4,
    },
    {id: 'paused', heading: 'PAUSED', type: 'flag', show: 'data', value: (row) => row.paused},
    {id: 'ok', heading: 'OK', type: 'flag', show: 'data', value: (row) => row.ok},
  ],
  marked: ({ok}) => ok === false,
}

/** The job, with the part if it has one entry for each table. */
function labelOf({job, part, name}: CronJob): string {
  if (job === null) return name
  return part === null ? job : `${job} ${part}`
}
