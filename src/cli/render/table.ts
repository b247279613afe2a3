import {Chalk} from 'chalk'
import CliTable from 'cli-table3'
import {cellText, dash, isInstant} from '../../units/cell-text.js'
import type {Column, MachineValue, ReportTable, TableContext} from '../../units/report-table.js'
import {distinctCut, type NameCut} from './name-cut.js'
import {cut, printable, widthOf} from './text.js'

export {closing, wrap} from './text.js'

/** The style of a table, independent of the terminal. */
export interface TableStyle {
  /** Null if stdout is not a terminal: nothing is truncated. */
  width: number | null
  color: boolean
  headers: boolean
}

export interface RenderedTable {
  text: string
  /** Headings of columns omitted for lack of width, except those that only wide terminals show. */
  leftOut: string[]
}

/** A column with its cells; the total is the last one. */
interface Cells<Row, Context extends TableContext> {
  column: Column<Row, Context>
  heading: string
  cells: readonly string[]
  /** Width without truncation. */
  natural: number
  /** The minimum width, and where the text is truncated. */
  least: NameCut
}

const gap = 2
/**
 * Terminals of at least this width show additional columns; at 80 columns a report has the same columns for any names.
 */
const roomy = 100
/** A truncatable text column (not a name) gives up width above this if another column then fits. */
const comfortable = 40

/**
 * A table without borders, as in kubectl, never wider than the terminal: columns are dropped by priority, then
 * truncated. Wide terminals show additional columns.
 * @param total the last row, with totals
 */
export function renderTable<Row, Context extends TableContext>(
  table: ReportTable<Row, Context>,
  rows: readonly Row[],
  context: Context,
  {style, total = null}: {style: TableStyle; total?: Row | null},
): RenderedTable {
  const all = total === null ? rows : [...rows, total]
  if (all.length === 0 && !style.headers) return {text: '', leftOut: []}
  const columns = columnsForPeople(table.columns, rows, context).map((column) =>
    cellsOf(column, rows, all, context, style.headers),
  )
  const {chosen, widths, leftOut} = fitted(columns, style.width)
  const lines = draw(chosen, widths, style.headers)
  const paint = new Chalk({level: style.color ? 1 : 0})
  const head = style.headers ? 1 : 0
  const text = lines
    .map((line, index) => {
      const row = index - head
      const marked = row >= 0 && row < rows.length && (table.marked?.(rows[row]!, context) ?? false)
      const whole = `${marked ? '!' : ' '}${line}`.trimEnd()
      if (row < 0) return paint.dim(whole)
      return marked ? paint.yellow(whole) : whole
    })
    .join('\n')
  return {text, leftOut}
}

/** Omits columns for programs, and columns without information in this report. */
export function columnsForPeople<Row, Context extends TableContext>(
  columns: readonly Column<Row, Context>[],
  rows: readonly Row[],
  context: Context,
): Column<Row, Context>[] {
  return columns.filter((column) => {
    if (column.show === 'data') return false
    if (column.hide === undefined) return true
    const texts = rows.map((row) => cellText(column, row, context))
    if (column.hide === 'empty') return texts.some((text) => text !== '' && text !== dash)
    return rows.length === 0 || new Set(texts).size > 1
  })
}

/** `(UTC)` is removed for columns without a time zone and for integers. */
export function headingOf<Row, Context extends TableContext>(
  column: Column<Row, Context>,
  rows: readonly Row[],
): string {
  const {heading} = column
  const bare = heading.replace(' (UTC)', '')
  if (bare === heading) return heading
  const values = rows.map((row): MachineValue => column.value(row))
  const times = values.filter((each) => typeof each === 'string' && each.includes('T'))
  const utc = times.length > 0 ? times.every(isInstant) : values.every((each) => each === null)
  return utc ? heading : bare
}

/** One line without control characters, not longer than the column allows. */
export function cellForPeople<Row, Context extends TableContext>(
  column: Column<Row, Context>,
  row: Row,
  context: Context,
): string {
  const text = printable(cellText(column, row, context))
  return column.longest === undefined ? text : cut(text, column.longest, 'end')
}

/** Numbers and ages are right-aligned. */
export function alignOf<Row, Context extends TableContext>({align, type}: Column<Row, Context>): 'left' | 'right' {
  const left = ['instant', 'text', 'name', 'note', 'list', 'flag']
  return align ?? (left.includes(type) ? 'left' : 'right')
}

