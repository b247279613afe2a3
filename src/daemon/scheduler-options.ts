import type {Job} from '../config/jobs.js'
import type {Emit} from '../jobs/events.js'
import type {Heartbeat} from '../jobs/store/daemons.js'
import type {Identity} from '../jobs/store/ledger.js'
import type {DatabaseClock} from './database-clock.js'
import type {Dependencies} from './dependencies.js'
import type {WorkerSlots} from './worker-slots.js'

export interface SchedulerOptions {
  dependencies: Dependencies
  jobs: readonly Job[]
  me: Identity
  /** By it schedules are evaluated. */
  databaseClock: DatabaseClock
  slots: WorkerSlots
  /** Seconds without a heartbeat after which other daemons reclaim this daemon's runs. */
  lease: number
  /** Milliseconds after which the ledger is polled even if nothing is expected: clocks jump and machines sleep. */
  poll: number
  emit: Emit
  skewed(): boolean
  sawOnlyReplica(instant: number): boolean
  /** Called after each poll of the ledger. */
  onHeartbeat(heartbeat: Heartbeat): void
  /** Called after each poll with the problems of pg_cron, if it is a runner. */
  onCron(problems: readonly string[]): void
  /** Waits while the database is unreachable or read-only. Rethrows other errors. */
  recover(error: unknown): Promise<void>
}
