import {endShown} from '../catalog/format-point.js'
import {totalOf} from '../catalog/total-bytes.js'
import {batching} from '../db/batching.js'
import type {ConditionCode} from '../db/condition.js'
import type {Database} from '../db/database.js'
import type {Server} from '../db/server.js'
import type {Instant} from '../units/instant.js'
import type {UnansweredNode} from '../catalog/citus-sizes.js'
import {readChunkBytes, type ChunkBytes, type SizeBasis} from '../catalog/chunk-bytes.js'
import {compressionOf, type CompressionTotals} from '../catalog/compression-totals.js'
import {dueState, nextDrop} from '../catalog/due.js'
import {readTimeRanges, type TimeRange} from '../catalog/time-range.js'
import {bytesPerDay} from './bytes-per-day.js'
import {endNotes, leftOutNotes, recordNotes, clockNotes} from './notes.js'
import {refreshState} from '../catalog/refresh-state.js'
import {unreadableNote} from '../catalog/read-emulated.js'
import {readSnapshot, type ReportHead, type CatalogSnapshot, type SnapshotRequest} from '../catalog/snapshot.js'
import {isCompressed, qualifiedName, type Table} from '../catalog/table.js'
import {instantOf} from '../catalog/time.js'

export interface StatsReport extends ReportHead<'stats'> {
  server: Pick<
    Server,
    'postgres' | 'timescaledb' | 'edition' | 'inRecovery' | 'replayedAt' | 'workers' | 'pgCron' | 'pgStatStatements'
  > & {
    /** The version of Citus; null without it. */
    citus: string | null
    condition: ConditionCode[]
  }
  tables: TableStats[]
  /** Nodes of Citus whose shards are missing from the sizes. */
  unansweredNodes: readonly UnansweredNode[]
  /** Values that could not be read, and how to make them readable. */
  notes: string[]
}

export interface TableStats extends CompressionTotals {
  schema: string
  table: string
  kind: Table['kind']
  managed: boolean
  chunks: number
  compressedChunks: number
  totalBytes: number | null
  sizeBasis: SizeBasis
  /** Chunks missing from totalBytes: locked by another session, or without statistics. */
  skippedChunks: number
  /** Shards into which Citus distributes each partition, and nodes that hold them; null if it is not distributed. */
  shards: number | null
  nodes: number | null
  bytesPerDay: number | null
  /** An instant, or the plain integer if its unit is unknown. */
  oldest: Instant | number | string | null
  newest: Instant | number | string | null
  /** Number of policies, and how many of them have overdue work; null if this role may not see all of them. */
  policies: number | null
  late: number | null
  /** Number of policies whose job is paused; null if this role may not see all of them. */
  paused: number | null
  /** When the retention policy drops the next chunk; in the past if the drop is overdue. */
  nextDrop: Instant | null
}

export interface StatsRequest extends SnapshotRequest {
  fast: boolean
  /** Tables of the configuration and the definitions, as schema.table; may still be being read. */
  managed: ReadonlySet<string> | Promise<ReadonlySet<string>>
}

/** One row per table, largest first. Never waits for a lock: locked chunks are skipped and counted. */
export async function readStats(db: Database, request: StatsRequest): Promise<StatsReport> {
  const [managed, snapshot] = await Promise.all([request.managed, readSnapshot(db, request)])
  const measuring = readChunkBytes(db, snapshot.tables, request.fast)
  const locked = measuring.then((measured) => measured.locked)
  const [bytes, {ends, problems}] = await Promise.all([measuring, readTimeRanges(db, snapshot.tables, locked)])
  const late = await lateness(db, snapshot, request, ends)
  const tables = snapshot.tables.map((table) =>
    tableStats(table, snapshot, bytes, ends.get(table)!, {
      managed: managed.has(qualifiedName(table)),
      late: late.get(table)!,
    }),
  )
  const {postgres, timescaledb, edition, condition, inRecovery, replayedAt, workers, pgCron, pgStatStatements, citus} =
    db.server
  return {
    kind: 'stats',
    version: 1,
    target: null,
    at: snapshot.at,
    server: {
      postgres,
      timescaledb,
      edition,
      condition: condition.map(({code}) => code),
      inRecovery,
      replayedAt,
      workers,
      pgCron,
      pgStatStatements,
      citus: citus?.version ?? null,
    },
    tables: tables.sort(bySize),
    unansweredNodes: bytes.unanswered,
    notes: [
      ...leftOutNotes(snapshot.tables, bytes, request.fast),
      ...endNotes(problems),
      ...clockNotes(snapshot.tables, snapshot.clocks),
      ...recordNotes(snapshot.tables),
      ...(snapshot.policiesReadable ? [] : [unreadableNote(db.server)]),
    ],
  }
}

function tableStats(
  table: Table,
  {clocks, policies, policiesReadable}: CatalogSnapshot,
  bytes: ChunkBytes,
  ends: TimeRange,
  known: {managed: boolean; late: number | null},
): TableStats {
  const clock = clocks.get(table)!
  const own = policies.filter((policy) => policy.table === table)
  const {total, skipped} = totalOf(table, bytes)
  const drops = own.map((policy) => nextDrop(policy, clock)).filter((drop) => drop !== null)
  return {
    schema: table.schema,
    table: table.name,
    kind: table.kind,
    managed: known.managed,
    chunks: table.chunks.filter(({tiered}) => !tiered).length,
    compressedChunks: table.chunks.filter(isCompressed).length,
    totalBytes: total,
    sizeBasis: bytes.basis(table),
    skippedChunks: skipped,
    shards: bytes.shardsOf(table)?.shards ?? null,
    nodes: bytes.shardsOf(table)?.nodes ?? null,
    ...compressionOf(table),
    bytesPerDay: bytesPerDay(table, bytes, clock, ends),
    oldest: endShown(ends.oldest, table, clock),
    newest: endShown(ends.newest, table, clock),
    policies: policiesReadable ? own.length : null,
    late: known.late,
    paused: policiesReadable ? own.filter(({job}) => job?.scheduled === false).length : null,
    nextDrop: drops.length === 0 || !policiesReadable ? null : instantOf(drops.reduce((a, b) => (a < b ? a : b))),
  }
}

/** Number of late policies per table; null if that depends on an unknown value. */
async function lateness(
  db: Database,
  {at, policies, policiesReadable, clocks, tables}: CatalogSnapshot,
  {lateAfter}: StatsRequest,
  ends: ReadonlyMap<Table, TimeRange>,
): Promise<Map<Table, number | null>> {
  const late = new Map<Table, number | null>(tables.map((table) => [table, 0]))
  const unknown = new Set<Table>(policiesReadable ? [] : tables)
  const batch = batching(db)
  await Promise.all(
    policies.map(async (policy) => {
      const clock = clocks.get(policy.table)!
      const state =
        policy.kind === 'refresh'
          ? await refreshState(batch, policy, clock, at, lateAfter, (table) => ends.get(table))
          : dueState(policy, clock, at, lateAfter)
      if (state.late === null) unknown.add(policy.table)
      else if (state.late) late.set(policy.table, late.get(policy.table)! + 1)
    }),
  )
  for (const table of unknown) if (late.get(table) === 0) late.set(table, null)
  return late
}

function bySize(a: TableStats, b: TableStats): number {
  return (b.totalBytes ?? -1) - (a.totalBytes ?? -1) || (a.schema + a.table < b.schema + b.table ? -1 : 1)
}
