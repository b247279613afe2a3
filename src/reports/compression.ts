import type {Database} from '../db/database.js'
import {compressionOf} from '../catalog/compression-totals.js'
import {loadSql} from '../db/load-sql.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {statement} from '../db/sql.js'
import {can} from '../engines/index.js'
import {totalOf} from '../catalog/total-bytes.js'
import {readChunkBytes, type ChunkBytes} from '../catalog/chunk-bytes.js'
import {orderOf} from '../catalog/read-hypertables.js'
import {dueState, type DueState} from '../catalog/due.js'
import {offsetInWords} from '../catalog/offset-words.js'
import {spanOf} from '../catalog/span.js'
import {compareAscending} from '../units/compare.js'
import type {TableClock} from '../catalog/table-clock.js'
import {leftOutNotes, recordNotes} from './notes.js'
import type {TableStats} from './stats.js'
import {readSnapshot, type ReportHead, type SnapshotRequest} from '../catalog/snapshot.js'
import {has, isCompressed, type Table} from '../catalog/table.js'

export interface CompressionReport extends ReportHead<'stats.compression'> {
  tables: TableCompression[]
  /** Tables that could be compressed but have compression disabled, largest first; empty if one table was requested. */
  uncompressed: UncompressedTable[]
  notes: string[]
}

export interface TableCompression extends Pick<TableStats, 'beforeBytes' | 'afterBytes' | 'ratio' | 'savedPercent'> {
  schema: string
  table: string
  chunks: number
  /** Fully compressed chunks. TimescaleDB's number_compressed_chunks also counts partially compressed ones. */
  compressedChunks: number
  /** Chunks older than the policy's age, compressed or not; null without a policy. */
  dueChunks: number | null
  /** The due chunks that are not compressed, or only partially. */
  notDoneChunks: number | null
  /** Whether a due chunk is overdue. */
  late: boolean | null
  /** Current size of the chunks counted in beforeBytes and afterBytes. */
  liveBytes: number | null
  /** Estimated saving from compressing notDoneChunks, at the current ratio. */
  toGainBytes: number | null
  segmentBy: readonly string[] | null
  orderBy: readonly string[] | null
  /** Chunks compressed with settings that differ from the table's current ones. */
  oldSettingsChunks: number | null
  /** The policy's age in words; an integer of unknown unit unchanged. */
  after: string | null
}

export interface UncompressedTable {
  schema: string
  table: string
  totalBytes: number | null
}

export interface CompressionRequest extends SnapshotRequest {
  fast: boolean
}

/** Every table that is compressed or could be; a requested table is always included. */
export async function readCompression(db: Database, request: CompressionRequest): Promise<CompressionReport> {
  const {at, tables: all, policies, clocks} = await readSnapshot(db, request)
  const compresses = (table: Table) => table.compression || table.chunks.some(({status}) => has(status, 'compressed'))
  const tables = request.table === undefined ? all.filter(compresses) : all
  const others =
    request.table === undefined && can(db.server.engine, 'compression')
      ? all.filter((table) => table.id !== null && !compresses(table))
      : []
  const bytes = await readChunkBytes(db, [...tables, ...others], request.fast)
  const settings = await readSettings(db, tables)
  const rows = tables.map((table) => {
    const policy = policies.find((each) => each.table === table && each.kind === 'compression')
    const state = policy === undefined ? null : dueState(policy, clocks.get(table)!, at, request.lateAfter)
    return row(table, clocks.get(table)!, state, settings.get(table)!, bytes)
  })
  return {
    kind: 'stats.compression',
    version: 1,
    target: null,
    at,
    tables: rows.sort(
      (a, b) => (b.beforeBytes ?? -1) - (a.beforeBytes ?? -1) || (a.schema + a.table < b.schema + b.table ? -1 : 1),
    ),
    uncompressed: others
      .map((table) => ({schema: table.schema, table: table.name, totalBytes: totalOf(table, bytes).total}))
      .sort((a, b) => (b.totalBytes ?? -1) - (a.totalBytes ?? -1)),
    notes: [...leftOutNotes(tables, bytes, request.fast), ...recordNotes(tables), ...compressionAdvice(rows)],
  }
}

/** Without segmentBy a chunk is one segment, so only its length counts. */
function whyLarger(segmentBy: readonly string[] | null): string {
  return segmentBy === null || segmentBy.length === 0
    ? 'its chunks have too few rows. Choose a longer chunk interval.'
    : 'each segment has too few rows per chunk. Choose segmentBy columns with fewer distinct values, or a longer ' +
        'chunk interval.'
}

