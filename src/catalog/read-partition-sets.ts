import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {areTimes, parsePartitionBound} from './partition-bound.js'
import {readColumnarSizes} from './columnar-sizes.js'
import {readDistributedTables} from './citus-sizes.js'
import {ChunkStatus, newChunk, newTable, type Table} from './table.js'
import {timeKindOf, type TimeKind} from './time.js'

interface PartitionSetRow {
  schema: string
  name: string
  root: number
  owner: number
  leaf_schema: string | null
  leaf: string | null
  relation: number | null
  time_column: string | null
  time_type: string | null
  bound: string | null
  columnar: boolean
  rows: number | null
}

/** Partitioned tables of PostgreSQL with their leaves. A database with TimescaleDB may have them too. */
export async function readPartitionSets(db: Database): Promise<Table[]> {
  const sets = new Map<number, Table>()
  const [converted, distributedTables, rows] = await Promise.all([
    readColumnarSizes(db),
    readDistributedTables(db),
    db.query<PartitionSetRow>(statement(loadSql('catalog/partition-sets'))),
  ])
  const distributed = new Set(distributedTables.map(({relation}) => relation))
  const kinds = timesOf(rows)
  for (const row of rows) {
    const time = kinds.get(row.root) ?? 'other'
    const set =
      sets.get(row.root) ??
      newTable({
        kind: 'partitioned',
        schema: row.schema,
        name: row.name,
        relation: row.root,
        owner: row.owner,
        timeColumn: row.time_column,
        time,
      })
    sets.set(row.root, set)
    // Partitioned by list, then by range: only some leaves may have a time column.
    if (set.timeColumn === null && row.time_column !== null) Object.assign(set, {timeColumn: row.time_column, time})
    if (row.relation === null || row.leaf_schema === null || row.leaf === null) continue
    const range = parsePartitionBound(row.bound, time)
    set.chunks.push(
      newChunk({
        ...range,
        relation: row.relation,
        schema: row.leaf_schema,
        name: row.leaf,
        columnar: row.columnar,
        ...(row.columnar && {
          status: ChunkStatus.compressed,
          beforeBytes: converted.get(row.relation)?.before ?? null,
          afterBytes: converted.get(row.relation)?.after ?? null,
        }),
        // The relation here is empty: its rows are on the nodes.
        estimatedRows: distributed.has(row.relation) ? null : row.rows,
      }),
    )
  }
  return [...sets.values()]
}

/**
 * How the key of each set stores time, by the oid of the set. A text is a ULID if all its bounds are ULIDs of our time,
 * and a uuid is a time if all its bounds are UUIDv7 of our time: otherwise the key is `other`.
 */
function timesOf(rows: readonly PartitionSetRow[]): Map<number, TimeKind> {
  const kinds = new Map<number, TimeKind>()
  const prefixed = new Map<number, {kind: 'uuid' | 'ulid'; bounds: (string | null)[]}>()
  for (const {root, time_type: type, bound} of rows) {
    const kind = type === 'text' || type === 'character varying' ? 'ulid' : timeKindOf(type)
    if (kind !== 'uuid' && kind !== 'ulid') {
      if ((kinds.get(root) ?? 'other') === 'other') kinds.set(root, kind)
      continue
    }
    const known = prefixed.get(root) ?? {kind, bounds: []}
    known.bounds.push(bound)
    prefixed.set(root, known)
  }
  for (const [root, {kind, bounds}] of prefixed) kinds.set(root, areTimes(bounds, kind) ? kind : 'other')
  return kinds
}