function cellsOf<Row, Context extends TableContext>(
  column: Column<Row, Context>,
  rows: readonly Row[],
  all: readonly Row[],
  context: Context,
  headers: boolean,
): Cells<Row, Context> {
  const heading = headingOf(column, rows)
  const cells = all.map((row) => cellForPeople(column, row, context))
  const natural = cells.reduce((most, cell) => Math.max(most, widthOf(cell)), headers ? widthOf(heading) : 0)
  const where = column.keep === 'end' ? 'start' : 'end'
  const least: NameCut = {width: Math.min(natural, column.shrink ?? natural), where}
  return {column, heading, cells, natural, least}
}

/** Truncates names so that they remain distinguishable, if enough width is left for the other columns. */
function withDistinctNames<Row, Context extends TableContext>(
  columns: readonly Cells<Row, Context>[],
  width: number,
): Cells<Row, Context>[] {
  return columns.map((each) => {
    if (each.column.type !== 'name' || each.least.width === each.natural) return each
    return {...each, least: distinctCut(each.cells, each.least.width, Math.floor(width * 0.6))}
  })
}

interface Fitted<Row, Context extends TableContext> {
  chosen: Cells<Row, Context>[]
  widths: number[]
  leftOut: string[]
}

function fitted<Row, Context extends TableContext>(
  columns: readonly Cells<Row, Context>[],
  width: number | null,
): Fitted<Row, Context> {
  const forAll = (all: readonly Cells<Row, Context>[]) => all.filter(({column}) => column.show !== 'room')
  const naturals = forAll(columns).map(({natural}) => natural)
  if (width === null) return {chosen: forAll(columns), widths: naturals, leftOut: []}
  const all = sum(naturals) <= width ? columns : withDistinctNames(columns, width)
  const standard = forAll(all)
  const kept = withoutLowest(standard, width)
  const leftOut = standard.filter((each) => !kept.includes(each)).map(({heading}) => heading)
  const chosen = leftOut.length > 0 || width < roomy ? kept : withRoom(all, kept, width)
  return {chosen, widths: narrowed(chosen, width), leftOut}
}

/** Total width: one column for the mark, plus the gaps. */
function sum(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width + gap, 1 - gap)
}

/** Drops columns by priority, then from the right, until the truncated rest fits; the first column is always kept. */
function withoutLowest<Row, Context extends TableContext>(
  standard: Cells<Row, Context>[],
  width: number,
): Cells<Row, Context>[] {
  let kept = standard
  while (sum(kept.map(({least}) => least.width)) > width && kept.length > 1) {
    const lowest = Math.max(...kept.slice(1).map(({column}) => column.priority ?? 0))
    const next = kept.findLast(({column}, index) => index > 0 && (column.priority ?? 0) === lowest)
    kept = kept.filter((each) => each !== next)
  }
  return kept
}

/** Adds the columns for wide terminals, as long as no other column must be truncated for them. */
function withRoom<Row, Context extends TableContext>(
  columns: readonly Cells<Row, Context>[],
  kept: readonly Cells<Row, Context>[],
  width: number,
): Cells<Row, Context>[] {
  const enough = ({column: {type, shrink}, natural}: Cells<Row, Context>) =>
    shrink === undefined || type === 'name' ? natural : Math.min(natural, Math.max(shrink, comfortable))
  const chosen = new Set(kept)
  const more = columns
    .filter((each) => !chosen.has(each))
    .sort((a, b) => (a.column.priority ?? 0) - (b.column.priority ?? 0))
  for (const each of more) if (sum([...chosen, each].map(enough)) <= width) chosen.add(each)
  return columns.filter((each) => chosen.has(each))
}

/** Truncates from the right, because the first columns identify the row. */
function narrowed<Row, Context extends TableContext>(chosen: readonly Cells<Row, Context>[], width: number): number[] {
  const widths = chosen.map(({natural}) => natural)
  for (let index = widths.length - 1; index >= 0; index -= 1) {
    const over = sum(widths) - width
    if (over > 0) widths[index] = Math.max(chosen[index]!.least.width, widths[index]! - over)
  }
  // A single column that must not be truncated, on a narrower terminal.
  if (sum(widths) > width && widths.length === 1) widths[0] = Math.max(1, width - 1)
  return widths
}

function draw<Row, Context extends TableContext>(
  chosen: readonly Cells<Row, Context>[],
  widths: readonly number[],
  headers: boolean,
): string[] {
  const table = new CliTable({
    chars: noBorders,
    style: {head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true},
    colAligns: chosen.map(({column}) => alignOf(column)),
    colWidths: [...widths],
  })
  const cell = (text: string, index: number) => cut(text, widths[index]!, chosen[index]!.least.where) || ' '
  if (headers) table.push(chosen.map(({heading}, index) => cut(heading, widths[index]!, 'end')))
  const count = chosen[0]?.cells.length ?? 0
  for (let row = 0; row < count; row += 1) table.push(chosen.map(({cells}, index) => cell(cells[row]!, index)))
  return table.toString().split('\n')
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
