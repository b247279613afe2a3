import type {ChunkCatalog, Edition} from '../engines/engine.js'
import type {EngineKind} from '../engines/index.js'
import type {Instant} from '../units/instant.js'
import type {VersionRange} from '../units/version.js'
import type {Condition} from './condition.js'
import type {Settings} from './session-corrections.js'
import {ident, type Fragment} from './sql.js'

export type Alive = 'alive' | 'dead' | 'unknown'

/** The version, features and settings of a server, read when a session opens (describe-server.ts). */
export interface Server {
  engine: EngineKind
  embedded: boolean
  postgres: string
  versionNum: number
  database: string
  role: string
  /** Null for a Unix socket and the embedded engine. */
  host: string | null
  port: number | null
  /** The server's clock at the time of reading. */
  now: Instant
  inRecovery: boolean
  /** When the newest transaction that a standby has replayed was committed; null if unknown, and on a primary. */
  replayedAt: Instant | null
  superuser: boolean
  /** Whether the role is a member of pg_read_all_stats and so sees the queries and states of other roles. */
  readsAllStats: boolean
  /** Whether the role may list the server's directories and read the sizes of files. */
  readsFiles: boolean
  /** The version of the engine's extension; null for an engine that has none. */
  extensionVersion: string | null
  timescaledb: string | null
  /** The schema of the extension's functions, not always public. */
  timescaledbSchema: string | null
  /** The version to which the extension can be created or updated on this server. */
  timescaledbAvailable: string | null
  edition: Edition | null
  /** TimescaleDB's background workers in this database. */
  workers: Alive
  pgCron: string | null
  pgCronAlive: boolean
  pgCronDatabase: string | null
  /** The versions that the loaded library of pg_cron may have; null if pg_cron is not running on the server. */
  pgCronRange: VersionRange | null
  /** The version to which the objects of pg_cron can be created or updated on this server. */
  pgCronAvailable: string | null
  pgStatStatements: string | null
  pgStatStatementsSchema: string | null
  /** shared_preload_libraries; null if the role may not read it. */
  preloaded: readonly string[] | null
  maxLocksPerTransaction: number
  /** Whether the qicore schema is installed. */
  hasQicoreSchema: boolean
  /** qicore.job_schedule still has the name job_calendar, which it had before core.1.15.0. */
  formerJobTable: boolean
  /** Null if the engine has no chunks. */
  chunkCatalog: ChunkCatalog | null
  /**
   * Whether refreshes record their pending ranges in a table, so that an interrupted refresh can be detected (from
   * 2.22); `left`: the table still exists but is no longer used (from 2.26.3); null if there is no table.
   */
  materializationRanges: 'used' | 'left' | null
  /** compress_chunk has a setting to delete rows while another session reads, instead of waiting to truncate (2.20). */
  truncatesOrDeletes: boolean
  /** Policies by age work on hypertables partitioned by UUIDv7 (2.25). */
  policiesOnUuid: boolean
  /** A retention policy with drop_created_before works on hypertables partitioned by time (2.26.3). */
  retentionByCreation: boolean
  /** An aggregate takes a compression policy only when it has a refresh policy (before 2.27.2). */
  compressionNeedsRefresh: boolean
  /**
   * An aggregate of variable bucket width needs a forced refresh: from 2.25.1 its invalidation log leaves out the bucket
   * at whose start a written range ends (known defect timescaledb-10296). Before 2.27 a forced refresh leaves the
   * computed range in the log, so it would be repeated for ever.
   */
  variableBucketsNeedForce: boolean
  /**
   * The invalidation log leaves out some buckets of variable width (known defect timescaledb-10296, from 2.25.1): what
   * it records as computed has to be compared with the rows before they are dropped.
   */
  logMissesBuckets: boolean
  /** The owner of the database counts as the owner of hypertables and jobs (2.28). */
  databaseOwnerOwns: boolean
  /** When this session's server process was started; null on the embedded engine. */
  backendStart: Instant | null
  /** The connection uses a transaction pooler, so no setting may remain on the server connection. */
  pooled: boolean
  /** States in which counts are wrong or jobs cannot run; empty if there are none. */
  condition: readonly Condition[]
  /**
   * Settings that every transaction makes, because the database may have them otherwise: it would hide compressed rows,
   * list shards of Citus as tables, distribute the schema qicore, or end a long step.
   */
  corrections: Settings
  /** Settings of the session itself, if no pooler shares it: they must hold between transactions. */
  sessionCorrections: Settings
  /** Null if the database does not have Citus. */
  citus: {version: string; worker: boolean} | null
}

/** The qualified name of a function of the extension. */
export function timescaledbFunction(server: Server, name: string): Fragment {
  return ident(server.timescaledbSchema ?? 'public', name)
}
