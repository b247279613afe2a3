import {beginsColumn} from '../../schedule/simulate-table.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {formatMinute} from '../../units/instant-short.js'
import type {ReportTable} from '../../units/report-table.js'

/** The due time of a future run, in UTC and in the job's time zone. */
export interface ComingRun {
  job: string
  at: Instant
  local: string
  /** `at` plus the job's jitter. */
  begins: Instant
}

export const comingRunsTable: ReportTable<ComingRun> = {
  columns: [
    {id: 'at', heading: 'AT (UTC)', type: 'instant', value: (row) => row.at, text: (row) => formatMinute(row.at)},
    {
      id: 'in',
      heading: 'IN',
      type: 'age',
      value: (row) => row.begins,
      text: (row, {at}) => formatAge(Math.max(0, secondsBetween(at, row.begins))),
      show: 'people',
    },
    {id: 'job', heading: 'JOB', type: 'name', value: (row) => row.job, shrink: 12},
    {id: 'local', heading: 'LOCAL', type: 'text', value: (row) => row.local, priority: 1},
    beginsColumn,
  ],
}
