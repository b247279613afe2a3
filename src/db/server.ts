import {ident, type Fragment} from './sql.js'
import type {Instant} from '../units/instant.js'

/** Which of the three schemas of SQL a database takes; the embedded engine is a `timescaledb`. */
export type EngineKind = 'timescaledb' | 'apache' | 'postgres'
export type Alive = 'alive' | 'dead' | 'unknown'

/** What one connected server is and can do. Asked once; nothing else in the program decides by version. */
export interface Server {
  engine: EngineKind
  embedded: boolean
  postgres: string
  versionNum: number
  database: string
  role: string
  /** Null over a Unix socket and for the embedded engine. */
  host: string | null
  port: number | null
  /** The server's clock when it was asked. */
  now: Instant
  inRecovery: boolean
  superuser: boolean
  /** pg_monitor or its like: sees other roles' queries and states. */
  readsAllStats: boolean
  timescaledb: string | null
  /** The extension's functions live where it was installed, not always in public. */
  timescaledbSchema: string | null
  /** The extension could be created or updated to this version here. */
  timescaledbAvailable: string | null
  edition: 'community' | 'apache' | null
  /** TimescaleDB's own background workers in this database. */
  workers: Alive
  pgCron: string | null
  pgCronAlive: boolean
  pgCronDatabase: string | null
  pgStatStatements: string | null
  pgStatStatementsSchema: string | null
  /** Null where the role may not see it. */
  preloaded: readonly string[] | null
  maxLocksPerTransaction: number
  /** The schema qicore with our ledger and versions is there. */
  hasCore: boolean
  /** Which shape `_timescaledb_catalog.chunk` has: named relations up to 2.28, `relid` from 2.29. */
  chunkCatalog: 'names' | 'relid' | null
  /** Where a refresh notes what it has begun, so that a broken-off one can be seen (2.22); `left`: none does any more (2.26.3). */
  materializationRanges: 'used' | 'left' | null
  /** compress_chunk can be told to delete where somebody reads, instead of waiting to truncate (2.20). */
  truncatesOrDeletes: boolean
  /** When this session's server process was started; null on the embedded engine. */
  backendStart: Instant | null
  /** A transaction pooler stands between: nothing may stick to the connection. */
  pooled: boolean
}

/** The row of sql/catalog/server.sql. */
export interface ServerRow {
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
  superuser: boolean
  reads_all_stats: boolean
  timescaledb: string | null
  timescaledb_schema: string | null
  timescaledb_available: string | null
  license: string | null
  restoring: boolean
  scheduler_seen: boolean
  launcher_seen: boolean
  pg_cron: string | null
  pg_cron_seen: boolean
  pg_cron_database: string | null
  pg_stat_statements: string | null
  pg_stat_statements_schema: string | null
  preloaded: string | null
  max_locks_per_transaction: number
  has_core: boolean
  chunk_has_relid: boolean
  materialization_ranges: 'used' | 'left' | null
  truncates_or_deletes: boolean
}

/** @param processId the pid that the protocol's BackendKeyData named, null where there is none */
export function describeServer(row: ServerRow, processId: number | null, embedded: boolean): Server {
  const edition = row.timescaledb === null ? null : row.license === 'timescale' ? 'community' : 'apache'
  return {
    engine: edition === null ? 'postgres' : edition === 'community' ? 'timescaledb' : 'apache',
    embedded,
    postgres: row.postgres,
    versionNum: row.version_num,
    database: row.database,
    role: row.role,
    host: row.host,
    port: row.port,
    now: row.now,
    inRecovery: row.in_recovery,
    superuser: row.superuser,
    readsAllStats: row.reads_all_stats,
    timescaledb: row.timescaledb,
    timescaledbSchema: row.timescaledb_schema,
    timescaledbAvailable: row.timescaledb_available,
    edition,
    workers: workersOf(row, embedded),
    pgCron: row.pg_cron,
    pgCronAlive: row.pg_cron_seen,
    pgCronDatabase: row.pg_cron_database,
    pgStatStatements: row.pg_stat_statements,
    pgStatStatementsSchema: row.pg_stat_statements_schema,
    preloaded: row.preloaded === null ? null : row.preloaded.split(',').map((name) => name.trim()).filter(Boolean),
    maxLocksPerTransaction: row.max_locks_per_transaction,
    hasCore: row.has_core,
    chunkCatalog: row.timescaledb === null ? null : row.chunk_has_relid ? 'relid' : 'names',
    materializationRanges: row.materialization_ranges,
    truncatesOrDeletes: row.truncates_or_deletes,
    backendStart: row.backend_start,
    // Seen to work with PgBouncer: the pid it hands out is its own, not the backend's.
    pooled: !embedded && processId !== null && processId !== row.pid,
  }
}

function workersOf(row: ServerRow, embedded: boolean): Alive {
  if (embedded || row.timescaledb === null) return 'dead'
  // They run on the primary only, and nothing here can look there.
  if (row.in_recovery) return 'unknown'
  if (row.scheduler_seen && !row.restoring) return 'alive'
  return 'dead'
}

/** A function of the extension, wherever the extension lives. */
export function timescaledbFunction(server: Server, name: string): Fragment {
  return ident(server.timescaledbSchema ?? 'public', name)
}
