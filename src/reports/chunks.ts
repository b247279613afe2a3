import type {Database} from '../db/database.js'
import type {Instant} from '../units/instant.js'
import type {UnansweredNode} from '../catalog/citus-sizes.js'
import {readChunkBytes, type ChunkBytes} from '../catalog/chunk-bytes.js'
import {microsIn, type TableClock} from '../catalog/table-clock.js'
import {dueState, graceOf, type DueChunk} from '../catalog/due.js'
import {clockNotes, leftOutNotes, recordNotes} from './notes.js'
import {unreadableNote} from '../catalog/read-emulated.js'
import {readSnapshot, type ReportHead, type SnapshotRequest} from '../catalog/snapshot.js'
import {has, qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import {compareAscending} from '../units/compare.js'
import {exactNumber, instantOf, microsOf, pointWords, type TimeUnit} from '../catalog/time.js'

export type ChunkFlag = 'compressed' | 'partial' | 'unordered' | 'frozen' | 'columnar' | 'tiered'

export interface ChunksReport extends ReportHead<'stats.chunks'> {
  /** Newest first. */
  chunks: ChunkStats[]
  /** Number of chunks of the requested tables, including those omitted from `chunks`. */
  totalChunks: number
  /** How many of them may have outstanding work, but it is not known. */
  unknownChunks: number
  /** Nodes of Citus whose shards are missing from the sizes. */
  unansweredNodes: readonly UnansweredNode[]
  notes: string[]
}

export interface ChunkStats {
  schema: string
  table: string
  chunkSchema: string
  chunk: string
  /** Times if rangeUnit is `time` (without a zone if the column has none), otherwise integers; null if unbounded. */
  rangeStart: Instant | number | string | null
  rangeEnd: Instant | number | string | null
  rangeUnit: 'time' | TimeUnit | 'integer' | null
  flags: ChunkFlag[]
  /** What ANALYZE saw or compression counted; null where neither has, or rows were written after compression. */
  estimatedRows: number | null
  totalBytes: number | null
  indexBytes: number | null
  beforeBytes: number | null
  afterBytes: number | null
  ratio: number | null
  /** Position in the hash dimension: `2/4`. */
  space: string | null
  /** Whether a policy should have processed it by now; null if unknown. */
  due: boolean | null
  /** Due since this instant; null if nothing is due, or if the instant is not recorded (`why` then says so). */
  dueSince: Instant | null
  /**
   * Due for longer than the schedule and the grace period allow; also true if it is due and the since-when is unknown.
   */
  late: boolean | null
  why: string | null
  /** The policy that should have processed it; null if nothing is due. */
  duePolicy: 'compression' | 'retention' | null
}

export interface ChunksRequest extends SnapshotRequest {
  fast: boolean
  /** Only chunks that a policy should have processed and has not. */
  late: boolean
}

/** The chunks of one table or of all tables, newest first. */
export async function readChunkStats(db: Database, request: ChunksRequest): Promise<ChunksReport> {
  const {at, tables, policies, policiesReadable, clocks} = await readSnapshot(db, request)
  const due = new Map<Chunk, DueChunk & {late: boolean}>()
  const unknown = new Set<string>(policiesReadable ? [] : tables.map(qualifiedName))
  for (const policy of policies) {
    if (policy.kind === 'refresh') continue
    const grace = microsOf(at) - graceOf(policy, request.lateAfter)
    const state = dueState(policy, clocks.get(policy.table)!, at, request.lateAfter)
    if (state.due === null) unknown.add(qualifiedName(policy.table))
    for (const each of state.notDone) {
      const known = due.get(each.chunk)
      // If two policies are due, the one that has been due longer.
      if (known === undefined || (each.since !== null && (known.since === null || each.since < known.since)))
        due.set(each.chunk, {...each, late: each.since === null || each.since < grace})
    }
  }
  const shown = tables.map((table) => ({
    ...table,
    chunks: request.late ? table.chunks.filter((chunk) => due.has(chunk)) : table.chunks,
  }))
  const bytes = await readChunkBytes(db, shown, request.fast, true)
  const rows = shown.flatMap((table, index) => {
    const clock = clocks.get(tables[index]!)!
    const end = (chunk: Chunk) => (chunk.end === null ? null : microsIn(chunk.end, table, clock))
    return table.chunks.map((chunk) => ({
      chunk,
      end: end(chunk),
      stats: row(
        table,
        chunk,
        clock,
        bytes,
        due.get(chunk) ?? (unknown.has(qualifiedName(table)) ? 'unknown' : undefined),
      ),
    }))
  })
  return {
    kind: 'stats.chunks',
    version: 1,
    target: null,
    at,
    chunks: rows.sort(newestFirst).map(({stats}) => stats),
    totalChunks: tables.reduce((count, {chunks}) => count + chunks.length, 0),
    unknownChunks: tables
      .filter((table) => unknown.has(qualifiedName(table)))
      .reduce((count, {chunks}) => count + chunks.filter((chunk) => !due.has(chunk)).length, 0),
    unansweredNodes: bytes.unanswered,
    notes: [
      ...leftOutNotes(shown, bytes, request.fast),
      ...clockNotes(tables, clocks),
      ...recordNotes(shown),
      ...(policiesReadable ? [] : [unreadableNote(db.server)]),
    ],
  }
}

const reasons: Record<DueChunk['why'], string> = {
  'never compressed': 'never compressed',
  refilled: 'rows written since; when is not recorded',
  unordered: 'unordered; since when is not recorded',
  'not dropped': 'older than the retention, not dropped',
}

function policyOf({why}: DueChunk): 'compression' | 'retention' {
  return why === 'not dropped' ? 'retention' : 'compression'
}

function row(
  table: Table,
  chunk: Chunk,
  clock: TableClock,
  bytes: ChunkBytes,
  known: (DueChunk & {late: boolean}) | 'unknown' | undefined,
): ChunkStats {
  const due = known === 'unknown' ? undefined : known
  const isUnknown = known === 'unknown'
  const {beforeBytes, afterBytes} = chunk
  const unit = rangeUnitOf(table, chunk, clock)
  return {
    schema: table.schema,
    table: table.name,
    chunkSchema: chunk.schema,
    chunk: chunk.name,
    rangeStart: bound(chunk.start, unit, table),
    rangeEnd: bound(chunk.end, unit, table),
    rangeUnit: unit,
    flags: flagsOf(chunk),
    estimatedRows: bytes.rowsOf(chunk),
    totalBytes: bytes.of(chunk),
    indexBytes: bytes.ofIndexes(chunk),
    beforeBytes,
    afterBytes,
    ratio: beforeBytes === null || afterBytes === null || afterBytes === 0 ? null : beforeBytes / afterBytes,
    space: chunk.space,
    due: isUnknown ? null : due !== undefined,
    dueSince: due?.since == null ? null : instantOf(due.since),
    late: isUnknown ? null : (due?.late ?? false),
    why: due === undefined ? null : reasonFor(due, table, clock),
    duePolicy: due === undefined ? null : policyOf(due),
  }
}

function rangeUnitOf({time}: Table, {start, end}: Chunk, {unit}: TableClock): ChunkStats['rangeUnit'] {
  if (start === null && end === null) return null
  return time === 'integer' ? (unit ?? 'integer') : 'time'
}

function reasonFor({since, why}: DueChunk, table: Table, clock: TableClock): string {
  const withoutUnit = since === null && why === 'never compressed' && microsIn(0n, table, clock) === null
  return withoutUnit ? `${reasons[why]}; the unit of its time is not known` : reasons[why]
}

/** TimescaleDB keeps the compressed bit of a partially compressed chunk; this reports only `partial`. */
function flagsOf({status, columnar, tiered}: Chunk): ChunkFlag[] {
  const flags = (['compressed', 'partial', 'unordered', 'frozen'] as const).filter((flag) => has(status, flag))
  return [...flags, ...(columnar ? (['columnar'] as const) : []), ...(tiered ? (['tiered'] as const) : [])]
}

function bound(value: bigint | null, unit: ChunkStats['rangeUnit'], {time}: Table): Instant | number | string | null {
  if (value === null) return null
  return unit === 'time' ? pointWords(value, time) : exactNumber(value)
}

interface Placed {
  chunk: Chunk
  /** Microseconds since 1970. */
  end: bigint | null
  stats: ChunkStats
}

/** Unbounded chunks come first; integers of unknown unit come last, because they cannot be placed in time. */
function newestFirst(a: Placed, b: Placed): number {
  return (
    rankOf(a) - rankOf(b) ||
    descending(a.end, b.end) ||
    compareAscending(a.stats.table, b.stats.table) ||
    descending(a.chunk.end, b.chunk.end) ||
    (a.chunk.name < b.chunk.name ? -1 : 1)
  )
}

function rankOf({chunk, end}: Placed): number {
  if (chunk.end === null) return 0
  return end === null ? 2 : 1
}

function descending(a: bigint | null, b: bigint | null): number {
  return a === null || b === null ? 0 : compareAscending(b, a)
}
