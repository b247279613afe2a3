import type {JobKindName, OptionsOf} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import type {OpsError} from '../errors.js'
import type {Limits} from '../run/limits.js'
import type {Plan} from '../run/step.js'
import type {PolicySections} from '../policies/declared/declared.js'
import type {PartitionRule} from '../partitions/periods.js'
import type {Instant} from '../units/instant.js'

/** The context of a job, apart from its options. */
export interface JobContext {
  /** The name of the job, for messages. */
  job: string
  /** The time of the database's clock. */
  now: Instant
  limits: Limits
  /** The configuration's `tables` and `aggregates`. */
  sections: PolicySections
  /** Whether work that an entry of pg_cron does is left to pg_cron. */
  leaveToCron: boolean
  /** The declared partition sets. @param withDefinitions include those of applied migrations */
  partitions(withDefinitions: boolean): readonly PartitionRule[]
}

/** A scheduler other than the daemon that runs a policy. */
export type OtherRunner = 'timescaledb' | 'pg_cron'

/** What a job would do now. */
export interface JobWork {
  plans: readonly Plan[]
  /** Work that another scheduler does: `compression of public.ohlcv_data`, by `timescaledb`. */
  enforced: readonly {what: string; by: OtherRunner}[]
  /** Notes, stored in the history. */
  notes: readonly string[]
  /** Parts of the job that cannot be done: the rest is still done, and the run counts as failed. */
  problems: readonly OpsError[]
}

/** The notes about work that another scheduler does. */
export function enforcedNotes(enforced: JobWork['enforced']): string[] {
  return enforced.map(({what, by}) => `${what} is done by ${by}`)
}

/** One kind of job. It plans the same operation as a command, from the catalog; the caller runs the plans. */
export interface JobKind<Kind extends JobKindName = JobKindName> {
  kind: Kind
  /** One sentence. */
  summary: string
  plan(db: Database, options: OptionsOf<Kind>, context: JobContext): Promise<JobWork>
}
