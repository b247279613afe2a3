import type {ReportHead} from '../catalog/snapshot.js'
import type {Instant} from '../units/instant.js'

/** What a session belongs to. `run`: a command or the daemon of qicore-db. */
export type SessionKind =
  | 'run'
  | 'timescaledb_job'
  | 'pg_cron'
  | 'autovacuum'
  | 'replication'
  | 'application'
  | 'background'

export interface TableName {
  schema: string
  table: string
}

/** The progress of a maintenance command, in blocks or bytes of its current phase. */
export interface Progress {
  command: string
  phase: string | null
  done: number
  /** Null where PostgreSQL does not report it. */
  total: number | null
}

/** One session that is active, has an open transaction or blocks another session. */
export interface Session {
  pid: number
  kind: SessionKind
  /** The id of the TimescaleDB job; null for other kinds. */
  jobId: number | null
  role: string | null
  application: string | null
  /** The client's IP address; null for Unix sockets and background processes. */
  client: string | null
  /** `active`, `idle in transaction`, …; null where the role may not read it. */
  state: string | null
  /** When the current or most recent statement started. */
  queryStartedAt: Instant | null
  transactionStartedAt: Instant | null
  /** On one line; null where the role may not read it. */
  query: string | null
  /** Tables, aggregates and partitioned tables on which it holds or requests a lock, without duplicates. */
  tables: TableName[]
  /** The requested lock and its table, or the wait event; null if it is not waiting or the role may not read it. */
  waitsFor: {event: string; mode: string | null; table: TableName | null} | null
  /** Pids of the sessions that block it. 0 is a prepared transaction. */
  blockedBy: number[]
  /** How many sessions wait for it, directly or through others. */
  blocks: number
  /** Depth in the tree of blockers; 0 means that no listed session blocks it. */
  depth: number
  progress: Progress | null
}

/** The holder of the oldest snapshot of each kind, which keeps VACUUM from removing dead rows. */
export interface Horizon {
  kind: 'session' | 'prepared_transaction' | 'replication_slot'
  /** The pid, the GID of the prepared transaction, or the name of the slot. */
  name: string
  since: Instant | null
  /** Transactions started since; null where the role may not read it. */
  transactions: number | null
}

export interface ActivityReport extends ReportHead<'activity'> {
  /** Sessions of other roles that neither hold a lock nor wait may be missing: this role may not see their state. */
  hidden: boolean
  /** Blockers before the sessions they block; otherwise the oldest transaction first. */
  sessions: Session[]
  horizons: Horizon[]
  /** The first blocking session, with the SQL that ends the wait; null if no session is blocked. */
  blocker: {pid: number; blocks: number; end: string} | null
  notes: string[]
}
