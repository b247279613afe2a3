import {formatName, shortName} from '../../db/qualified-name.js'
import type {ReportTable} from '../../units/report-table.js'
import {closing, renderTable, wrap, type TableStyle} from './table.js'
import {bytesOr, dash, formatInstant, plural} from './words.js'

/** The data that a drop removes, as reported. */
export interface DropShown {
  chunks: readonly {
    schema: string
    table: string
    chunkSchema: string
    chunk: string
    space: string | null
    rangeStart: string | number | null
    rangeEnd: string | number | null
    flags: readonly string[]
    rows: number | null
    totalBytes: number | null
  }[]
  rows: number | null
  totalBytes: number | null
  aggregates: readonly {
    schema: string
    view: string
    level: number
    covered: boolean
    filtered: boolean | null
    gaps: readonly {from: string | number | null; to: string | number | null}[]
  }[]
}

const shown = 20

type DroppedChunk = DropShown['chunks'][number]

const dropTable: ReportTable<DroppedChunk> = {
  columns: [
    {
      id: 'chunk',
      heading: 'CHUNK',
      type: 'name',
      value: (row) => row.chunk,
      text: ({chunk}) => formatName(chunk),
      shrink: 16,
    },
    {id: 'range_start', heading: 'FROM (UTC)', type: 'instant', value: (row) => row.rangeStart},
    {id: 'range_end', heading: 'TO', type: 'instant', value: (row) => row.rangeEnd},
    {id: 'space', heading: 'SPACE', type: 'text', hide: 'empty', value: (row) => row.space},
    {
      id: 'flags',
      heading: 'STATUS',
      type: 'list',
      value: (row) => row.flags,
      text: ({flags}) => flags.join(' ') || 'uncompressed',
      priority: 1,
    },
    {
      id: 'rows',
      heading: 'ROWS',
      type: 'count',
      value: (row) => row.rows,
      text: ({rows}) => (rows === null ? 'unknown' : String(rows)),
    },
    {id: 'total_bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.totalBytes},
  ],
}

/** The data that would be lost, shown before the confirmation. */
export function renderDrop({chunks, rows, totalBytes, aggregates}: DropShown, style: TableStyle): string {
  if (chunks.length === 0) return ''
  const listed = chunks.slice(0, shown)
  const rest = chunks.length - listed.length
  const {text: table} = renderTable(dropTable, listed, {at: ''}, {style})
  const covered = aggregates.map((each) =>
    wrap(`${each.covered ? ' ' : '!'}${shortName(each.schema, each.view)}: ${coverageWords(each)}`, style.width),
  )
  return [
    table,
    ...(rest > 0 ? [` … and ${rest} more (--json has them all)`] : []),
    ...(covered.length > 0 ? covered : [' No aggregate reads this table.']),
    closing(
      [`${plural(chunks.length, 'chunk')}, ${rowsLost(chunks, rows)}, ${bytesLost(chunks, totalBytes)}.`],
      style.width,
    ),
  ].join('\n')
}

/** Where a chunk's rows are unknown, those of the others are the least that is lost. */
function rowsLost(chunks: DropShown['chunks'], rows: number | null): string {
  return rows === null ? `at least ${plural(known(chunks.map((chunk) => chunk.rows)), 'row')}` : plural(rows, 'row')
}

function bytesLost(chunks: DropShown['chunks'], bytes: number | null): string {
  return bytes === null ? `at least ${bytesOr(known(chunks.map((chunk) => chunk.totalBytes)))}` : bytesOr(bytes)
}

function coverageWords({covered, filtered, gaps}: DropShown['aggregates'][number]): string {
  const left =
    filtered === true ? '; its query excludes rows (WHERE, HAVING or a join), which are not in this aggregate' : ''
  if (covered && filtered === true) return `has computed all the rows it reads${left}`
  if (covered) return 'has computed all rows'
  const first = gaps[0]
  return (
    `has not computed ${edge(first?.from ?? null)} to ` +
    `${edge(first?.to ?? null)}${gaps.length > 1 ? ` and ${plural(gaps.length - 1, 'more range')}` : ''}${left}`
  )
}

/** Sum of the known values. */
function known(values: readonly (number | null)[]): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
}

function edge(value: string | number | null): string {
  if (value === null) return dash
  return typeof value === 'string' ? formatInstant(value) : String(value)
}
