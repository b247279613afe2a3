import {readOnlySettings, type Database} from '../db/database.js'
import {engineNamed} from '../engines/index.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {pipelined} from '../db/transaction.js'
import type {Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {parseIntervalText} from './interval.js'
import {newTable, type Chunk, type Table} from './table.js'
import {timeKindOf, type TimeKind} from './time.js'

interface HypertableRow {
  id: number
  schema: string
  name: string
  storage_schema: string
  storage_name: string
  kind: 'hypertable' | 'aggregate'
  relation: number
  owner: number
  time_column: string | null
  time_type: string | null
  now_schema: string | null
  now_name: string | null
  now_is_safe: boolean
  source: number | null
  watermark: string | null
  bucket_width: string | null
  variable_buckets: boolean | null
  compression: boolean
  segment_by: string[] | null
  order_by: string[] | null
  order_desc: boolean[] | null
  order_nulls_first: boolean[] | null
}

interface ChunkRow {
  hypertable_id: number
  id: number
  relation: number
  schema: string
  name: string
  status: number
  tiered: boolean
  range_start: string | null
  range_end: string | null
  created_at: Instant | null
  compressed: number | null
  before_bytes: number | null
  after_bytes: number | null
  rows: number | null
  space: string | null
}

/**
 * Hypertables and continuous aggregates of every schema, without their chunks.
 * @param name the engine's file in sql/ that reads them
 */
export async function readHypertables(db: Database, name: string): Promise<Table[]> {
  const rows = await db.query<HypertableRow>(statement(loadSql(name)))
  const byId = new Map(rows.map((row) => [row.id, tableOf(row)]))
  for (const {id, source} of rows) {
    const {aggregate} = byId.get(id)!
    if (aggregate !== null && source !== null) aggregate.source = byId.get(source) ?? null
  }
  return [...byId.values()]
}

/** Adds the chunks of these tables, with one pass over the catalog for all of them. */
export async function readChunks(db: Database, tables: readonly Table[]): Promise<void> {
  const ids = tables.flatMap(({id}) => id ?? [])
  if (ids.length > 0) addChunks(tables, await readChunkRows(db, ids))
}

/** Adds the chunks of every table of the database, asked for at the same time as the tables. */
export async function withChunks(db: Database, reading: Promise<Table[]>): Promise<Table[]> {
  const [tables, rows] = await Promise.all([reading, readChunkRows(db, null)])
  addChunks(tables, rows)
  return tables
}

function addChunks(tables: readonly Table[], rows: readonly ChunkRow[]): void {
  const byId = new Map(tables.map((table) => [table.id, table]))
  for (const row of rows) byId.get(row.hypertable_id)?.chunks.push(chunkOf(row))
}

/** @param ids of hypertables; null for all */
async function readChunkRows(db: Database, ids: readonly number[] | null): Promise<ChunkRow[]> {
  const {chunks} = engineNamed(db.server.engine).sql
  if (chunks === null) return []
  const name = chunks[db.server.chunkCatalog ?? 'names']
  // After a restore the catalog is not analyzed. The planner then expects one row and picks nested loops, where hash
  // joins take 0.1 s.
  const [, rows] = await pipelined(db, readOnlySettings, (tx) => [
    tx.query(statement("select set_config('enable_nestloop', 'off', true)")),
    tx.query<ChunkRow>(statement(loadSql(name), [ids])),
  ])
  return rows
}

function tableOf(row: HypertableRow): Table {
  const time = timeKindOf(row.time_type)
  return newTable({
    kind: row.kind,
    schema: row.schema,
    name: row.name,
    storage: {schema: row.storage_schema, name: row.storage_name},
    id: row.id,
    relation: row.relation,
    owner: row.owner,
    timeColumn: row.time_column,
    time,
    integerNow:
      row.now_schema === null || row.now_name === null
        ? null
        : {schema: row.now_schema, name: row.now_name, safe: row.now_is_safe},
    aggregate:
      row.source === null
        ? null
        : {
            source: null,
            watermark: watermarkOf(row.watermark, time),
            bucketWidth: widthOf(row.bucket_width, time),
            variableBuckets: row.variable_buckets ?? false,
          },
    compression: row.compression,
    segmentBy: row.segment_by,
    orderBy: orderOf(row),
  })
}

/** If nothing is computed, TimescaleDB stores the smallest value of the column's type: for times the year -4713. */
function watermarkOf(text: string | null, time: TimeKind): bigint | null {
  const value = bounded(text)
  if (value === null || (time === 'integer' && (value === -32_768n || value === -2_147_483_648n))) return null
  return time !== 'integer' && value <= -210_866_803_200_000_000n ? null : value
}

function widthOf(text: string | null, time: TimeKind): Duration | bigint | null {
  if (text === null) return null
  return time === 'integer' ? BigInt(text) : parseIntervalText(text)
}

/** ORDER BY terms without what is the default anyway: `time desc`, `id`, `x desc nulls last`. */
export function orderOf(row: Pick<HypertableRow, 'order_by' | 'order_desc' | 'order_nulls_first'>): string[] | null {
  if (row.order_by === null) return null
  return row.order_by.map((column, index) => {
    const desc = row.order_desc?.[index] ?? false
    const nullsFirst = row.order_nulls_first?.[index] ?? desc
    return `${column}${desc ? ' desc' : ''}${nullsFirst === desc ? '' : ` nulls ${nullsFirst ? 'first' : 'last'}`}`
  })
}

function chunkOf(row: ChunkRow): Chunk {
  return {
    id: row.id,
    relation: row.relation,
    compressed: row.compressed,
    schema: row.schema,
    name: row.name,
    start: bounded(row.range_start),
    end: bounded(row.range_end),
    status: row.status,
    columnar: false,
    tiered: row.tiered,
    createdAt: row.created_at,
    beforeBytes: row.before_bytes,
    afterBytes: row.after_bytes,
    estimatedRows: row.rows,
    space: row.space,
  }
}

/** The smallest and the largest int8 mean "no bound". */
function bounded(text: string | null): bigint | null {
  return text === null || text === '-9223372036854775808' || text === '9223372036854775807' ? null : BigInt(text)
}
