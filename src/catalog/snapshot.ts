import {batching} from '../db/batching.js'
import type {Database} from '../db/database.js'
import {statement} from '../db/sql.js'
import type {Instant} from '../units/instant.js'
import {readChunks, readTables, withChunks} from './read-tables.js'
import {readClocks, readZones, type TableClock} from './table-clock.js'
import {readLivePolicies, type LivePolicy} from './live-policies.js'
import {mayReadPolicies} from './read-emulated.js'
import {resolveTable} from './resolve-table.js'
import type {Table} from './table.js'
import type {TimeUnit} from './time.js'

/** The first fields of every report. The command fills in `target`. */
export interface ReportHead<Kind extends string> {
  kind: Kind
  version: 1
  target: string | null
  at: Instant
}

export interface SnapshotRequest {
  /** The name as the operator typed it; undefined means every table. */
  table?: string | undefined
  /** Milliseconds that due work may wait beyond one interval of its schedule. */
  lateAfter: number
  /** By schema.table, for tables on integer time. */
  timeUnits: ReadonlyMap<string, TimeUnit>
}

/** What every report about tables needs: the tables, their policies and clocks, read at one time. */
export interface CatalogSnapshot {
  at: Instant
  /** The requested tables, with their chunks. */
  tables: Table[]
  /** Every table of the database; tables that were not requested may lack their chunks. */
  all: Table[]
  policies: LivePolicy[]
  /** False: this role may not read qicore.policies, so `policies` may lack some, and their work is unknown. */
  policiesReadable: boolean
  clocks: ReadonlyMap<Table, TableClock>
}

/** The units may still be being read: they are needed last. */
type SnapshotQuestion = Omit<SnapshotRequest, 'timeUnits'> & {
  timeUnits: SnapshotRequest['timeUnits'] | Promise<SnapshotRequest['timeUnits']>
}

/**
 * One round trip for the whole database, and another for a table by name, or if a table has a clock of its own.
 * @throws OpsError NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS
 */
export async function readSnapshot(db: Database, request: SnapshotQuestion): Promise<CatalogSnapshot> {
  const batch = batching(db)
  const isWhole = request.table === undefined
  const reading = isWhole ? withChunks(batch, readTables(batch)) : readTables(batch)
  const [[row], all, live, policiesReadable, zones, units] = await Promise.all([
    batch.query<{now: Instant}>(statement('select clock_timestamp() as now')),
    reading,
    readLivePolicies(batch, reading),
    mayReadPolicies(batch),
    readZones(batch, null),
    request.timeUnits,
  ])
  const at = row!.now
  const tables = isWhole ? all : [await resolveTable(batch, all, request.table!)]
  if (!isWhole) await readChunks(batch, tables)
  const policies = live.filter(({table}) => tables.includes(table))
  return {at, tables, all, policies, policiesReadable, clocks: await readClocks(batch, tables, zones, at, units)}
}
