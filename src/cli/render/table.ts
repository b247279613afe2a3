import {Chalk} from 'chalk'
import CliTable from 'cli-table3'
import {stringify} from 'csv-stringify/sync'
import {printable, widthOf} from './text.js'

export {closing, wrap} from './text.js'

/** How a table is to look; nothing here asks the terminal. */
export interface TableStyle {
  /** Null: no terminal (a pipe), nothing is cut. */
  width: number | null
  color: boolean
  headers: boolean
}

export interface Column<Row> {
  head: string
  cell: (row: Row) => string
  right?: boolean
  /** Only where there is room for more: from 160 columns on. */
  wide?: boolean
  /** May be cut, to no less than this, when the table does not fit; `drop` columns go first. */
  shrink?: number
  /** Left out when the table does not fit, the highest number first. */
  drop?: number
}

const gap = 2
const roomForMore = 160

export interface TableOptions<Row> {
  style: TableStyle
  /** What needs a person, also without colour. */
  mark?: (row: Row) => boolean
  /** Under the others, in their columns. */
  total?: Row | null
}

/** A table without borders, as kubectl prints them. */
export function renderTable<Row>(
  all: readonly Column<Row>[],
  rows: readonly Row[],
  {style, mark = () => false, total = null}: TableOptions<Row>,
): string {
  const room = style.width ?? Infinity
  const everything = total === null ? rows : [...rows, total]
  const cells = (columns: readonly Column<Row>[]) =>
    everything.map((row) => columns.map(({cell}) => printable(cell(row))))
  const naturalOf = (columns: readonly Column<Row>[], grid: readonly string[][]) =>
    columns.map(({head}, index) =>
      Math.max(style.headers ? widthOf(head) : 0, ...grid.map((row) => widthOf(row[index]!))),
    )
  let columns = all.filter(({wide}) => !wide || (style.width !== null && style.width >= roomForMore))
  let grid = cells(columns)
  let widths = naturalOf(columns, grid)
  // One column for the mark; at least one column always stays.
  const over = () => 1 + widths.reduce((sum, width) => sum + width + gap, -gap) - room
  const spare = () =>
    columns.reduce((sum, {shrink}, index) => sum + (shrink === undefined ? 0 : Math.max(0, widths[index]! - shrink)), 0)
  for (let next = dropped(columns); over() > spare() && next !== undefined; next = dropped(columns)) {
    columns = columns.filter((column) => column !== next)
    grid = cells(columns)
    widths = naturalOf(columns, grid)
  }
  // From the right: the first columns say which one it is.
  for (let index = columns.length - 1; index >= 0; index -= 1) {
    const {shrink} = columns[index]!
    if (shrink !== undefined && over() > 0)
      widths[index] = Math.max(Math.min(shrink, widths[index]!), widths[index]! - over())
  }
  const paint = new Chalk({level: style.color ? 1 : 0})
  const table = new CliTable({
    chars: noBorders,
    style: {head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true},
    colAligns: columns.map(({right}) => (right ? 'right' : 'left')),
    colWidths: widths,
  })
  if (style.headers) table.push(columns.map(({head}) => head))
  table.push(...grid.map((row) => row.map((cell) => (cell === '' ? ' ' : cell))))
  const lines =
    rows.length + (total === null ? 0 : 1) + (style.headers ? 1 : 0) === 0 ? [] : table.toString().split('\n')
  return lines
    .map((line, index) => {
      const at = style.headers ? index - 1 : index
      const marked = at >= 0 && at < rows.length && mark(rows[at]!)
      const text = `${marked ? '!' : ' '}${line}`.trimEnd()
      return at < 0 ? paint.dim(text) : marked ? paint.yellow(text) : text
    })
    .join('\n')
}

function dropped<Row>(columns: readonly Column<Row>[]): Column<Row> | undefined {
  return columns.filter(({drop}) => drop !== undefined).sort((a, b) => b.drop! - a.drop!)[0]
}

const noBorders = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, name === 'middle' ? ' '.repeat(gap) : '']),
)

/** The fields of the JSON report as a table for programs: raw numbers, ISO times, nothing where nothing is known. */
export function renderCsv(rows: readonly object[], fields: readonly string[], headers: boolean): string {
  const value = (row: object, field: string) => {
    const entry = (row as Record<string, unknown>)[field]
    return Array.isArray(entry) ? entry.join(' ') : typeof entry === 'boolean' ? String(entry) : entry
  }
  return stringify(
    rows.map((row) => fields.map((field) => value(row, field))),
    {header: headers, columns: fields.map((field) => ({key: field}))},
  ).trimEnd()
}
