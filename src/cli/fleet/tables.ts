import {cellText} from '../../units/cell-text.js'
import type {ReportTable, TableContext} from '../../units/report-table.js'
import type {WorkerShare} from '../../db/server-workers.js'
import type {Around} from '../render/shown.js'
import {stateOf, type TargetEntry} from './report.js'
import {targetColumns} from './target-columns.js'

/** A row of the report of one target. */
export interface FleetRow {
  target: string
  row: unknown
  context: TableContext
}

/** The rows that a target shows, and the table that they belong to. */
export interface ShownRows {
  table: ReportTable<unknown>
  rows: FleetRow[]
  /** Rows that need attention, also those that --limit omits. */
  marked: number
  /** Rows before --limit. */
  count: number
  /** The result in words; '' if the report has none. */
  verdict: string
}

/** A target on one line. */
export interface FleetLine extends TargetEntry {
  shown: ShownRows | null
  /** Sentences about the condition of the database. */
  conditions: readonly string[]
  /** Null if it was not asked for, or is not known. */
  share: WorkerShare | null
}

/** One line for each target. */
export const fleetTable: ReportTable<FleetLine> = {
  columns: [
    targetColumns.target,
    {id: 'result', heading: 'RESULT', type: 'text', value: ({exitCode, error}) => error?.code ?? stateOf(exitCode)},
    targetColumns.exitCode,
    {id: 'rows', heading: 'ROWS', type: 'count', priority: 1, value: ({shown}) => shown?.count ?? null},
    {id: 'marked', heading: 'MARKED', type: 'count', priority: 2, value: ({shown}) => shown?.marked ?? null},
    targetColumns.time,
    targetColumns.labels,
    {id: 'note', heading: 'NOTE', type: 'note', shrink: 20, hide: 'empty', value: noteOf},
  ],
  marked: ({exitCode}) => exitCode !== 0,
}

function noteOf({error, conditions, shown}: FleetLine): string | null {
  return error?.message ?? ([...conditions, shown?.verdict ?? ''].filter((text) => text !== '').join(' ') || null)
}

const badness = {failed: 2, found: 1, ok: 0}

/** Failed targets first, then those where something was found, then by the number of marked rows. */
export function worstFirst(lines: readonly FleetLine[]): FleetLine[] {
  const key = ({exitCode, shown}: FleetLine) => [badness[stateOf(exitCode)], shown?.marked ?? 0] as const
  return [...lines].sort((a, b) => key(b)[0] - key(a)[0] || key(b)[1] - key(a)[1])
}

/** The table of a report with a first column for the target, for the rows of many targets. */
export function withTargets({columns, marked}: ReportTable<unknown>): ReportTable<FleetRow> {
  return {
    columns: [
      {id: 'target', heading: 'TARGET', type: 'name', shrink: 12, value: ({target}) => target},
      ...columns.map(
        (column) =>
          ({
            ...column,
            value: ({row}: FleetRow) => column.value(row),
            text: ({row, context}: FleetRow) => cellText(column, row, context),
          }) as ReportTable<FleetRow>['columns'][number],
      ),
    ],
    marked: ({row, context}) => marked?.(row, context) ?? false,
  }
}

/** The result of a report in words: its closing sentence, else its first warning. */
export function verdictOf({above = [], below = []}: Pick<Around<unknown>, 'above' | 'below'>): string {
  const lines = [...above, ...below]
  const closing = lines.flatMap((line) => (line.kind === 'closing' ? line.verdict : []))
  if (closing.length > 0) return closing.join(' ')
  return lines.flatMap((line) => (line.kind === 'note' && line.mark === '!' ? [line.text] : []))[0] ?? ''
}
