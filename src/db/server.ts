import type {ChunkCatalog, Edition} from '../engines/engine.js'
import {can, recogniseEngine, type EngineKind, type KnownEngine} from '../engines/index.js'
import {ident, type Fragment} from './sql.js'
import {conditionsOf, type Condition} from './condition.js'
import {replicaCondition} from './replica-condition.js'
import {citusCorrections} from './citus-settings.js'
import {timescaledbSettings, type StoredSetting} from './timescaledb-settings.js'
import type {Instant} from '../units/instant.js'
import {compareVersions, type VersionRange} from '../units/version.js'
import {pgCronRange} from './pg-cron-version.js'
import {sessionCorrectionsOf, type SessionRow, type Settings} from './session-corrections.js'

export type Alive = 'alive' | 'dead' | 'unknown'

/** The version, features and settings of a server, read when a session opens. Only this decides by version. */
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

/** The answer of sql/db/condition.sql. */
export interface ConditionRow {
  roots: readonly {name: string; root: string}[]
  broken_gates: readonly string[]
}

/** The row of sql/db/citus.sql; there is none without Citus. */
export interface CitusRow {
  worker: boolean
  /** The settings of the session; null if this version of Citus does not have them. */
  hides_shards: string | null
  distributes_schemas: string | null
  manages_tables: string | null
}

/** What is read beside the row of sql/db/server.sql; null if the database does not have it, or it cannot be read. */
export interface Extras {
  condition: ConditionRow | null
  citus: CitusRow | null
}

/** The row of sql/db/server.sql. */
export interface ServerRow extends SessionRow {
  version_num: number
  postgres: string
  database: string
  role: string
  host: string | null
  port: number | null
  pid: number
  backend_start: Instant | null
  now: Instant
  in_recovery: boolean
  replayed_at: Instant | null
  superuser: boolean
  reads_all_stats: boolean
  reads_files: boolean
  timescaledb: string | null
  timescaledb_schema: string | null
  timescaledb_available: string | null
  license: string | null
  restoring: string | null
  disable_load: string | null
  enable_optimizations: string | null
  enable_transparent_decompression: string | null
  stored_settings: readonly StoredSetting[]
  max_background_workers: number | null
  worker_processes_left: number
  schedulers: number
  citus: string | null
  scheduler_seen: boolean
  launcher_seen: boolean
  pg_cron: string | null
  pg_cron_seen: boolean
  pg_cron_database: string | null
  pg_cron_available: string | null
  /** Names; empty if the role may not see them, or if the library is not loaded. */
  pg_cron_settings: readonly string[]
  pg_stat_statements: string | null
  pg_stat_statements_schema: string | null
  preloaded: string | null
  max_locks_per_transaction: number
  has_core: boolean
  former_job_table: boolean
  chunk_has_relid: boolean
  materialization_ranges: 'used' | 'left' | null
  truncates_or_deletes: boolean
}

function conditionOfDatabase(
  row: ServerRow,
  engine: KnownEngine,
  settings: ReturnType<typeof timescaledbSettings>,
  embedded: boolean,
  extras: Extras,
): Condition[] {
  if (!can(engine.name, 'hypertables')) return []
  return conditionsOf({
    database: row.database,
    timescaledb: row.timescaledb,
    embedded,
    license: row.license,
    ...settings,
    inRecovery: row.in_recovery,
    launcherSeen: row.launcher_seen,
    schedulerHere: row.scheduler_seen,
    schedulers: row.schedulers,
    maxBackgroundWorkers: row.max_background_workers,
    workerProcessesLeft: row.worker_processes_left,
    rowsInRoot: extras.condition?.roots ?? [],
    brokenGates: extras.condition?.broken_gates ?? [],
  })
}

/** The entries of a comma-separated setting. */
function listOf(setting: string): string[] {
  return setting
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
}

/**
 * @param processId the pid of the protocol's BackendKeyData; null if there is none
 */
