import type {FinalOutcome} from './run/outcome.js'
import type {Claim} from './store/claims.js'

/**
 * The events of a daemon, which are logged and counted. Times are milliseconds since 1970; `ms` is milliseconds, `late`
 * and `seconds` are seconds.
 */
export type DaemonEvent =
  | {event: 'started'; id: string; version: string; node: string}
  | {event: 'listening'; address: string}
  | {
      event: 'connected'
      database: string
      role: string
      engine: string
      postgres: string
      timescaledb: string | null
      pooled: boolean
    }
  | {event: 'qicore_schema_installed'; steps: readonly string[]}
  | {event: 'schedules_changed'; changes: readonly string[]}
  | {
      event: 'job'
      job: string
      kind: string
      schedule: string
      timezone: string
      runner: string
      state: string
      next: string | null
      local: string | null
      /** `next` plus the jitter. */
      begins: string | null
      lastDone: string | null
    }
  | {event: 'ready'; jobs: number; others: number}
  | {event: 'observing'; reason: string}
  | {event: 'occurrence_started'; job: string; at: number | null; attempt: number; late: number; id: number}
  | {event: 'reclaimed'; job: string; at: number | null; from: string; attempt: number; error: string | null}
  | {event: 'retried'; job: string; at: number | null; attempt: number; error: string | null}
  | {
      event: 'occurrence_ended'
      job: string
      at: number | null
      ms: number
      outcome: FinalOutcome
      claim: Claim
      kind: string
    }
  | {event: 'instants_skipped'; job: string; reason: string; count: number; first: number; last: number}
  | {event: 'claim_lost'; job: string; at: number | null}
  | {event: 'result_write_failed'; job: string; error: string}
  | {event: 'job_ignored'; job: string; reason: string}
  | {event: 'connection_lost'; error: string; attempt: number; seconds: number}
  | {event: 'database_back'; seconds: number}
  | {event: 'replica'; message: string}
  | {event: 'server_changed'; message: string}
  | {event: 'clock_skew'; seconds: number}
  | {event: 'clock_jump'; seconds: number}
  | {event: 'runner_unavailable'; message: string}
  | {event: 'runner_back'; message: string}
  | {event: 'warning'; message: string}
  /**
   * `poll_failed` once for each kind of failure of the ledger; `ledger_works` when it works again, with the duration of
   * the failure. `job`: only that job was affected.
   */
  | {event: 'poll_failed'; error: string}
  | {event: 'ledger_works'; seconds: number; job?: string}
  /** No session could be opened for a claimed run; emitted once for each kind of error until one is opened. */
  | {event: 'no_session'; error: string}
  /** The connection of a run was closed, and its step may still be running in the server. */
  | {event: 'occurrence_hangs'; job: string; at: number | null; pid: number | null; error: string}
  | {event: 'stopping'; signal: string; running: number}
  /** The time after SIGTERM is over, but steps are still running. */
  | {event: 'stop_incomplete'; message: string}
  | {event: 'stopped'; seconds: number}
  /** An error ended the work on a target; it is tried again after this many seconds. */
  | {event: 'target_failed'; error: string; seconds: number}
  /** The configuration was read again; the lists are names of targets. */
  | {event: 'reloaded'; added: readonly string[]; removed: readonly string[]; changed: readonly string[]}
  | {event: 'reload_failed'; error: string}

export type Emit = (event: DaemonEvent) => void
