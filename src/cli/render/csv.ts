import {stringify} from 'csv-stringify/sync'
import {isInstant} from '../../units/cell-text.js'
import {jsonInstant} from '../../units/instant.js'
import type {MachineValue, TableContext} from '../../units/report-table.js'
import type {Line, Shown} from './shown.js'

/**
 * The rows for programs, by RFC 4180 with line feeds: bytes and other numbers as they are, instants ISO 8601 in UTC as
 * JSON has them, a list as a JSON array, nothing where a value is unknown. The header has the ids of the columns.
 */
export function renderCsv<Row, Context extends TableContext>(
  {table, rows}: Pick<Shown<Row, Context>, 'table' | 'rows'>,
  headers: boolean,
): string {
  const columns = table.columns.filter(({show}) => show !== 'people')
  return stringify(
    rows.map((row) => columns.map((column) => machineText(column.value(row)))),
    {header: headers, columns: columns.map(({id}) => ({key: id}))},
  ).replace(/\n$/, '')
}

function machineText(value: MachineValue): string | number | null {
  if (value === null || typeof value === 'number') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return JSON.stringify(value)
  return isInstant(value) ? jsonInstant(value) : value
}

/** What a program's user has to know beside the rows: for stderr, a sentence each. */
export function csvRemarks(lines: readonly Line[]): string[] {
  return lines.flatMap((line) => {
    if (line.kind === 'note') return [line.mark === '!' ? `! ${line.text}` : line.text]
    return line.kind === 'closing' && line.verdict.length > 0 ? [line.verdict.join(' ')] : []
  })
}
