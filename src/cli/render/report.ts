import type {TableContext} from '../../units/report-table.js'
import {lineText} from './line-text.js'
import type {Shown} from './shown.js'
import {renderTable, wrap, type TableStyle} from './table.js'

/** A report for people: its table, and the sentences above and below it, in lines that fit. */
export function renderReport<Row, Context extends TableContext>(
  {table, rows, context, above = [], below = [], total = null, brief}: Shown<Row, Context>,
  style: TableStyle,
): string {
  const {rows: listed, rest} = brief?.(rows) ?? {rows, rest: null}
  const drawn = listed.length === 0 ? null : renderTable(table, listed, context, {style, total})
  return [
    ...above.map((line) => lineText(line, style.width)),
    ...(drawn === null || drawn.text === '' ? [] : [drawn.text]),
    ...(rest === null ? [] : [` … and ${rest}`]),
    ...(drawn === null || drawn.leftOut.length === 0
      ? []
      : [wrap(` Left out at ${style.width} columns: ${drawn.leftOut.join(', ')}.`, style.width)]),
    ...below.map((line) => lineText(line, style.width)),
  ].join('\n')
}
