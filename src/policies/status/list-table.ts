import {dash} from '../../units/cell-text.js'
import type {ReportTable} from '../../units/report-table.js'
import type {ListedPolicy} from './list.js'
import {nameColumns, runColumns} from './policy-columns.js'
import {columnsCell, ruleCell} from './rule-cell.js'

export const policyListTable: ReportTable<ListedPolicy> = {
  columns: [
    ...nameColumns,
    {
      id: 'declared',
      heading: 'DECLARED',
      type: 'text',
      value: ({kind, declared}) => ruleCell(kind, declared),
      shrink: 10,
    },
    {
      id: 'live',
      heading: 'LIVE',
      type: 'text',
      value: ({kind, live}) => ruleCell(kind, live),
      text: ({kind, live, gated, paused}) =>
        live === null
          ? dash
          : `${ruleCell(kind, live) ?? dash}${gated ? ', gated' : ''}${paused ? ', paused' : ''}${live.cronEntry === undefined ? '' : ', pg_cron'}`,
      shrink: 10,
    },
    ...runColumns(2),
    {id: 'job_id', heading: 'JOB', type: 'count', value: (row) => row.jobId, priority: 1},
    {
      id: 'segment_by',
      heading: 'SEGMENT BY',
      type: 'list',
      show: 'room',
      value: ({live}) => columnsCell(live?.segmentBy),
      shrink: 12,
      priority: 1,
    },
    {
      id: 'order_by',
      heading: 'ORDER BY',
      type: 'list',
      show: 'room',
      value: ({live}) => columnsCell(live?.orderBy),
      shrink: 12,
      priority: 1,
    },
  ],
}
