import type {Instant} from '../units/instant.js'
import type {CronJobState} from './job-state.js'

/** An entry that pg_cron has or should have, with its last run by pg_cron and by the ledger. */
export interface CronJob {
  /** Null if the entry belongs to no declared job. */
  job: string | null
  /** The table or aggregate, for a job with one entry for each; otherwise null. */
  part: string | null
  /** The name of the entry in pg_cron. */
  name: string
  jobId: number | null
  schedule: string
  timezone: string
  command: string
  username: string | null
  active: boolean | null
  state: CronJobState
  lastStartedAt: Instant | null
  lastCompletedAt: Instant | null
  /** From the ledger, which records failed steps; from pg_cron if the run has no record there. */
  lastStatus: string | null
  /** The reason for a skip, or the error. */
  message: string | null
  /** The status in cron.job_run_details: `succeeded`, `failed`, `running`. */
  cronStatus: string | null
  next: Instant | null
  paused: boolean
  ok: boolean | null
  findings: string[]
}
