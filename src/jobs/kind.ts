import type {JobKindName, OptionsOf} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import type {Limits} from '../run/limits.js'
import type {Plan} from '../run/step.js'
import type {PolicySections} from '../policies/declared.js'
import type {PartitionRule} from '../partitions/periods.js'
import type {Instant} from '../units/instant.js'

/** What a job gets besides its options. */
export interface JobContext {
  /** The job's name, for messages. */
  job: string
  /** The database's clock. */
  now: Instant
  limits: Limits
  /** What the configuration says of tables and aggregates. */
  sections: PolicySections
  /** What pg_cron is meant to do is left to it; otherwise it is done here too. */
  leaveToCron: boolean
  /** Which partition sets are declared; the definitions' only where they were migrated. */
  partitions(withDefinitions: boolean): readonly PartitionRule[]
}

/** What carries out a policy besides the daemon. */
export type OtherRunner = 'timescaledb' | 'pg_cron'

/** What a job would do now. */
export interface JobWork {
  plans: readonly Plan[]
  /** What another scheduler does already: `compression of public.ohlcv_data: timescaledb`. */
  enforced: readonly {what: string; by: OtherRunner}[]
  /** Remarks, kept in the history. */
  notes: readonly string[]
  /** What could not even be planned: the rest is done, and the run counts as failed. */
  problems: readonly string[]
}

/** One kind of job: the same operation that a command runs, worked out against the catalogue and not done yet. */
export interface JobKind<Kind extends JobKindName = JobKindName> {
  kind: Kind
  /** One sentence, for lists. */
  summary: string
  plan(db: Database, options: OptionsOf<Kind>, context: JobContext): Promise<JobWork>
}
