/**
 * A kind of server: how it is recognised, what it can do, which SQL reads its catalog and how its tables are created.
 * A new engine is one module that exports one of these, a line in the registry (index.ts), a migration that allows its
 * name in `qicore.schema_versions`, and variants (`NNNN_name.<engine>.sql`) of the migrations that differ on it.
 *
 * Plain data that needs no database, so that it can be tested on recorded rows.
 */
export interface Engine {
  /** In JSON, in `--engine`, in the names of migration files and in `qicore.schema_versions`. */
  readonly name: string
  /** In sentences: `TimescaleDB, community edition`. */
  readonly title: string
  /** Whether a database with these extensions is this engine. If several match, the first in the registry is used. */
  recognises(facts: EngineFacts): boolean
  /** Null where the engine has no editions, and while the extension's library is not loaded. */
  edition(facts: EngineFacts): Edition | null
  /** What the heading of a report says about the server besides the version of PostgreSQL. */
  heading(facts: HeadingFacts): {extension: string | null; workers: string | null}
  /** The extension that makes a database of plain PostgreSQL this engine; null if there is none. */
  readonly extension: EngineExtension | null
  /**
   * The names of migration files that it takes, `NNNN_name.<variant>.sql`, in the order of preference; the file without
   * an engine comes after them. A database that was migrated with one of them needs no other migration.
   */
  readonly variants: readonly string[]
  /** How a table that is defined as a hypertable is created. */
  readonly layout: 'hypertables' | 'partitions'
  /** What it cannot do, and why. Every capability that is not listed is available. */
  readonly lacks: Readonly<Partial<Record<Capability, Lack>>>
  readonly sql: EngineSql
}

export type Capability =
  /** Hypertables, their chunks and TimescaleDB's jobs are in its catalog. */
  | 'hypertables'
  /**
   * Its scheduler runs policies: its own, and the gated retention as a job. Without it, policies are rows of
   * qicore.policies.
   */
  | 'policies'
  | 'compression'
  | 'reorder'
  /** Old partitions of a partition set can be converted to the access method columnar, which compresses them. */
  | 'columnar'
  /** Tables can be distributed over several nodes, as their definitions say. */
  | 'distribution'
  /** Continuous aggregates. Without it, an aggregate is emulated: a view over a table that this program refreshes. */
  | 'continuousAggregates'

export interface Lack {
  /** A clause: `compression is TimescaleDB's community edition only`. */
  readonly why: string
  /** What to do about it, or instead of it; may be empty. */
  readonly suggestions: readonly string[]
}

/** The columns of sql/db/server.sql by which an engine is recognised. */
export interface EngineFacts {
  /** Version of the extension in this database; null if it is not installed. */
  readonly timescaledb: string | null
  /** Null if the library of the extension is not loaded. */
  readonly license: string | null
  /** Version of the extension in this database; null if it is not installed. */
  readonly citus: string | null
}

export type Edition = 'community' | 'apache'

export interface HeadingFacts {
  readonly timescaledb: string | null
  readonly edition: Edition | null
  readonly embedded: boolean
  readonly workers: string
  readonly citus: {readonly version: string} | null
}

export interface EngineExtension {
  readonly name: 'timescaledb' | 'citus'
  /** In sentences: `TimescaleDB`. */
  readonly title: string
  /** Oldest version in which this program makes changes: major, minor. */
  readonly oldest: readonly [number, number]
  /** Which older versions can be read. */
  readonly reads: string
  /** Whether `migrate up` creates it in an empty database. Otherwise this says how the operator creates it. */
  readonly created: true | {readonly byHand: string}
}

/** Names of files in sql/. Files of the same kind return the same columns on every engine. */
export interface EngineSql {
  /** Time-series tables other than partition sets and emulated aggregates; null if the engine has none. */
  readonly tables: string | null
  /** Their chunks, by the layout of the catalog; null if the engine has none. */
  readonly chunks: Readonly<Record<ChunkCatalog, string>> | null
  /** Policies that the engine's scheduler runs; null if it has none. */
  readonly policies: string | null
  readonly sizes: {readonly byRelation: string; readonly byFile: string; readonly estimates: string}
}

/** Layout of `_timescaledb_catalog.chunk`: schema and table names up to 2.28, `relid` from 2.29. */
export type ChunkCatalog = 'names' | 'relid'