/** Advice on compressed tables with unusual sizes. */
export function compressionAdvice(
  rows: readonly Pick<TableCompression, 'schema' | 'table' | 'ratio' | 'afterBytes' | 'liveBytes' | 'segmentBy'>[],
): string[] {
  return rows.flatMap(({schema, table, ratio, afterBytes, liveBytes, segmentBy}) => {
    const name = formatQualifiedName(schema, table)
    return [
      ...(ratio !== null && ratio < 1
        ? [`Compression makes ${name} larger (ratio ${ratio.toFixed(1)}), because ${whyLarger(segmentBy)}`]
        : []),
      ...(afterBytes !== null && liveBytes !== null && liveBytes > Math.max(2 * afterBytes, afterBytes + 1_048_576)
        ? [
            `The compressed chunks of ${name} have more than doubled in size since they were compressed, because ` +
              'rows were added, changed or recompressed. VACUUM reclaims the space of dead rows.',
          ]
        : []),
    ]
  })
}

function row(
  table: Table,
  clock: TableClock,
  state: DueState | null,
  settings: Settings,
  bytes: ChunkBytes,
): TableCompression {
  const recorded = table.chunks.filter(({beforeBytes, afterBytes}) => beforeBytes !== null && afterBytes !== null)
  const sizes = compressionOf(table)
  const rowOrder = state?.policy.rowOrder
  return {
    schema: table.schema,
    table: table.name,
    chunks: table.chunks.filter(({tiered}) => !tiered).length,
    compressedChunks: table.chunks.filter(isCompressed).length,
    dueChunks: state?.due ?? null,
    notDoneChunks: state === null || state.due === null ? null : state.notDone.length,
    late: state?.late ?? null,
    ...sizes,
    liveBytes: recorded.length === 0 ? null : sum(recorded.map((chunk) => bytes.of(chunk))),
    toGainBytes: toGain(state, sizes.savedPercent, bytes),
    segmentBy: table.segmentBy ?? rowOrder?.segmentBy ?? settings.newest?.segmentBy ?? null,
    orderBy: table.orderBy ?? rowOrder?.orderBy ?? settings.newest?.orderBy ?? null,
    oldSettingsChunks: settings.old,
    after: ageInWords(state, table, clock),
  }
}

function ageInWords(state: DueState | null, table: Table, {unit}: TableClock): string | null {
  const {after, createdBefore} = state?.policy ?? {after: null, createdBefore: null}
  if (after === null) return createdBefore === null ? null : offsetInWords(createdBefore, 'time')
  return offsetInWords(after, table.time === 'integer' ? (unit ?? 'unknown') : 'time')
}

/** Sum of the known sizes; null if none is known. */
function sum(sizes: readonly (number | null)[]): number | null {
  const known = sizes.filter((size) => size !== null)
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0)
}

function toGain(state: DueState | null, savedPercent: number | null, bytes: ChunkBytes): number | null {
  if (state === null || state.due === null || savedPercent === null) return null
  if (state.notDone.length === 0) return 0
  const plain = sum(state.notDone.map(({chunk}) => bytes.ofPlainPart(chunk)))
  return plain === null ? null : Math.round((plain * savedPercent) / 100)
}

interface Settings {
  newest: {segmentBy: string[] | null; orderBy: string[] | null} | null
  old: number | null
}

interface SettingsRow {
  n: number
  segment_by: string[] | null
  order_by: string[] | null
  order_desc: boolean[] | null
  order_nulls_first: boolean[] | null
  chunks: number
  newest: number
}

async function readSettings(db: Database, tables: readonly Table[]): Promise<Map<Table, Settings>> {
  const compressed = tables.flatMap((table, n) =>
    table.chunks.filter((chunk) => chunk.compressed !== null).map((chunk) => ({n, chunk})),
  )
  compressed.sort((a, b) => compareAscending(spanOf(a.chunk).end, spanOf(b.chunk).end))
  const rows =
    compressed.length === 0
      ? []
      : await db.query<SettingsRow>(
          statement(loadSql('reports/compression-settings'), [
            compressed.map(({n}) => n),
            compressed.map(({chunk}) => chunk.relation),
            compressed.map(({chunk}) => chunk.compressed!),
          ]),
        )
  return new Map(
    tables.map((table, n) => {
      const tableRows = rows.filter((each) => each.n === n).sort((a, b) => b.newest - a.newest)
      const newest =
        tableRows[0] === undefined ? null : {segmentBy: tableRows[0].segment_by, orderBy: orderOf(tableRows[0])}
      // The same rule as sql/policies/chunk-settings.sql: a setting that the table leaves to TimescaleDB is not
      // compared.
      const {segmentBy, orderBy} = table
      const same = (each: SettingsRow) =>
        ((segmentBy === null && orderBy === null) || equal(each.segment_by, segmentBy)) &&
        (orderBy === null || equal(orderOf(each), orderBy))
      return [
        table,
        {
          newest,
          old:
            newest === null
              ? null
              : tableRows.filter((each) => !same(each)).reduce((count, {chunks}) => count + chunks, 0),
        },
      ]
    }),
  )
}

function equal(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return (a ?? []).join('\0') === (b ?? []).join('\0')
}
