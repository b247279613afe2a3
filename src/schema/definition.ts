import type {Every} from '../units/period.js'

/** A duration as text, parsed by units/duration.ts: `7 days`, `1h`. */
export type DurationText = string

/** A sort column as in SQL: `time`, `time desc`. Parsed by names.ts, given the existing columns. */
export type OrderedColumn = string

/** A table on every engine; SQL, Drizzle, zod and the drift check are derived from it. */
export interface TableDefinition {
  schema: string
  name: string
  /** One sentence of description. */
  doc: string
  /** The type name by which the short form of a definition selects these columns. */
  dslType?: string | undefined
  columns: readonly ColumnDefinition[]
  primaryKey: readonly string[]
  uniques?: readonly UniqueDefinition[] | undefined
  checks?: readonly CheckDefinition[] | undefined
  indexes?: readonly IndexDefinition[] | undefined
  foreignKeys?: readonly ForeignKeyDefinition[] | undefined
  triggers?: readonly TriggerDefinition[] | undefined
  /** Absent: an ordinary table on every engine. */
  hypertable?: HypertableDefinition | undefined
  /** On Citus only; absent: a table of the coordinator. */
  distribution?: DistributionDefinition | undefined
  compression?: CompressionDefinition | undefined
  retention?: RetentionDefinition | undefined
  /** Rows inserted with the table; values in the order of `columns`. */
  rows?: {columns: readonly string[]; values: readonly (readonly string[])[]} | undefined
}

export interface ColumnDefinition {
  name: string
  /** In PostgreSQL's spelling: `numeric(20,8)`, `text[]`. Parsed by types.ts. */
  type: string
  /** Absent: NOT NULL. */
  nullable?: boolean | undefined
  /** An SQL expression. */
  default?: string | undefined
  /** Description of the value, for the generated code. */
  doc?: string | undefined
}

export interface UniqueDefinition {
  name: string
  columns: readonly string[]
}

/** An immutable condition on one row; a condition that depends on the current time needs a trigger. */
export interface CheckDefinition {
  name: string
  expression: string
  /** The version of the migration that adds it; absent: created with the table. */
  since?: string | undefined
}

export interface IndexDefinition {
  name: string
  columns: readonly OrderedColumn[]
}

export interface ForeignKeyDefinition {
  name: string
  columns: readonly string[]
  references: {schema: string; table: string; columns: readonly string[]}
}

/** A statement-level AFTER trigger: row triggers would run a query per row and slow down COPY. */
export interface TriggerDefinition {
  name: string
  event: 'insert' | 'update' | 'delete'
  /** Transition table names for the old and new rows, if the event has them. */
  oldRows?: string | undefined
  newRows?: string | undefined
  /** The function of sql/routines/<name>.sql, in the schema qicore. */
  function: string
}

export interface HypertableDefinition {
  time: string
  chunkInterval: DurationText
  /** Fixed at creation. The column is part of every unique constraint, even if `partitions` is 0. */
  space?: {column: string; partitions: number} | undefined
  /** Partitioning on plain PostgreSQL. Absent: by month, three ahead. */
  partitions?: {period: PartitionPeriod; ahead: number} | undefined
}

/**
 * How Citus distributes a table: a copy on every node, or shards by the hash of a column. Such a column is in every
 * unique constraint, and Citus appends it to the primary key. Two tables with the same column have the same shards on
 * the same nodes if one names the other, so that they can be joined there.
 */
export type DistributionDefinition =
  | {kind: 'reference'}
  | {kind: 'hash'; column: string; colocateWith?: {schema: string; table: string} | undefined}

/** The length of a partition: `month`, `6 hours`. */
export type PartitionPeriod = Every

export interface CompressionDefinition {
  after: DurationText
  segmentBy: readonly string[]
  /** Required, because TimescaleDB's default depends on version and statistics. */
  orderBy: readonly OrderedColumn[]
}

export interface RetentionDefinition {
  after: DurationText
}

/** A summary by time buckets: a continuous aggregate, or an emulated one with a table and a view of that name. */
export interface AggregateDefinition {
  schema: string
  name: string
  doc: string
  source: {schema: string; table: string}
  /** The source column that is bucketed. */
  time: string
  bucket: DurationText
  groupBy: readonly string[]
  /** Restricts the source rows: an SQL condition. */
  where?: string | undefined
  columns: readonly AggregateColumn[]
  refresh: RefreshDefinition
  compression?: CompressionDefinition | undefined
  retention?: RetentionDefinition | undefined
}

export type AggregateFunction = 'avg' | 'min' | 'max' | 'sum' | 'count' | 'first' | 'last'

export interface AggregateColumn {
  name: string
  function: AggregateFunction
  /** Absent only for `count`, which then counts rows. */
  of?: string | undefined
  doc?: string | undefined
}

export interface RefreshDefinition {
  startOffset: DurationText
  endOffset: DurationText
  every: DurationText
}

/** Everything that one stream of migrations creates. */
export interface SchemaDefinition {
  tables: readonly TableDefinition[]
  aggregates: readonly AggregateDefinition[]
  /** Files of sql/routines, created last; those of triggers are created with their tables. */
  routines?: readonly string[] | undefined
}

/** The name of the bucket column of every aggregate. */
export const bucketColumn = 'bucket'

/** The partitioning columns of TimescaleDB and PostgreSQL, which every unique constraint must include. */
export function partitionColumns({hypertable}: TableDefinition): string[] {
  if (!hypertable) return []
  return hypertable.space ? [hypertable.time, hypertable.space.column] : [hypertable.time]
}
