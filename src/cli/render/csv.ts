import {stringify} from 'csv-stringify/sync'
import {isInstant} from '../../units/cell-text.js'
import {jsonInstant} from '../../units/instant.js'
import type {MachineValue, TableContext} from '../../units/report-table.js'
import type {Line, Shown} from './shown.js'

/**
 * CSV by RFC 4180 with line feeds: numbers unformatted, instants in ISO 8601 UTC as in JSON, a list as a JSON array,
 * unknown values empty. The header has the ids of the columns.
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

/** The sentences printed on stderr beside CSV, one per line. */
export function csvRemarks(lines: readonly Line[]): string[] {
  return lines.flatMap((line) => {
    if (line.kind === 'note') return [line.mark === '!' ? `! ${line.text}` : line.text]
    return line.kind === 'closing' && line.verdict.length > 0 ? [line.verdict.join(' ')] : []
  })
}
