import {can, recogniseEngine, type KnownEngine} from '../engines/index.js'
import type {Instant} from '../units/instant.js'
import {compareVersions, type VersionRange} from '../units/version.js'
import {citusCorrections} from './citus-settings.js'
import {conditionsOf, type Condition} from './condition.js'
import {pgCronRange} from './pg-cron-version.js'
import {replicaCondition} from './replica-condition.js'
import type {Alive, Server} from './server.js'
import {sessionCorrectionsOf, type SessionRow} from './session-corrections.js'
import {timescaledbSettings, type StoredSetting} from './timescaledb-settings.js'

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
 * What a server is and can do, from its answers. Only this decides by version.
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
