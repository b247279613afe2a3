import type {ReportHead} from '../catalog/snapshot.js'
import type {Instant} from '../units/instant.js'

/** What a session belongs to. `run`: a command or the daemon of this program. */
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

/** How far a maintenance command is, in blocks or bytes of the phase. */
export interface Progress {
  command: string
  phase: string | null
  done: number
  /** Null where PostgreSQL does not know it. */
  total: number | null
}

/** One session that does something, holds a transaction open or blocks another. */
export interface Session {
  pid: number
  kind: SessionKind
  /** Of TimescaleDB's scheduler; null for other kinds. */
  jobId: number | null
  role: string | null
  application: string | null
  /** The address of the client; null for a local socket and for background processes. */
  client: string | null
  /** `active`, `idle in transaction`, …; null where this role may not see it. */
  state: string | null
  /** When the current or last statement began. */
  queryStartedAt: Instant | null
  transactionStartedAt: Instant | null
  /** On one line; null where this role may not see it. */
  query: string | null
  /** Tables, aggregates and partition sets of which it holds or wants a lock, each once. */
  tables: TableName[]
  /** The lock with its table, or the wait event; null where it waits for nothing, or where that is hidden. */
  waitsFor: {event: string; mode: string | null; table: TableName | null} | null
  /** Sessions that it waits for. 0 is a prepared transaction. */
  blockedBy: number[]
  /** How many sessions wait for it, by way of others too. */
  blocks: number
  /** In the tree of blockers: 0 is blocked by no session of the list. */
  depth: number
  progress: Progress | null
}

/** The oldest snapshot of each kind, which keeps VACUUM from removing dead rows. */
export interface Horizon {
  kind: 'session' | 'prepared_transaction' | 'replication_slot'
  /** The pid, the identifier of the transaction, or the name of the slot. */
  name: string
  since: Instant | null
  /** Transactions that began since; null where this role may not see it. */
  transactions: number | null
}

export interface ActivityReport extends ReportHead<'activity'> {
  /** A blocker before what it blocks; the longest transaction first. */
  sessions: Session[]
  horizons: Horizon[]
  /** The first session that others wait for, with the SQL that ends the wait; null where none is blocked. */
  blocker: {pid: number; blocks: number; end: string} | null
  notes: string[]
}
