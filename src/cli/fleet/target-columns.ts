import type {Column} from '../../units/report-table.js'
import {labelsText} from './report.js'

/** What every line about a target has; null for a target that was not started. */
interface TargetLine {
  target: string
  labels: Readonly<Record<string, string>>
  exitCode: number | null
  ms: number | null
}

/** The columns that lines about targets share: of reports, and of changes. */
export const targetColumns = {
  target: {id: 'target', heading: 'TARGET', type: 'name', shrink: 16, value: ({target}) => target},
  exitCode: {id: 'exit_code', heading: 'EXIT', type: 'count', priority: 3, value: ({exitCode}) => exitCode},
  time: {id: 'ms', heading: 'TIME', type: 'milliseconds', priority: 4, value: ({ms}) => ms},
  labels: {
    id: 'labels',
    heading: 'LABELS',
    type: 'note',
    show: 'room',
    hide: 'empty',
    value: ({labels}) => labelsText(labels),
  },
} satisfies Record<string, Column<TargetLine>>
