import type {Instant} from '../units/instant.js'
import type {Statement} from './sql.js'
import type {Server} from './server.js'

/** A notice or warning of the server, such as those in which TimescaleDB reports what it skipped. */
export interface Notice {
  severity: string
  code: string
  message: string
  /** The C function that raised it; null if the server does not report it. */
  routine: string | null
}

/** The part of a connection that operations and reports use. */
export interface Db {
  query<Row extends object = Record<string, unknown>>(statement: Statement): Promise<Row[]>
}

export interface TransactionSettings {
  readOnly: boolean
  /** Milliseconds; 0 means no timeout. */
  lockTimeout: number
  /** Milliseconds; 0 means no timeout. The embedded engine does not enforce timeouts. */
  statementTimeout: number
  /**
   * Milliseconds of waiting for a lock after which PostgreSQL cancels an autovacuum worker that holds it; the server's
   * setting if absent. For roles that may set it.
   */
  deadlockTimeout?: number | undefined
  /** SET LOCAL ROLE, so that new objects belong to the owner of the tables. */
  role?: string | undefined
  /** For SQL written by the user; SQL of qicore-db is qualified. */
  searchPath?: string | undefined
  onNotice?: ((notice: Notice) => void) | undefined
  /** `filter` for tables in which a role is meant to see its own rows only; otherwise hidden rows are an error. */
  rowSecurity?: 'filter' | undefined
  /**
   * All statements see one snapshot (REPEATABLE READ), which is taken after these LOCK TABLE statements: a TRUNCATE or
   * a compression that committed between the snapshot and the lock would otherwise hide rows.
   */
  snapshotAfter?: readonly Statement[] | undefined
}

/** For reports, which must not hold up other sessions: a locked chunk is skipped and counted. */
export const readOnlySettings: TransactionSettings = {readOnly: true, lockTimeout: 50, statementTimeout: 30_000}

/** For the tables of pg_cron, whose row level security shows each role its own entries. */
export const ownEntriesSettings: TransactionSettings = {...readOnlySettings, rowSecurity: 'filter'}

/**
 * A connected session. Everything runs in a transaction with local settings (`SET LOCAL`), so that no setting remains
 * on a server connection that a pooler gives to another client afterwards.
 */
export interface Database extends Db {
  readonly server: Server
  readonly target: Target
  /** Runs one statement in its own transaction, by default {@link readOnlySettings}. One round trip. */
  query<Row extends object = Record<string, unknown>>(
    statement: Statement,
    settings?: TransactionSettings,
  ): Promise<Row[]>
  /** Runs `work` in a transaction. Queries that it does not await are pipelined, also with COMMIT. */
  transaction<T>(settings: TransactionSettings, work: (tx: Db) => Promise<T>): Promise<T>
  /**
   * Runs a statement that cannot be in a transaction block (refresh, DETACH CONCURRENTLY). Not possible through a
   * transaction pooler.
   * @param followUp pipelined behind it: the server runs it even if this process ends in between, and whether or not
   * the statement succeeded. Its own failure is ignored.
   * @throws OpsError POOLER if there is only a connection through a transaction pooler
   */
  autocommit(settings: TransactionSettings, statement: Statement, followUp?: Statement): Promise<void>
  /** Reads the version, settings and condition of the server again, for example after an extension was updated. */
  probe(): Promise<Server>
  /** Opens a new connection and probes it. @throws OpsError CONNECT while the server is unreachable */
  reconnect(): Promise<void>
  /**
   * Opens another session on the same host and database; the caller closes it.
   * @throws OpsError ONE_SESSION on the embedded engine
   */
  openSession(): Promise<Database>
  /** The target for another database on the same host, without the pooler if there is a directUrl. */
  sibling(database: string): Target
  /** Sends a cancel request for the running statement, which then fails with 57014. */
  cancel(): Promise<void>
  /** The server process of this session; null on the embedded engine, and behind a pooler, where it changes. */
  readonly backend: Backend | null
  /** Calls `tell` whenever the connection is lost, even while idle; also after a reconnect. */
  onLost(tell: () => void): void
  /** Destroys the socket at once: pending queries fail as a lost connection. No effect on the embedded engine. */
  abort(): void
  /** Takes at most a second, even if the server does not respond. */
  close(): Promise<void>
}

/** A server process. Pids are reused; the pair of pid and start time is unique. */
export interface Backend {
  pid: number
  startedAt: Instant
}

export type TargetSource =
  | '--url'
  | '--target'
  | '--targets'
  | '--all-targets'
  | 'QICORE_DB_URL'
  | 'QICORE_TARGET'
  | 'DATABASE_URL'
  | 'libpq'
  | 'config'
  | 'demo'

/** The address and options of a database, before connecting. */
export interface Target {
  /** The name of the target in the configuration; null if it was given as a URL. */
  name: string | null
  /** `postgres://…`, `embedded:<absolute directory>`, or '' for libpq's environment only. May contain a password. */
  url: string
  source: TargetSource
  /** A URL of the server itself, without the transaction pooler. */
  directUrl?: string | undefined
  role?: string | undefined
  /** Overrides the database of the URL. */
  database?: string | undefined
  /** The index of the only host to try, if the URL lists several: the host of another session. */
  host?: number | undefined
  protected: boolean
  /** Address and region of S3-compatible stores, for exports whose settings have none; undefined: those of AWS. */
  objectStore?: ObjectStore | undefined
}

export interface ObjectStore {
  endpoint?: string | undefined
  region?: string | undefined
}

/** The directory of an `embedded:` URL, or null for other URLs. '' (from `embedded:`) is a database in memory. */
export function embeddedDirectory(url: string): string | null {
  return url.startsWith('embedded:') ? url.slice('embedded:'.length) : null
}

/** Connects, calls `work` with the database, and closes it in any case. */
export async function withDatabase<T>(
  target: Target,
  options: ConnectOptions,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const {connect} = await import('./connect.js')
  const db = await connect(target, options)
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

export interface ConnectOptions {
  /** `qicore-db/<command>`, visible in pg_stat_activity. */
  applicationName: string
  /** Whether a missing embedded directory may be created. */
  create?: boolean
  /** A URL that shows the state of this process, for the error of another process that opens the same directory. */
  statusUrl?: string | undefined
  /**
   * For tests: a database in memory starts as a copy of this archive of the engine, which takes a third of the time of
   * creating a new database.
   */
  template?: string | undefined
}
