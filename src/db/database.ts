import type {Instant} from '../units/instant.js'
import type {Statement} from './sql.js'
import type {Server} from './server.js'

/** A message of the server that is no error: where TimescaleDB says what it did not do. */
export interface Notice {
  severity: string
  code: string
  message: string
  /** The function of the server's source that raised it; null where the server does not say. */
  routine: string | null
}

/** The one thing that operations and reports need of a connection. */
export interface Db {
  query<Row extends object = Record<string, unknown>>(statement: Statement): Promise<Row[]>
}

export interface TransactionSettings {
  readOnly: boolean
  /** Milliseconds; 0 waits for ever. */
  lockTimeout: number
  /** Milliseconds; 0 has no end. The embedded engine knows no time limits. */
  statementTimeout: number
  /** SET LOCAL ROLE, so that what is made belongs to the owner of the tables. */
  role?: string | undefined
  /** Ours is qualified throughout; only a user's own SQL wants another one. */
  searchPath?: string | undefined
  onNotice?: ((notice: Notice) => void) | undefined
}

/** Reports never make anybody wait: a locked chunk is left out and counted. */
export const readOnlySettings: TransactionSettings = {readOnly: true, lockTimeout: 50, statementTimeout: 30_000}

/**
 * A database that was connected to. Everything runs in a transaction whose settings are its own (`SET LOCAL`), so
 * that nothing sticks to a server connection that a pooler gives to another client afterwards.
 */
export interface Database extends Db {
  readonly server: Server
  readonly target: Target
  /**
   * One transaction of its own, to read unless said otherwise: its locks are gone when it answers. One way there and
   * back.
   */
  query<Row extends object = Record<string, unknown>>(
    statement: Statement,
    settings?: TransactionSettings,
  ): Promise<Row[]>
  /** What `work` asks before it waits for an answer travels together, and with the commit what it never waits for. */
  transaction<T>(settings: TransactionSettings, work: (tx: Db) => Promise<T>): Promise<T>
  /**
   * Outside of any transaction, for statements that refuse to be in one (refresh, DETACH CONCURRENTLY). Needs a
   * session of its own.
   * @param followUp sent right behind it, before its answer: the server runs it even if this process ends meanwhile,
   * and
   * whatever became of the statement. Its own failure is ignored.
   * @throws OpsError POOLER when only a transaction pooler can be reached
   */
  autocommit(settings: TransactionSettings, statement: Statement, followUp?: Statement): Promise<void>
  /** Asks the server again what it can do: after an extension was made, updated or the connection was lost. */
  probe(): Promise<Server>
  /** After the connection was lost: a new one, its server asked again. @throws OpsError CONNECT while it is away */
  reconnect(): Promise<void>
  /**
   * Another session on the same database and the same host, to be closed by the caller. The embedded engine has only
   * one.
   */
  openSession(): Promise<Database>
  /**
   * Where another database of the server is that this session is on: past a pooler, and never on another host of a
   * list.
   */
  sibling(database: string): Target
  /** Asks the server to stop what this session runs now; that statement then fails with 57014. */
  cancel(): Promise<void>
  /** The server process behind this session; null on the embedded engine, and behind a pooler, where it changes. */
  readonly backend: Backend | null
  /**
   * Calls back whenever the connection is gone, also one that was asked nothing. Holds for those of a reconnect as
   * well.
   */
  onLost(tell: () => void): void
  /**
   * Closes the socket at once, without a word: what waits for an answer fails as a lost connection. The embedded engine
   * goes on.
   */
  abort(): void
  /** Takes no longer than a second, whether the server answers or not. */
  close(): Promise<void>
}

/** A server process. A pid comes again, the pair does not. */
export interface Backend {
  pid: number
  startedAt: Instant
}

export type TargetSource =
  | '--url'
  | '--target'
  | 'QICORE_DB_URL'
  | 'QICORE_TARGET'
  | 'DATABASE_URL'
  | 'libpq'
  | 'config'
  | 'demo'

/** Where a database is and what was decided about it, before anything was connected. */
export interface Target {
  /** The config's name for it; null where it came by URL. */
  name: string | null
  /** `postgres://…`, `embedded:<absolute directory>`, or '' for libpq's environment alone. May hold a password. */
  url: string
  source: TargetSource
  /** Past a transaction pooler. */
  directUrl?: string | undefined
  role?: string | undefined
  /** Another database than the one that is named there, on the same server. */
  database?: string | undefined
  /** The place of the only host to try, where the address lists several: the one that another session is on. */
  host?: number | undefined
  protected: boolean
}

/** The directory of an `embedded:` URL, or null. `embedded:` alone is a database in memory. */
export function embeddedDirectory(url: string): string | null {
  return url.startsWith('embedded:') ? url.slice('embedded:'.length) : null
}

/** Connects, hands the database over, and closes it whatever happens. */
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
  /** `qicore-db/<command>`, seen in pg_stat_activity. */
  applicationName: string
  /** Whether an embedded directory that is not there may be made. */
  create?: boolean
  /** A URL that shows the state of this process; named to another one that wants the same embedded directory. */
  statusUrl?: string | undefined
  /**
   * For tests: a database in memory begins as a copy of this file, an archive of the engine's own. Opening that takes a
   * third of the time of making a new database.
   */
  template?: string | undefined
}
