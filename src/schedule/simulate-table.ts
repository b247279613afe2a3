import {formatMinute} from '../units/instant-short.js'
import type {Column, ReportTable} from '../units/report-table.js'
import type {SimulatedRun} from './simulate.js'

/** When a run begins, if that is not its due time. */
export const beginsColumn = {
  id: 'begins',
  heading: 'BEGINS',
  type: 'instant',
  hide: 'empty',
  value: (row) => row.begins,
  text: ({begins, at}) => (begins === at ? '' : formatMinute(begins)),
  priority: 2,
} satisfies Column<{at: string; begins: string}>

export const simulatedRunsTable: ReportTable<SimulatedRun> = {
  columns: [
    {id: 'at', heading: 'AT (UTC)', type: 'instant', value: (row) => row.at, text: (row) => formatMinute(row.at)},
    {id: 'local', heading: 'LOCAL', type: 'text', value: (row) => row.local, priority: 1},
    {id: 'job', heading: 'JOB', type: 'name', value: (row) => row.job, shrink: 12},
    beginsColumn,
    {
      id: 'skipped',
      heading: 'NOTE',
      type: 'note',
      hide: 'empty',
      value: (row) => row.skipped,
      text: ({skipped}) => (skipped === null ? '' : 'skipped: outside its window'),
      shrink: 10,
    },
  ],
  marked: ({skipped}) => skipped !== null,
}
