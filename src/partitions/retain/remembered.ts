import {readDistributedSizes} from '../../catalog/citus-sizes.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {sqlState, SqlState} from '../../db/sqlstate.js'
import type {Instant} from '../../units/instant.js'

/** A row of qicore.detached_partition with its table as it is now. Names are qualified and quoted as in SQL. */
export interface Remembered {
  id: number
  oid: number
  set: {schema: string; table: string}
  /** Its name when it was detached. */
  recorded: {schema: string; partition: string}
  keyColumn: string
  /** Microseconds since 1970 on the scale of the key; null where the range is open. */
  start: bigint | null
  end: bigint | null
  zoned: boolean
  detachedAt: Instant | null
  detachedBy: string | null
  /** The first transaction whose rows the aggregates may not have computed; null if none needs them. */
  seen: string | null
  countedAt: Instant | null
  movedAt: Instant | null
  exportedAt: Instant | null
  exportedTo: string | null
  exportedRows: number | null
  checksum: string | null
  droppedAt: Instant | null
  /** The table now; null if it is gone. */
  table: RememberedTable | null
}

export interface RememberedTable {
  relation: string
  schema: string
  partition: string
  kind: 'r' | 'p' | 'f'
  /** It is a partition: it was attached again, or its detach was not done. */
  attached: boolean
  pending: boolean
  /** It was not attached, detached or altered since the detach that is recorded. */
  unchanged: boolean
  /** Another session has locked it ACCESS EXCLUSIVE: size and rows are not known. */
  locked: boolean
  mayChange: boolean
  tablespaces: string[]
  rows: number | null
  bytes: number | null
}

interface RememberedRow {
  id: number
  oid: number
  set_schema: string
  set_table: string
  recorded_schema: string
  recorded_partition: string
  key_column: string
  range_start: string | null
  range_end: string | null
  zoned: boolean
  detached_at: Instant | null
  detached_by: string | null
  seen: string | null
  counted_at: Instant | null
  moved_at: Instant | null
  exported_at: Instant | null
  exported_to: string | null
  exported_rows: number | null
  checksum: string | null
  dropped_at: Instant | null
  relation: string | null
  schema: string
  partition: string
  kind: 'r' | 'p' | 'f'
  attached: boolean
  pending: boolean
  unchanged: boolean
  locked: boolean
  may_change: boolean
  tablespaces: string[] | null
  rows: number | null
  bytes: number | null
}

export interface RememberedRequest {
  /** The sets, or null for all. */
  relations: readonly string[] | null
  /** Also those that were dropped. */
  dropped?: boolean
  sizes: boolean
}

/**
 * The partitions that are recorded as detached, by set and time. Null if this role may not read the record; empty
 * without the schema qicore.
 */
export async function readRemembered(
  db: Database,
  {relations, dropped = false, sizes}: RememberedRequest,
): Promise<Remembered[] | null> {
  if (!db.server.hasQicoreSchema) return []
  const role = db.target.role ?? db.server.role
  try {
    const rows = await db.query<RememberedRow>(
      statement(loadSql('partitions/detached'), [relations === null ? null : [...relations], dropped, sizes, role]),
    )
    const {byRelation} = sizes && rows.length > 0 ? await readDistributedSizes(db) : {byRelation: null}
    return rows.map((row) => rememberedOf(row, byRelation?.get(row.oid)))
  } catch (error) {
    if (sqlState(error) === SqlState.noPrivilege) return null
    // An older schema qicore, which this role may not migrate.
    if (sqlState(error) === SqlState.undefinedTable) return []
    throw error
  }
}

type Measured = {rows: number | null; bytes: number | null; missing: 'locked' | 'unanswered' | 'moved' | null}

function rememberedOf(row: RememberedRow, measured: Measured | undefined): Remembered {
  const {schema, partition, kind, attached, pending, unchanged} = row
  return {
    id: row.id,
    oid: row.oid,
    set: {schema: row.set_schema, table: row.set_table},
    recorded: {schema: row.recorded_schema, partition: row.recorded_partition},
    keyColumn: row.key_column,
    start: row.range_start === null ? null : BigInt(row.range_start),
    end: row.range_end === null ? null : BigInt(row.range_end),
    zoned: row.zoned,
    detachedAt: row.detached_at,
    detachedBy: row.detached_by,
    seen: row.seen,
    countedAt: row.counted_at,
    movedAt: row.moved_at,
    exportedAt: row.exported_at,
    exportedTo: row.exported_to,
    exportedRows: row.exported_rows,
    checksum: row.checksum,
    droppedAt: row.dropped_at,
    table:
      row.relation === null
        ? null
        : {
            relation: row.relation,
            schema,
            partition,
            kind,
            attached,
            pending,
            unchanged,
            locked: row.locked || measured?.missing === 'locked',
            mayChange: row.may_change,
            tablespaces: row.tablespaces ?? [],
            // The relation of a distributed table is empty on the coordinator.
            rows: measured === undefined ? row.rows : measured.rows,
            bytes: measured === undefined ? row.bytes : measured.bytes,
          },
  }
}

/** A detached table to which the stages of retention apply. */
export type StagedTable = Remembered & {table: RememberedTable}

export function hasStages(each: Remembered): each is StagedTable {
  return each.table !== null && !each.table.attached && reasonKept(each) === null
}

/** The detached tables of one set to which the stages of its retention apply. */
export function stagedTablesOf(
  {schema, table}: {schema: string; table: string},
  remembered: readonly Remembered[],
): StagedTable[] {
  return remembered.filter(hasStages).filter(({set}) => set.schema === schema && set.table === table)
}

/**
 * Why no stage of retention touches a detached table: an operator may have detached it to keep its rows. Null if
 * qicore-db detached it and it was not changed since.
 */
export function reasonKept({detachedAt, table}: Pick<Remembered, 'detachedAt' | 'table'>): string | null {
  if (table === null || table.attached) return null
  if (detachedAt === null) return 'its detach is not recorded as completed, so it may have been detached by hand'
  return table.unchanged ? null : 'it was attached, detached or altered since the detach that is recorded'
}
