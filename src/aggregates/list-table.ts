import {shortName} from '../db/qualified-name.js'
import {dash} from '../units/cell-text.js'
import type {ReportTable} from '../units/report-table.js'
import type {AggregateRow} from './list.js'

export const aggregatesTable: ReportTable<AggregateRow> = {
  columns: [
    {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
    {
      id: 'view',
      heading: 'AGGREGATE',
      type: 'name',
      value: (row) => row.view,
      text: ({schema, view}) => shortName(schema, view),
      shrink: 12,
    },
    {id: 'bucket', heading: 'BUCKET', type: 'text', value: (row) => row.bucket, shrink: 6, priority: 2},
    {
      id: 'source_schema',
      heading: 'SOURCE SCHEMA',
      type: 'name',
      show: 'data',
      value: ({source}) => source?.schema ?? null,
    },
    {
      id: 'source',
      heading: 'SOURCE',
      type: 'name',
      value: ({source}) => source?.table ?? null,
      text: ({source}) => (source === null ? dash : shortName(source.schema, source.table)),
      shrink: 10,
      priority: 4,
    },
    {id: 'watermark', heading: 'UP TO (UTC)', type: 'instant', value: (row) => row.watermark},
    {id: 'lag_seconds', heading: 'LAG', type: 'seconds', value: (row) => row.lagSeconds, priority: 1},
    {id: 'pending_ranges', heading: 'PENDING', type: 'count', value: ({pending}) => pending?.ranges ?? null},
    {
      id: 'pending_from',
      heading: 'PENDING FROM',
      type: 'instant',
      show: 'room',
      value: ({pending}) => pending?.from ?? null,
      priority: 2,
    },
    {
      id: 'pending_to',
      heading: 'PENDING TO',
      type: 'instant',
      show: 'room',
      value: ({pending}) => pending?.to ?? null,
      priority: 2,
    },
    {id: 'total_bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.totalBytes, priority: 3},
    {id: 'refresh', heading: 'REFRESH', type: 'text', value: refreshText},
    {id: 'window', heading: 'WINDOW', type: 'text', show: 'room', value: windowText, shrink: 12, priority: 1},
    {
      id: 'policy_start_offset',
      heading: 'START',
      type: 'text',
      show: 'data',
      value: ({policy}) => policy?.startOffset ?? null,
    },
    {
      id: 'policy_end_offset',
      heading: 'END',
      type: 'text',
      show: 'data',
      value: ({policy}) => policy?.endOffset ?? null,
    },
    {id: 'policy_every', heading: 'EVERY', type: 'text', show: 'data', value: ({policy}) => policy?.every ?? null},
    {id: 'policy_job', heading: 'JOB', type: 'count', show: 'data', value: ({policy}) => policy?.job ?? null},
    {id: 'policy_paused', heading: 'PAUSED', type: 'flag', show: 'data', value: ({policy}) => policy?.paused ?? null},
    {
      id: 'raw_from',
      heading: 'ROWS SINCE',
      type: 'instant',
      show: 'room',
      value: (row) => row.rawFrom,
      priority: 3,
    },
    {id: 'raw_gone', heading: 'ROWS GONE', type: 'flag', show: 'data', value: (row) => row.rawGone},
    {
      id: 'policy_reaches_gone',
      heading: 'REACHES GONE',
      type: 'flag',
      show: 'data',
      value: (row) => row.policyReachesGone,
    },
  ],
  marked: ({policyReachesGone}) => policyReachesGone === true,
}

/** `none` if no policy refreshes the aggregate. */
function refreshText({policy}: AggregateRow): string {
  if (policy === null) return 'none'
  if (policy.paused) return 'paused'
  return policy.every === null ? 'declared' : `every ${policy.every}`
}

function windowText({policy}: AggregateRow): string | null {
  return policy === null ? null : `${policy.startOffset ?? 'the beginning'} to ${policy.endOffset ?? 'now'} ago`
}
