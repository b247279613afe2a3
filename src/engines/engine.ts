/**
 * What an engine is for this program: how it is recognised, what it can do, which SQL reads it and how its tables are
 * made. A new engine is one module that exports one of these, a line in the registry (index.ts), a migration that lets
 * `qicore.schema_versions` name it, and variants (`NNNN_name.<engine>.sql`) of the migrations that it needs otherwise.
 *
 * Plain data without a database: what an engine says can be tested on recorded rows.
 */
export interface Engine {
  /** In JSON, in `--engine`, in the names of migration files and in `qicore.schema_versions`. */
  readonly name: string
  /** In sentences: `TimescaleDB, community edition`. */
  readonly title: string
  /** Whether a database with these extensions is this engine; of several the first in the registry. */
  recognises(facts: EngineFacts): boolean
  /** Null where the engine has no editions, and while the extension's library is not loaded. */
  edition(facts: EngineFacts): Edition | null
  /** What the heading says of the server beside PostgreSQL. */
  heading(facts: HeadingFacts): {extension: string | null; workers: string | null}
  /** The extension that makes an empty database of a plain server this engine; null where none does. */
  readonly extension: EngineExtension | null
  /** How a table that is defined as a hypertable is made. */
  readonly layout: 'hypertables' | 'partitions'
  /** What it cannot do, and why; everything else it can. */
  readonly lacks: Readonly<Partial<Record<Capability, Lack>>>
  readonly sql: EngineSql
}

export type Capability =
  /** Hypertables, their chunks and TimescaleDB's jobs are in its catalog. */
  | 'hypertables'
  /** Its scheduler runs policies: its own, and the gated retention as a job. Else they are rows of qicore.policies. */
  | 'policies'
  | 'compression'
  | 'reorder'
  /** Continuous aggregates. Else an aggregate is a view over a table that this program refreshes. */
  | 'continuousAggregates'

export interface Lack {
  /** A clause: `compression is TimescaleDB's community edition only`. */
  readonly why: string
  /** What to do about it, or instead; empty where there is nothing. */
  readonly suggestions: readonly string[]
}

/** What recognition reads of the row of sql/db/server.sql. */
export interface EngineFacts {
  /** Version of the extension in this database. */
  readonly timescaledb: string | null
  /** Null where the library of the extension is not loaded. */
  readonly license: string | null
}

export type Edition = 'community' | 'apache'

export interface HeadingFacts {
  readonly timescaledb: string | null
  readonly edition: Edition | null
  readonly embedded: boolean
  readonly workers: string
}

export interface EngineExtension {
  readonly name: string
  /** Oldest version in which this program makes changes: major, minor. */
  readonly oldest: readonly [number, number]
}

/** Names of files in sql/. Each of a kind returns the same columns, whatever the engine. */
export interface EngineSql {
  /** States in which clients count wrongly or jobs cannot run; null where the extension has none. */
  readonly condition: string | null
  /** Tables with time-series beside partition sets and emulated aggregates; null where there are no others. */
  readonly tables: string | null
  /** Their chunks, by the shape of the catalog; null where they have none. */
  readonly chunks: Readonly<Record<ChunkCatalog, string>> | null
  /** Policies that the engine's scheduler runs; null where it has none. */
  readonly policies: string | null
  readonly sizes: {readonly byRelation: string; readonly byFile: string; readonly estimates: string}
}

/** Which shape `_timescaledb_catalog.chunk` has: named relations up to 2.28, `relid` from 2.29. */
export type ChunkCatalog = 'names' | 'relid'
