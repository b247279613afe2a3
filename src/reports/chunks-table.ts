import {formatQualifiedName, shortName} from '../db/qualified-name.js'
import {ageOr, bytesOr, countText, dash} from '../units/cell-text.js'
import {formatAge} from '../units/elapsed.js'
import {formatInstant, secondsBetween, type Instant} from '../units/instant.js'
import type {ReportTable} from '../units/report-table.js'
import {instantOf, toMicros} from '../catalog/time.js'
import type {ChunksReport, ChunkStats} from './chunks.js'
import {nameColumns} from './name-columns.js'

/** The time of the report, and whether its sizes are estimates. */
export interface ChunksContext extends Pick<ChunksReport, 'at'> {
  fast: boolean
}

const unitSeconds = {s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9} as const
const mark = ({fast}: ChunksContext) => (fast ? '~' : '')

export const chunksTable: ReportTable<ChunkStats, ChunksContext> = {
  columns: [
    ...nameColumns<ChunkStats>({shrink: 10, hide: 'same'}),
    {id: 'chunk_schema', heading: 'CHUNK SCHEMA', type: 'name', show: 'data', value: (row) => row.chunkSchema},
    {id: 'chunk', heading: 'CHUNK', type: 'name', value: (row) => row.chunk, text: chunkName, shrink: 24},
    {
      id: 'range_start',
      heading: 'FROM (UTC)',
      type: 'instant',
      value: (row) => row.rangeStart,
      text: ({rangeStart, rangeUnit}) => edgeText(rangeStart, rangeUnit),
    },
    {
      id: 'range_end',
      heading: 'TO',
      type: 'instant',
      show: 'room',
      value: (row) => row.rangeEnd,
      text: ({rangeEnd, rangeUnit}) => edgeText(rangeEnd, rangeUnit),
      priority: 2,
    },
    {id: 'range_unit', heading: 'UNIT', type: 'text', show: 'data', value: (row) => row.rangeUnit},
    {
      id: 'range_seconds',
      heading: 'SPAN',
      type: 'seconds',
      align: 'left',
      value: spanSeconds,
      text: spanText,
      priority: 2,
    },
    {id: 'space', heading: 'SPACE', type: 'text', hide: 'empty', value: (row) => row.space, priority: 1},
    {id: 'flags', heading: 'STATUS', type: 'list', value: (row) => row.flags, text: statusText},
    {
      id: 'estimated_rows',
      heading: '~ROWS',
      type: 'count',
      hide: 'empty',
      value: (row) => row.estimatedRows,
      text: (row) => countText(row.estimatedRows),
      priority: 2,
    },
    {
      id: 'total_bytes',
      heading: 'SIZE',
      type: 'bytes',
      value: (row) => row.totalBytes,
      text: ({totalBytes}, context) => bytesOr(totalBytes, mark(context)),
    },
    {
      id: 'index_bytes',
      heading: 'INDEX',
      type: 'bytes',
      show: 'room',
      value: (row) => row.indexBytes,
      text: ({indexBytes}, context) => bytesOr(indexBytes, mark(context)),
      priority: 3,
    },
    {id: 'before_bytes', heading: 'BEFORE', type: 'bytes', hide: 'empty', value: (row) => row.beforeBytes, priority: 3},
    {
      id: 'after_bytes',
      heading: 'AFTER',
      type: 'bytes',
      show: 'room',
      hide: 'empty',
      value: (row) => row.afterBytes,
      priority: 5,
    },
    {id: 'ratio', heading: 'RATIO', type: 'ratio', show: 'room', hide: 'empty', value: (row) => row.ratio, priority: 4},
    {id: 'due', heading: 'DUE', type: 'flag', show: 'data', value: (row) => row.due},
    {id: 'due_policy', heading: 'DUE FOR', type: 'text', show: 'data', value: (row) => row.duePolicy},
    {
      id: 'due_since',
      heading: 'DUE SINCE',
      type: 'age',
      hide: 'empty',
      value: (row) => row.dueSince,
      text: dueSinceText,
    },
    {id: 'late', heading: 'LATE', type: 'flag', show: 'data', value: (row) => row.late},
    {
      id: 'why',
      heading: 'WHY',
      type: 'note',
      show: 'room',
      hide: 'empty',
      value: (row) => row.why,
      shrink: 16,
      priority: 1,
    },
  ],
  marked: ({late}) => late === true,
}

/** Omits TimescaleDB's internal schema and the schema of the table. */
function chunkName({schema, chunkSchema, chunk}: ChunkStats): string {
  return chunkSchema === '_timescaledb_internal' || chunkSchema === schema
    ? shortName('public', chunk)
    : formatQualifiedName(chunkSchema, chunk)
}

function edgeText(value: ChunkStats['rangeStart'], unit: ChunkStats['rangeUnit']): string {
  if (value === null) return dash
  if (unit === 'time') return formatInstant(value as Instant)
  if (unit === null || unit === 'integer') return String(value)
  const second = 1_000_000n
  const micros = toMicros(BigInt(value), unit)
  const instant = instantOf(micros - (((micros % second) + second) % second))
  return instant === null ? String(value) : formatInstant(instant)
}

function spanSeconds({rangeStart, rangeEnd, rangeUnit}: ChunkStats): number | null {
  if (rangeStart === null || rangeEnd === null || rangeUnit === null || rangeUnit === 'integer') return null
  return rangeUnit === 'time'
    ? secondsBetween(rangeStart as Instant, rangeEnd as Instant)
    : Number(BigInt(rangeEnd) - BigInt(rangeStart)) * unitSeconds[rangeUnit]
}

function spanText(row: ChunkStats): string {
  const {rangeStart, rangeEnd, rangeUnit} = row
  if (rangeUnit === 'integer' && rangeStart !== null && rangeEnd !== null)
    return (BigInt(rangeEnd) - BigInt(rangeStart)).toString()
  const seconds = spanSeconds(row)
  return seconds === null ? dash : formatAge(seconds)
}

function statusText({flags}: ChunkStats): string {
  const word =
    (['tiered', 'columnar', 'partial', 'unordered', 'compressed'] as const).find((flag) => flags.includes(flag)) ??
    'uncompressed'
  return flags.includes('frozen') ? `${word}, frozen` : word
}

function dueSinceText({due, dueSince}: ChunkStats, {at}: ChunksContext): string {
  if (due === false) return dash
  return dueSince === null ? 'unknown' : ageOr(dueSince, at)
}
