import type {Session} from '../../activity/sessions.js'
import type {Job} from '../../config/jobs.js'
import type {Alive, Server} from '../../db/server.js'
import type {OpsError} from '../../errors.js'
import type {JobWork} from '../../jobs/kind.js'
import type {Occurrence} from '../../jobs/store/history.js'
import type {DaemonSeen, ListedJob} from '../../jobs/store/job-list.js'
import type {CronJob} from '../../pg-cron/cron-job.js'
import type {Instant} from '../../units/instant.js'
import type {Hazard} from '../../run/hazards/hazard.js'

/** Everything that is looked at for one job of this program. */
export interface JobFacts {
  at: Instant
  listed: ListedJob
  /** As it is declared; null where only the ledger knows it. */
  job: Job | null
  /** The last due time of its schedule; null where there was none in the last year. */
  lastDue: Instant | null
  /** Since when it has been due without a row in the ledger; null where nothing is due. */
  dueSince: Instant | null
  /** Its last runs and due times, newest first. */
  occurrences: readonly Occurrence[]
  daemons: readonly DaemonSeen[]
  lastDaemon: {id: string; seenAt: Instant; stoppedAt: Instant | null} | null
  /** What pg_cron has for it; null where it is not the runner. */
  cron: {scheduler: Alive; entries: readonly CronJob[]; notes: readonly string[]} | null
  /** What a run would do now, or why that cannot be planned; null where the job is not declared here. */
  work: JobWork | OpsError | null
  /** Sessions that hold or want locks on the tables of that work. */
  sessions: readonly Session[]
  /** Known defects that make a step of that work unsafe. */
  hazards: readonly Hazard[]
  server: Pick<Server, 'condition' | 'inRecovery'>
}
