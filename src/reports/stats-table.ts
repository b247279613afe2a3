import {shortName} from '../db/qualified-name.js'
import {ageOr, bytesOr, dash, isInstant} from '../units/cell-text.js'
import type {ReportTable} from '../units/report-table.js'
import type {StatsReport, TableStats} from './stats.js'
import {nameColumns} from './name-columns.js'

const estimated = ({sizeBasis}: TableStats) => (sizeBasis === 'estimated' ? '~' : '')
const marks = {exact: '', estimated: '~', mixed: '>'} as const
/** The total row has no name. */
const isTotal = ({table}: TableStats) => table === ''

export const statsTable: ReportTable<TableStats, StatsReport> = {
  columns: [
    ...nameColumns<TableStats, StatsReport>({shrink: 12, text: markedName}),
    {id: 'kind', heading: 'KIND', type: 'text', show: 'data', value: (row) => row.kind},
    {id: 'managed', heading: 'MANAGED', type: 'flag', show: 'data', value: (row) => row.managed},
    {
      id: 'total_bytes',
      heading: 'SIZE',
      type: 'bytes',
      value: (row) => row.totalBytes,
      text: (row) => bytesOr(row.totalBytes, marks[row.sizeBasis]),
    },
    {id: 'size_basis', heading: 'SIZE BASIS', type: 'text', show: 'data', value: (row) => row.sizeBasis},
    {
      id: 'bytes_per_day',
      heading: 'IN/DAY',
      type: 'bytes',
      value: (row) => row.bytesPerDay,
      text: (row) => bytesOr(row.bytesPerDay, estimated(row)),
      priority: 2,
    },
    {id: 'chunks', heading: 'CHUNKS', type: 'count', value: (row) => row.chunks, priority: 3},
    {id: 'skipped_chunks', heading: 'SKIPPED', type: 'count', show: 'data', value: (row) => row.skippedChunks},
    {id: 'shards', heading: 'SHARDS', type: 'count', hide: 'empty', value: (row) => row.shards, priority: 4},
    {id: 'nodes', heading: 'NODES', type: 'count', hide: 'empty', value: (row) => row.nodes, priority: 4},
    {id: 'average_chunk_bytes', heading: 'AVG CHUNK', type: 'bytes', show: 'room', value: averageChunk, priority: 4},
    {id: 'compressed_chunks', heading: 'COMPR', type: 'count', value: (row) => row.compressedChunks, priority: 4},
    {id: 'before_bytes', heading: 'BEFORE', type: 'bytes', show: 'room', value: (row) => row.beforeBytes, priority: 2},
    {id: 'after_bytes', heading: 'AFTER', type: 'bytes', show: 'room', value: (row) => row.afterBytes, priority: 2},
    {id: 'ratio', heading: 'RATIO', type: 'ratio', show: 'data', value: (row) => row.ratio},
    {id: 'saved_percent', heading: 'SAVED', type: 'percent', value: (row) => row.savedPercent, priority: 1},
    {
      id: 'oldest',
      heading: 'OLDEST',
      type: 'age',
      show: 'room',
      value: (row) => row.oldest,
      text: (row, {at}) => (isTotal(row) ? '' : ageIfKnown(row.oldest, at)),
      priority: 1,
    },
    {
      id: 'newest',
      heading: 'NEWEST',
      type: 'age',
      value: (row) => row.newest,
      text: (row, {at}) => (isTotal(row) ? '' : ageIfKnown(row.newest, at)),
    },
    {
      id: 'next_drop',
      heading: 'NEXT DROP',
      type: 'age',
      show: 'room',
      value: (row) => row.nextDrop,
      text: nextDropText,
      priority: 3,
    },
    {id: 'policies', heading: 'POLICIES', type: 'count', show: 'data', value: (row) => row.policies},
    {id: 'late', heading: 'POLICIES', type: 'count', align: 'left', value: (row) => row.late, text: policiesText},
    {id: 'paused', heading: 'PAUSED', type: 'count', show: 'data', value: (row) => row.paused},
  ],
  marked: ({late}) => (late ?? 0) > 0,
}

/** If no table is managed, the mark is omitted: it would be in every row. */
function markedName(row: TableStats, {tables}: StatsReport): string {
  if (isTotal(row)) return 'TOTAL'
  const mark = row.managed || !tables.some(({managed}) => managed) ? '' : ' *'
  return `${shortName(row.schema, row.table)}${mark}`
}

function averageChunk({totalBytes, chunks, skippedChunks}: TableStats): number | null {
  const counted = chunks - skippedChunks
  return totalBytes === null || counted <= 0 ? null : Math.round(totalBytes / counted)
}

/** An integer of unknown unit takes much width and tells people nothing. */
function ageIfKnown(value: TableStats['newest'], at: string): string {
  return isInstant(value) ? ageOr(value, at) : dash
}

function nextDropText(row: TableStats, {at}: StatsReport): string {
  if (isTotal(row)) return ''
  if (row.nextDrop === null) return dash
  const age = ageOr(row.nextDrop, at)
  return age.startsWith('in ') ? age : 'now'
}

function policiesText(row: TableStats): string {
  if (row.late !== null && row.late > 0) return `${row.late} late`
  if (isTotal(row)) return ''
  if (row.policies === 0) return 'none'
  if (row.late === null) return 'unknown'
  return row.paused ? `${row.paused} paused` : 'ok'
}