export function describeServer(row: ServerRow, processId: number | null, embedded: boolean, extras: Extras): Server {
  const engine = recogniseEngine(row)
  const settings = timescaledbSettings(row)
  const condition = [
    ...conditionOfDatabase(row, engine, settings, embedded, extras),
    ...replicaCondition(row.in_recovery, row.replayed_at),
  ]
  // PgBouncer sends its own number in BackendKeyData, not the pid of the server process.
  const pooled = !embedded && processId !== null && processId !== row.pid
  return {
    engine: engine.name,
    embedded,
    postgres: row.postgres,
    versionNum: row.version_num,
    database: row.database,
    role: row.role,
    host: row.host,
    port: row.port,
    now: row.now,
    inRecovery: row.in_recovery,
    replayedAt: row.in_recovery ? row.replayed_at : null,
    superuser: row.superuser,
    readsAllStats: row.reads_all_stats,
    readsFiles: row.reads_files,
    extensionVersion: engine.extension === null ? null : row[engine.extension.name],
    timescaledb: row.timescaledb,
    timescaledbSchema: row.timescaledb_schema,
    timescaledbAvailable: row.timescaledb_available,
    edition: engine.edition(row),
    workers: workersOf(row, engine, embedded, condition),
    pgCron: row.pg_cron,
    pgCronAlive: row.pg_cron_seen,
    pgCronDatabase: row.pg_cron_database,
    pgCronRange: runningPgCron(row),
    pgCronAvailable: row.pg_cron_available,
    pgStatStatements: row.pg_stat_statements,
    pgStatStatementsSchema: row.pg_stat_statements_schema,
    preloaded: row.preloaded === null ? null : listOf(row.preloaded),
    maxLocksPerTransaction: row.max_locks_per_transaction,
    hasQicoreSchema: row.has_core,
    formerJobTable: row.former_job_table,
    ...featuresOf(row, engine),
    backendStart: row.backend_start,
    pooled,
    condition,
    corrections: [
      // It ends the session, so a long step could never be done (PostgreSQL 17).
      ...(row.version_num >= 17_00_00 ? [['transaction_timeout', '0'] as const] : []),
      ...settings.hidingHere.map((name) => [name, 'on'] as const),
      ...(extras.citus === null ? [] : citusCorrections(extras.citus)),
    ],
    sessionCorrections: pooled ? [] : sessionCorrectionsOf(row),
    citus: row.citus === null || extras.citus === null ? null : {version: row.citus, worker: extras.citus.worker},
  }
}

function featuresOf(row: ServerRow, engine: KnownEngine) {
  const catalog = row.chunk_has_relid ? ('relid' as const) : ('names' as const)
  return {
    chunkCatalog: engine.sql.chunks === null ? null : catalog,
    materializationRanges: row.materialization_ranges,
    truncatesOrDeletes: row.truncates_or_deletes,
    // These six depend on the library; the catalog does not show them.
    policiesOnUuid: isAtLeast(row.timescaledb, '2.25.0'),
    retentionByCreation: isAtLeast(row.timescaledb, '2.26.3'),
    compressionNeedsRefresh: row.timescaledb !== null && !isAtLeast(row.timescaledb, '2.27.2'),
    variableBucketsNeedForce: isAtLeast(row.timescaledb, '2.27.0'),
    logMissesBuckets: isAtLeast(row.timescaledb, '2.25.1'),
    databaseOwnerOwns: isAtLeast(row.timescaledb, '2.28.0'),
  }
}

function runningPgCron(row: ServerRow): VersionRange | null {
  if (!row.pg_cron_seen) return null
  return pgCronRange({
    versionNum: row.version_num,
    settings: row.pg_cron_settings,
    available: row.pg_cron_available,
  })
}

function isAtLeast(version: string | null, wanted: string): boolean {
  return version !== null && compareVersions(version, wanted) >= 0
}

function workersOf(row: ServerRow, {name}: KnownEngine, embedded: boolean, condition: readonly Condition[]): Alive {
  if (embedded || !can(name, 'hypertables')) return 'dead'
  // They run only on the primary, which cannot be checked from a standby.
  if (row.in_recovery) return 'unknown'
  // A scheduler without a free worker slot cannot run jobs.
  const cannotRun = condition.some(({code, refuses}) => refuses === 'database' || code === 'no_worker_slots')
  return row.scheduler_seen && !cannotRun ? 'alive' : 'dead'
}

/** The qualified name of a function of the extension. */
export function timescaledbFunction(server: Server, name: string): Fragment {
  return ident(server.timescaledbSchema ?? 'public', name)
}
