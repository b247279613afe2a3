import {formatQualifiedName} from '../db/qualified-name.js'
import type {Instant} from '../units/instant.js'
import type {Duration} from '../units/duration.js'
import type {TimeKind} from './time.js'

/** A chunk of a hypertable, or a leaf of a partition set. */
export interface Chunk {
  /** TimescaleDB's number of a chunk; absent for a partition. */
  id?: number
  /** Oids, as numbers. */
  relation: number
  compressed: number | null
  schema: string
  name: string
  /** Half-open; microseconds since 1970, or the integer. Null: without end on that side, or not cut by range. */
  start: bigint | null
  end: bigint | null
  /** TimescaleDB's bits, see {@link ChunkStatus}. */
  status: number
  /** In object storage: it has no size here and cannot be read cheaply. */
  tiered: boolean
  createdAt: Instant | null
  /** Recorded when it was compressed; null where nothing was (direct compress writes none). */
  beforeBytes: number | null
  afterBytes: number | null
  /** Its part of the hashed dimensions: `2/4`. */
  space: string | null
}

export const ChunkStatus = {compressed: 1, unordered: 2, frozen: 4, partial: 8} as const

/** What holds time-series: a hypertable, an aggregate under its view's name, a partition set of plain PostgreSQL. */
export interface Table {
  kind: 'hypertable' | 'aggregate' | 'partitioned'
  schema: string
  name: string
  /** The table that has the data: another one than the name says for aggregates only. */
  storage: {schema: string; name: string}
  /** TimescaleDB's id; null where it is none of TimescaleDB's. */
  id: number | null
  /** The oid of the storage. A partition set keeps nothing there, an aggregate of ours everything. */
  relation: number
  timeColumn: string | null
  time: TimeKind
  /** `safe` is false where calling it could lend its owner our rights. */
  integerNow: {schema: string; name: string; safe: boolean} | null
  aggregate: Aggregate | null
  compression: boolean
  /** Null: chosen by TimescaleDB at each compression, or not applicable. */
  segmentBy: readonly string[] | null
  orderBy: readonly string[] | null
  chunks: Chunk[]
}

export interface Aggregate {
  /** What it reads; null where that is none of these tables. */
  source: Table | null
  /** Everything before is computed; null: nothing is. */
  watermark: bigint | null
  /** Integer buckets have a width in their own unit. */
  bucketWidth: Duration | bigint | null
}

/** What every kind of table has, for the reader of that kind to add to. */
export function newTable(
  fields: Pick<Table, 'kind' | 'schema' | 'name' | 'relation' | 'timeColumn' | 'time'> & Partial<Table>,
): Table {
  return {
    storage: {schema: fields.schema, name: fields.name},
    id: null,
    integerNow: null,
    aggregate: null,
    compression: false,
    segmentBy: null,
    orderBy: null,
    chunks: [],
    ...fields,
  }
}

/** How a table is called everywhere: schema.table, quoted where it must be. */
export function qualifiedName(table: Pick<Table, 'schema' | 'name'>): string {
  return formatQualifiedName(table.schema, table.name)
}

/** Compressed as a whole: rows written since make it partial, and then it does not count. */
export function isCompressed({status}: Chunk): boolean {
  return has(status, 'compressed') && !has(status, 'partial')
}

export function has(status: number, bit: keyof typeof ChunkStatus): boolean {
  return (status & ChunkStatus[bit]) !== 0
}
