import {plural} from '../../units/plural.js'
import type {ReportTable} from '../../units/report-table.js'
import {stateOf, type NotStarted, type TargetEntry} from './report.js'
import {targetColumns} from './target-columns.js'

/** A changed target on one line. */
export interface ChangeLine extends TargetEntry {
  /** Steps of the plan; null if there is none, because the target failed. */
  steps: number | null
  done: number
  /** Of the first step that failed. */
  stepError: string | null
  /** The script of a dry run, if requested. */
  sql: string
  /** Sentences that the command prints for a database alone. */
  reported: readonly string[]
}

type Row = ChangeLine | NotStarted

const reasons: Record<NotStarted['notStarted'], string> = {
  canary: 'Not started, because the first target failed.',
  failures: 'Not started, because others failed (--stop-after).',
  interrupted: 'Not started, because of the interrupt.',
}

export function isNotStarted(row: Row): row is NotStarted {
  return row.exitCode === null
}

/** One line for each target. */
export const changeTable: ReportTable<Row, {at: string; dryRun: boolean}> = {
  columns: [
    targetColumns.target,
    {id: 'result', heading: 'RESULT', type: 'text', value: resultOf},
    targetColumns.exitCode,
    {id: 'steps', heading: 'STEPS', type: 'count', value: (row) => (isNotStarted(row) ? null : row.steps)},
    targetColumns.time,
    targetColumns.labels,
    {id: 'note', heading: 'NOTE', type: 'note', shrink: 20, hide: 'empty', value: noteOf},
  ],
  marked: (row) => !isNotStarted(row) && row.exitCode !== 0,
}

function resultOf(row: Row): string {
  if (isNotStarted(row)) return 'not started'
  if (row.error !== undefined) return row.error.code
  if (row.exitCode !== 0) return row.done > 0 ? 'partial' : 'failed'
  if (row.steps === 0) return 'nothing to do'
  return row.done > 0 ? 'done' : 'planned'
}

function noteOf(row: Row): string | null {
  if (isNotStarted(row)) return reasons[row.notStarted]
  if (row.error !== undefined) return row.error.message
  if (row.stepError !== null) return row.stepError
  // Findings of a plan, and refusals that a dry run predicts.
  const lines = row.exitCode === 0 ? row.reported.filter((line) => line.startsWith('! ')) : row.reported
  return lines.join(' ') || null
}

const worst = (row: Row) => {
  if (isNotStarted(row)) return 1
  return stateOf(row.exitCode) === 'failed' ? 2 : 0
}

/** Failed targets first, then those that were not started, else in the given order. */
export function worstFirst(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => worst(b) - worst(a))
}

/** Steps of all targets in words: `3 steps on 2 targets`. */
export function stepsText(rows: readonly Row[], count: (line: ChangeLine) => number): string {
  const lines = rows.filter((row) => !isNotStarted(row)).filter((line) => count(line) > 0)
  const steps = lines.reduce((sum, line) => sum + count(line), 0)
  return `${plural(steps, 'step')} on ${plural(lines.length, 'target')}`
}
