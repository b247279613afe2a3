import {formatQualifiedName} from '../db/qualified-name.js'
import {plural} from '../units/plural.js'
import type {ChunkStats} from './chunks.js'

/** A cell has the worst state of its chunks; the worst is the last of this list. */
export const chunkStates = ['compressed', 'uncompressed', 'partial', 'late'] as const
export type ChunkState = (typeof chunkStates)[number]

export const stateWords: Record<ChunkState, string> = {
  compressed: 'compressed',
  uncompressed: 'uncompressed',
  partial: 'partly compressed',
  late: 'with late work',
}

/** One chunk, or several beside each other where there are more chunks than room. */
export interface Cell {
  /** Milliseconds since 1970; half-open. */
  from: number
  to: number
  chunks: number
  /** Null if the size of one of them is unknown. */
  bytes: number | null
  state: ChunkState
  /** The name of the chunk if there is exactly one. */
  name: string | null
}

export interface MapRow {
  schema: string
  table: string
  cells: Cell[]
  /** Number of chunks in each state. */
  counts: Record<ChunkState, number>
  chunks: number
}

/** What a column of a terminal shows of a table; null where it has no chunk. */
export type MapColumn = Pick<Cell, 'state' | 'bytes'> | null

export interface ChunkMap {
  rows: MapRow[]
  /** Milliseconds since 1970: the range of the time axis; null if no chunk can be placed. */
  from: number | null
  to: number | null
  /** Chunks whose range is not a time, is unbounded, or lies far from the others. */
  unplaced: number
  /** Tables omitted because there are too many. */
  omittedTables: number
}

const year = 365 * 86_400_000
/** A chunk further away would leave the others a line of one pixel. */
const yearsBack = 10
const yearsAhead = 1

/** The most that a map may have. */
export interface MapRoom {
  rows: number
  cells: number
  cellsPerRow: number
}

interface Placed {
  chunk: ChunkStats
  from: number
  to: number
}

/**
 * The chunks of every table on one time axis, the largest tables first. Where there are more chunks than room,
 * neighbours share a cell.
 * @param at the time of the report, in milliseconds since 1970
 */
export function chunkMap(chunks: readonly ChunkStats[], at: number, room: MapRoom): ChunkMap {
  const placed = chunks.flatMap((chunk): Placed[] => {
    const [from, to] = [millis(chunk.rangeStart), millis(chunk.rangeEnd)]
    if (chunk.rangeUnit !== 'time' || from === null || to === null) return []
    return to < at - yearsBack * year || from > at + yearsAhead * year ? [] : [{chunk, from, to}]
  })
  const byTable = new Map<string, Placed[]>()
  for (const one of placed) {
    const key = formatQualifiedName(one.chunk.schema, one.chunk.table)
    const row = byTable.get(key)
    if (row === undefined) byTable.set(key, [one])
    else row.push(one)
  }
  const tables = [...byTable.values()].sort((a, b) => sizeOf(b) - sizeOf(a))
  const shown = tables.slice(0, room.rows)
  const perRow = Math.min(room.cellsPerRow, Math.floor(room.cells / Math.max(1, shown.length)))
  const onAxis = shown.flat()
  return {
    rows: shown.map((row) => mapRow(row, perRow)),
    from: onAxis.length === 0 ? null : onAxis.reduce((first, {from}) => Math.min(first, from), Infinity),
    to: onAxis.length === 0 ? null : onAxis.reduce((last, {to}) => Math.max(last, to), -Infinity),
    unplaced: chunks.length - placed.length,
    omittedTables: tables.length - shown.length,
  }
}

