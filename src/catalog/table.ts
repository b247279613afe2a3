import {formatQualifiedName} from '../db/qualified-name.js'
import type {Instant} from '../units/instant.js'
import type {Duration} from '../units/duration.js'
import type {TimeKind} from './time.js'

/** A chunk of a hypertable, or a leaf of a partition set. */
export interface Chunk {
  /** TimescaleDB's id of the chunk; absent for a partition. */
  id?: number
  /** Oids, as numbers. */
  relation: number
  compressed: number | null
  schema: string
  name: string
  /** Half-open; microseconds since 1970, or the integer. Null: no bound on that side, or not partitioned by range. */
  start: bigint | null
  end: bigint | null
  /** Bits of TimescaleDB, see {@link ChunkStatus}. */
  status: number
  /** A partition whose access method is columnar: it counts as compressed. */
  columnar: boolean
  /** In object storage: its size is not known here, and reading it is expensive. */
  tiered: boolean
  createdAt: Instant | null
  /** What ANALYZE saw or compression counted; null where neither has, or rows were written after compression. */
  estimatedRows: number | null
  /** Sizes recorded at compression; null if none were (direct compress records none). */
  beforeBytes: number | null
  afterBytes: number | null
  /** Slice of the hashed dimensions: `2/4`. */
  space: string | null
}

export const ChunkStatus = {compressed: 1, unordered: 2, frozen: 4, partial: 8} as const

/** A time-series table: a hypertable, an aggregate under the name of its view, or a partition set of PostgreSQL. */
export interface Table {
  kind: 'hypertable' | 'aggregate' | 'partitioned'
  schema: string
  name: string
  /** The table with the rows; differs from schema and name for aggregates only. */
  storage: {schema: string; name: string}
  /** TimescaleDB's id of the hypertable; null for partition sets and emulated aggregates. */
  id: number | null
  /** Oid of the storage. The one of a partition set has no rows; that of an emulated aggregate has all of them. */
  relation: number
  /** Oid of the role that owns the storage; null if it was not read. */
  owner: number | null
  timeColumn: string | null
  time: TimeKind
  /** `safe` is false if calling it would run a function of another role with the rights of this one. */
  integerNow: {schema: string; name: string; safe: boolean} | null
  aggregate: Aggregate | null
  compression: boolean
  /** Null if TimescaleDB chooses it at each compression, or if it does not apply. */
  segmentBy: readonly string[] | null
  orderBy: readonly string[] | null
  chunks: Chunk[]
}

export interface Aggregate {
  /** The table it reads; null if that is not a time-series table. */
  source: Table | null
  /** Everything before it is computed; null if nothing is. */
  watermark: bigint | null
  /** A number in the table's unit for integer time. */
  bucketWidth: Duration | bigint | null
  /** Buckets of TimescaleDB that need not have the same width: of months, or with a time zone. */
  variableBuckets: boolean
}

/** A chunk of which nothing more is known than these fields say: open at both ends, not compressed, no sizes. */
export function newChunk(fields: Pick<Chunk, 'relation' | 'schema' | 'name'> & Partial<Chunk>): Chunk {
  return {
    compressed: null,
    start: null,
    end: null,
    status: 0,
    columnar: false,
    tiered: false,
    createdAt: null,
    estimatedRows: null,
    beforeBytes: null,
    afterBytes: null,
    space: null,
    ...fields,
  }
}

/** A table with defaults for the fields that its kind does not have. */
export function newTable(
  fields: Pick<Table, 'kind' | 'schema' | 'name' | 'relation' | 'timeColumn' | 'time'> & Partial<Table>,
): Table {
  return {
    storage: {schema: fields.schema, name: fields.name},
    id: null,
    owner: null,
    integerNow: null,
    aggregate: null,
    compression: false,
    segmentBy: null,
    orderBy: null,
    chunks: [],
    ...fields,
  }
}

/** The name of a table in every output: schema.table, quoted where SQL needs it. */
export function qualifiedName(table: Pick<Table, 'schema' | 'name'>): string {
  return formatQualifiedName(table.schema, table.name)
}

/** Whether all rows are compressed. A partial chunk, which received rows since, does not count. */
export function isCompressed({status}: Chunk): boolean {
  return has(status, 'compressed') && !has(status, 'partial')
}

export function has(status: number, bit: keyof typeof ChunkStatus): boolean {
  return (status & ChunkStatus[bit]) !== 0
}
