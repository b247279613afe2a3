import type {Instant} from '../units/instant.js'
import type {CronJobState} from './job-state.js'

/** A run that pg_cron has, or is to have, with the last word of pg_cron and of our own ledger on it. */
export interface CronJob {
  /** Null where only pg_cron knows it. */
  job: string | null
  /** The table or aggregate, of a job that has a run for each. */
  part: string | null
  /** Its name in pg_cron. */
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
  /** By our ledger, which knows of failed steps; by pg_cron where the run wrote nothing. */
  lastStatus: string | null
  /** What was skipped for, or what went wrong. */
  message: string | null
  /** pg_cron's own word: `succeeded`, `failed`, `running`. */
  cronStatus: string | null
  next: Instant | null
  paused: boolean
  ok: boolean | null
  findings: string[]
}