/** The cells of a row in columns of equal time: a column has the worst state and the largest size of its cells. */
export function columnsOf({cells}: Pick<MapRow, 'cells'>, {from, to}: ChunkMap, columns: number): MapColumn[] {
  if (from === null || to === null) return []
  const drawn = Array.from({length: columns}, (): MapColumn => null)
  const position = (at: number) => ((at - from) / (to - from)) * columns
  for (const cell of cells) {
    const first = Math.min(columns - 1, Math.floor(position(cell.from)))
    const last = Math.max(first, Math.min(columns, Math.ceil(position(cell.to))) - 1)
    for (let at = first; at <= last; at += 1) drawn[at] = worse(drawn[at]!, cell)
  }
  return drawn
}

function worse(one: MapColumn, {state, bytes}: Cell): MapColumn {
  if (one === null) return {state, bytes}
  return {
    state: chunkStates.indexOf(state) > chunkStates.indexOf(one.state) ? state : one.state,
    bytes: one.bytes === null || bytes === null ? null : Math.max(one.bytes, bytes),
  }
}

/** The states that a map has, with the number of chunks in each. */
export function mapStates({rows}: ChunkMap): {state: ChunkState; chunks: number; words: string}[] {
  return chunkStates
    .map((state) => ({
      state,
      chunks: rows.reduce((sum, {counts}) => sum + counts[state], 0),
      words: stateWords[state],
    }))
    .filter(({chunks}) => chunks > 0)
}

/** What a map does not show, as sentences. */
export function mapNotes({unplaced, omittedTables}: ChunkMap): string[] {
  return [
    ...(unplaced > 0
      ? [
          `${plural(unplaced, 'chunk')} not shown: the range is not a time, has no bound, or is more than 10 ` +
            'years in the past or a year ahead.',
        ]
      : []),
    ...(omittedTables > 0 ? [`${plural(omittedTables, 'smaller table')} not shown.`] : []),
  ]
}

function mapRow(placed: readonly Placed[], room: number): MapRow {
  const sorted = [...placed].sort((a, b) => a.from - b.from || a.to - b.to)
  const counts: MapRow['counts'] = {compressed: 0, uncompressed: 0, partial: 0, late: 0}
  for (const {chunk} of sorted) counts[stateOf(chunk)] += 1
  const first = sorted[0]!
  const end = sorted.reduce((last, {to}) => Math.max(last, to), first.to)
  const ranges = new Set(sorted.map(({from, to}) => `${from} ${to}`)).size
  // Chunks of one range in several space partitions always share a cell.
  const width = ranges <= room ? 0 : (end - first.from) / room
  const cells: Cell[] = []
  for (const one of sorted) {
    const last = cells.at(-1)
    const joins = last !== undefined && (one.from < last.to || one.to - last.from <= width)
    if (joins) add(last, one)
    else cells.push(newCell(one))
  }
  return {schema: first.chunk.schema, table: first.chunk.table, cells, counts, chunks: placed.length}
}

function newCell({chunk, from, to}: Placed): Cell {
  return {from, to, chunks: 1, bytes: chunk.totalBytes, state: stateOf(chunk), name: chunk.chunk}
}

function add(cell: Cell, {chunk, to}: Placed): void {
  cell.to = Math.max(cell.to, to)
  cell.chunks += 1
  cell.name = null
  cell.bytes = cell.bytes === null || chunk.totalBytes === null ? null : cell.bytes + chunk.totalBytes
  const state = stateOf(chunk)
  if (chunkStates.indexOf(state) > chunkStates.indexOf(cell.state)) cell.state = state
}

function stateOf({flags, late}: ChunkStats): ChunkState {
  if (late === true) return 'late'
  if (flags.includes('partial') || flags.includes('unordered')) return 'partial'
  return flags.includes('compressed') ? 'compressed' : 'uncompressed'
}

function sizeOf(placed: readonly Placed[]): number {
  return placed.reduce((sum, {chunk}) => sum + (chunk.totalBytes ?? 0), 0)
}

/** Times without a zone are placed as UTC. */
function millis(bound: ChunkStats['rangeStart']): number | null {
  if (typeof bound !== 'string') return null
  const ms = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(bound) ? bound : `${bound.replace(' ', 'T')}Z`)
  return Number.isNaN(ms) ? null : ms
}
