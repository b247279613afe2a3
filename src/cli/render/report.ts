import type {TableContext} from '../../units/report-table.js'
import {lineText} from './line-text.js'
import type {Shown} from './shown.js'
import {renderTable, wrap, type TableStyle} from './table.js'

export interface ReportStyle extends TableStyle {
  /** Lines of the terminal; null or absent if stdout is not a terminal. */
  height?: number | null
}

const withoutTerminal = 20
const atLeast = 5
/** The headline on stderr takes up to three lines; then the headers, the line about the rest, and the next prompt. */
const aroundTable = 6

/** A report for people: its table, and the sentences above and below it, wrapped to the width. */
export function renderReport<Row, Context extends TableContext>(
  {table, rows, context, above = [], below = [], total = null, brief}: Shown<Row, Context>,
  style: ReportStyle,
): string {
  const linesAround = [...above, ...below].map((line) => lineText(line, style.width))
  const most = rowsThatFit(style.height ?? null, linesAround.join('\n').split('\n').length)
  const {rows: listed, rest} = brief?.(rows, most) ?? {rows, rest: null}
  const drawn = listed.length === 0 ? null : renderTable(table, listed, context, {style, total})
  return [
    ...linesAround.slice(0, above.length),
    ...(drawn === null || drawn.text === '' ? [] : [drawn.text]),
    ...(rest === null ? [] : [` … and ${rest}`]),
    ...(drawn === null || drawn.leftOut.length === 0
      ? []
      : [wrap(` Omitted at ${style.width} columns: ${drawn.leftOut.join(', ')}.`, style.width)]),
    ...linesAround.slice(above.length),
  ].join('\n')
}

/** So that the headers do not scroll off the screen. */
function rowsThatFit(height: number | null, otherLines: number): number {
  return height === null ? withoutTerminal : Math.max(atLeast, height - aroundTable - otherLines)
}
