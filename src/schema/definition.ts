/** A length of time as text, read only by units/duration.ts: `7 days`, `1h`. */
export type DurationText = string

/** A column in an order, as SQL writes it: `time`, `time desc`. Read by names.ts against the columns there are. */
export type OrderedColumn = string

/** What is written here exists in every engine: SQL, Drizzle, zod and the drift check come from it. */
export interface TableDefinition {
  schema: string
  name: string
  /** One sentence for people. */
  doc: string
  /** The name that the seed's short form of a definition takes its columns by. */
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
  compression?: CompressionDefinition | undefined
  retention?: RetentionDefinition | undefined
  /** Rows that belong to the table from the beginning, values in the order of `columns`. */
  rows?: {columns: readonly string[]; values: readonly (readonly string[])[]} | undefined
}

export interface ColumnDefinition {
  name: string
  /** As PostgreSQL spells it: `numeric(20,8)`, `text[]`. Read by types.ts. */
  type: string
  /** Absent: NOT NULL. */
  nullable?: boolean | undefined
  /** An SQL expression. */
  default?: string | undefined
  /** What the value means, for readers of the generated code. */
  doc?: string | undefined
}

export interface UniqueDefinition {
  name: string
  columns: readonly string[]
}

/** An immutable condition on one row; what moves with the clock is a trigger's business. */
export interface CheckDefinition {
  name: string
  expression: string
  /** The version of the migration that adds it; absent: made with the table. */
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

/** A statement trigger after the change: row triggers cost a query a row and slow COPY down. */
export interface TriggerDefinition {
  name: string
  event: 'insert' | 'update' | 'delete'
  /** Names for the rows before and after, as far as the event has them. */
  oldRows?: string | undefined
  newRows?: string | undefined
  /** The function's file is sql/routines/<name>.sql; it lives in the schema qicore. */
  function: string
}

export interface HypertableDefinition {
  time: string
  chunkInterval: DurationText
  /** A setting at creation only; the column is part of every unique set even where `partitions` is 0. */
  space?: {column: string; partitions: number} | undefined
  /** What plain PostgreSQL does instead of chunks. Absent: by month, three ahead. */
  partitions?: {period: PartitionPeriod; ahead: number} | undefined
}

export type PartitionPeriod = 'month' | 'day'

export interface CompressionDefinition {
  after: DurationText
  segmentBy: readonly string[]
  /** Always said: what TimescaleDB chooses by itself differs by version and by statistics. */
  orderBy: readonly OrderedColumn[]
}

export interface RetentionDefinition {
  after: DurationText
}

/** A summary by buckets of time: a continuous aggregate, or a table of ours under a view of that name. */
export interface AggregateDefinition {
  schema: string
  name: string
  doc: string
  source: {schema: string; table: string}
  /** The column of the source that the buckets are cut by. */
  time: string
  bucket: DurationText
  groupBy: readonly string[]
  /** Which rows of the source count, as an SQL condition. */
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

/** Everything that one stream of migrations describes. */
export interface SchemaDefinition {
  tables: readonly TableDefinition[]
  aggregates: readonly AggregateDefinition[]
  /** Files of sql/routines, made last; those of triggers come with their tables. */
  routines?: readonly string[] | undefined
}

/** The column that an aggregate's buckets are named by. */
export const bucketColumn = 'bucket'

/** The columns that TimescaleDB and PostgreSQL partition by: part of every unique set. */
export function partitionColumns({hypertable}: TableDefinition): string[] {
  if (!hypertable) return []
  return hypertable.space ? [hypertable.time, hypertable.space.column] : [hypertable.time]
}
