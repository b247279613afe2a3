import {dash} from '../../units/cell-text.js'
import {formatMinute} from '../../units/instant-short.js'
import type {Column, ReportTable} from '../../units/report-table.js'
import type {JobAuditReport} from './audit-report.js'

export const auditTable: ReportTable<JobAuditReport> = {
  columns: [
    {id: 'job', heading: 'JOB', type: 'name', value: (row) => row.job, shrink: 12},
    {id: 'ok', heading: 'OK', type: 'flag', show: 'data', value: (row) => row.ok},
    {
      id: 'from',
      heading: 'SINCE (UTC)',
      type: 'instant',
      value: (row) => row.from,
      text: ({from}) => formatMinute(from).slice(0, 16),
      priority: 3,
    },
    {id: 'to', heading: 'TO', type: 'instant', show: 'data', value: (row) => row.to},
    {id: 'instants', heading: 'INSTANTS', type: 'count', value: (row) => row.instants},
    counted('done', 'DONE', ({counts}) => counts.done, 0),
    counted('late', 'LATE', ({counts}) => counts.late, 5),
    counted('failed', 'FAILED', ({counts}) => counts.failed, 0),
    counted('skipped', 'SKIPPED', ({counts}) => counts.skipped, 4),
    counted('running', 'RUNNING', ({counts}) => counts.running, 2),
    counted('retrying', 'RETRY', ({retrying, released}) => retrying.length + released.length, 2),
    counted('gaps', 'GAPS', ({gaps}) => gaps.length, 0),
    counted('duplicates', 'DUPLICATES', ({duplicates}) => duplicates.length, 0),
    {id: 'unexpected', heading: 'UNEXPECTED', type: 'count', show: 'data', value: ({unexpected}) => unexpected.length},
    {id: 'abandoned', heading: 'ABANDONED', type: 'count', show: 'data', value: ({abandoned}) => abandoned.length},
    counted('waiting', 'WAITING', ({waiting}) => waiting.length, 1),
    {
      id: 'skip_reasons',
      heading: 'SKIPPED BECAUSE',
      type: 'text',
      show: 'room',
      value: ({counts}) => reasons(counts.skippedBy),
      shrink: 16,
    },
  ],
  marked: (job) => !job.ok,
}

/** A count of 0 is shown as `-`, because most counts are 0. */
function counted(
  id: string,
  heading: string,
  value: (row: JobAuditReport) => number,
  priority: number,
): Column<JobAuditReport> {
  return {id, heading, type: 'count', value, text: (row) => (value(row) === 0 ? dash : String(value(row))), priority}
}

function reasons(skippedBy: Record<string, number>): string | null {
  const why = Object.entries(skippedBy)
  return why.length === 0 ? null : why.map(([reason, n]) => `${reason} ${n}`).join(', ')
}
