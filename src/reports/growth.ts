import {readChunkBytes, type ChunkBytes} from '../catalog/chunk-bytes.js'
import {readSnapshot, type SnapshotRequest} from '../catalog/snapshot.js'
import {readStorageSizes, unmeasuredNote, type StorageSize} from '../catalog/storage-sizes.js'
import type {Table} from '../catalog/table.js'
import type {TableClock} from '../catalog/table-clock.js'
import {readTimeRanges, type TimeRange} from '../catalog/time-range.js'
import {totalOf} from '../catalog/total-bytes.js'
import type {Database} from '../db/database.js'
import type {Day} from '../units/calendar-day.js'
import type {Instant} from '../units/instant.js'
import {bytesPerDay} from './bytes-per-day.js'
import {diskForecast, type Disk} from './disk-forecast.js'
import {growthNotes} from './growth-notes.js'
import type {Growth, GrowthReport, TableGrowth} from './growth-report.js'
import {emptyHistory, growthOf, readHistory, seriesOf, type History, type Series} from './growth-series.js'
import {clockNotes, endNotes, leftOutNotes} from './notes.js'

export interface GrowthRequest extends SnapshotRequest {
  fast: boolean
  /** The server's clock: its UTC day is the last one of the report. */
  at: Instant
  /** The disk whose last day is wanted. */
  disk: Disk | null
}

/**
 * How every time-series table, the database and each tablespace grow, by the sizes that the job `snapshot` records. A
 * table with less than seven days of them has the bytes that its chunks show as written. Never waits for a lock.
 * @throws OpsError NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS, NO_SUCH_TABLESPACE
 */
export async function readGrowth(db: Database, request: GrowthRequest): Promise<GrowthReport> {
  const {fast, at, disk} = request
  const day = at.slice(0, 10)
  const snapshot = await readSnapshot(db, request)
  const [only] = request.table === undefined ? [] : snapshot.tables
  const {history, closed} = db.server.hasQicoreSchema ? await readHistory(db, day, only ?? null) : emptyHistory
  const storage = await readStorageSizes(db)
  const bytes = await readChunkBytes(db, snapshot.tables, fast)
  const series = new Map(snapshot.tables.map((table) => [table, seriesOf(history, tableKey(table))]))
  const without = snapshot.tables.filter((table) => series.get(table)!.trend === null)
  const {ends, problems} = await readTimeRanges(db, without, bytes.locked)
  const fallback = {bytes, ends, clocks: snapshot.clocks}
  const tables = snapshot.tables.map((table) => tableGrowth(table, series.get(table)!, fallback, day))
  const ofStorage = storage.map((size) => ({size, series: seriesOf(history, storageKey(size))}))
  return {
    kind: 'stats.growth',
    version: 1,
    target: null,
    at,
    tables: tables.sort(bySize),
    storage: ofStorage.map(({size, series: known}) => ({
      kind: size.kind,
      name: size.name,
      totalBytes: size.bytes,
      ...growthOf(known, day),
    })),
    disk: disk === null ? null : diskForecast(disk, ofStorage, day),
    notes: [
      ...growthNotes(tables, ofStorage, {day, closed, empty: history.size === 0}),
      ...[unmeasuredNote(storage)].filter((note) => note !== null),
      ...leftOutNotes(snapshot.tables, bytes, fast),
      ...endNotes(problems),
      ...clockNotes(without, snapshot.clocks),
    ],
  }
}

function tableKey({schema, name, relation}: Table): History {
  return {kind: 'table', schema, name, relation}
}

function storageKey({kind, name, oid}: StorageSize): History {
  return {kind, schema: '', name, relation: oid}
}

interface Fallback {
  bytes: ChunkBytes
  ends: ReadonlyMap<Table, TimeRange>
  clocks: ReadonlyMap<Table, TableClock>
}

function tableGrowth(table: Table, series: Series, {bytes, ends, clocks}: Fallback, day: Day): TableGrowth {
  const growth = growthOf(series, day)
  return {
    schema: table.schema,
    table: table.name,
    kind: table.kind,
    totalBytes: totalOf(table, bytes).total,
    sizeBasis: bytes.basis(table),
    ...(growth.basis === null
      ? writtenGrowth(growth, bytesPerDay(table, bytes, clocks.get(table)!, ends.get(table)!))
      : growth),
  }
}

/** What the chunks show as written a day, where too few sizes are recorded. */
function writtenGrowth(growth: Growth, perDay: number | null): Growth {
  if (perDay === null) return growth
  return {...growth, basis: 'chunks', bytesPerDay: perDay, bytesPerWeek: perDay * 7, bytesPerMonth: perDay * 30}
}

function bySize(a: TableGrowth, b: TableGrowth): number {
  return (b.totalBytes ?? -1) - (a.totalBytes ?? -1) || (a.schema + a.table < b.schema + b.table ? -1 : 1)
}
