import {shortName} from '../db/qualified-name.js'
import {ageOr, dash} from '../units/cell-text.js'
import {longestStatement, type ReportTable} from '../units/report-table.js'
import type {Session, TableName} from './sessions.js'

const nameOf = ({schema, table}: TableName) => shortName(schema, table)

export const activityTable: ReportTable<Session> = {
  columns: [
    {
      id: 'pid',
      heading: 'PID',
      type: 'count',
      align: 'left',
      value: ({pid}) => pid,
      text: ({pid, depth}) => `${'  '.repeat(Math.min(depth, 6))}${pid}`,
    },
    {id: 'kind', heading: 'KIND', type: 'text', value: ({kind}) => kind, text: kindText},
    {id: 'job_id', heading: 'JOB', type: 'count', show: 'data', value: ({jobId}) => jobId},
    {id: 'role', heading: 'ROLE', type: 'text', value: ({role}) => role, shrink: 8, priority: 4},
    {
      id: 'application',
      heading: 'APPLICATION',
      type: 'text',
      value: ({application}) => application,
      shrink: 10,
      priority: 2,
    },
    {id: 'client', heading: 'CLIENT', type: 'text', show: 'room', value: ({client}) => client, priority: 5},
    {
      id: 'tables',
      heading: 'TABLES',
      type: 'list',
      value: ({tables}) => tables.map(nameOf),
      shrink: 12,
    },
    {id: 'state', heading: 'STATE', type: 'text', value: ({state}) => state, shrink: 6},
    {
      id: 'transaction_started_at',
      heading: 'SINCE',
      type: 'age',
      value: ({transactionStartedAt}) => transactionStartedAt,
      text: ({transactionStartedAt, queryStartedAt}, {at}) => ageOr(transactionStartedAt ?? queryStartedAt, at),
    },
    {
      id: 'query_started_at',
      heading: 'QUERY SINCE',
      type: 'age',
      show: 'room',
      value: ({queryStartedAt}) => queryStartedAt,
      priority: 5,
    },
    {id: 'waits_for', heading: 'WAITS FOR', type: 'text', value: waitText, shrink: 10, hide: 'empty'},
    {
      id: 'blocked_by',
      heading: 'BLOCKED BY',
      type: 'list',
      show: 'room',
      value: ({blockedBy}) => blockedBy.map(String),
      hide: 'empty',
      priority: 3,
    },
    {
      id: 'blocks',
      heading: 'BLOCKS',
      type: 'count',
      value: ({blocks}) => blocks,
      text: ({blocks}) => (blocks === 0 ? dash : String(blocks)),
      priority: 3,
    },
    {id: 'progress', heading: 'PROGRESS', type: 'text', value: progressText, hide: 'empty', shrink: 8, priority: 3},
    {
      id: 'query',
      heading: 'QUERY',
      type: 'text',
      value: ({query}) => query,
      shrink: 10,
      longest: longestStatement,
      priority: 1,
    },
  ],
  marked: ({blocks}) => blocks > 0,
}

function kindText({kind, jobId}: Session): string {
  return jobId === null ? kind.replaceAll('_', ' ') : `job ${jobId}`
}

function waitText({waitsFor}: Session): string | null {
  if (waitsFor === null) return null
  const {event, mode, table} = waitsFor
  if (mode === null) return event
  return table === null ? mode : `${mode} on ${nameOf(table)}`
}

function progressText({progress}: Session): string | null {
  if (progress === null) return null
  const {command, phase, done, total} = progress
  const part = total === null ? '' : ` ${Math.min(100, Math.floor((100 * done) / total))}%`
  return `${command}${part}${phase === null ? '' : ` (${phase})`}`
}
