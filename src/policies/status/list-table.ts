import {shortName} from '../../db/qualified-name.js'
import {dash} from '../../units/cell-text.js'
import type {ReportTable} from '../../units/report-table.js'
import type {ListedPolicy} from './list.js'
import {columnsCell, ruleCell} from './rule-cell.js'
import {shortUnits} from './short-units.js'

export const policyListTable: ReportTable<ListedPolicy> = {
  columns: [
    {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
    {
      id: 'table',
      heading: 'POLICY',
      type: 'name',
      value: (row) => row.table,
      text: ({schema, table, managed, kind}) => `${shortName(schema, table)}${managed ? '' : ' *'} ${kind}`,
      shrink: 24,
    },
    {id: 'kind', heading: 'KIND', type: 'text', show: 'data', value: (row) => row.kind},
    {id: 'managed', heading: 'MANAGED', type: 'flag', show: 'data', value: (row) => row.managed},
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
    {id: 'gated', heading: 'GATED', type: 'flag', show: 'data', value: (row) => row.gated},
    {id: 'paused', heading: 'PAUSED', type: 'flag', show: 'data', value: (row) => row.paused},
    {
      id: 'every',
      heading: 'EVERY',
      type: 'text',
      show: 'room',
      value: ({live}) => live?.every?.toString() ?? null,
      text: ({live}) => (live?.every == null ? dash : shortUnits(live.every)),
      priority: 2,
    },
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
