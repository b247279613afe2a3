import type {Session} from '../../activity/sessions.js'
import type {Server} from '../../db/server.js'
import type {PolicyStatus} from '../../policies/status/types.js'
import type {RecordedRun} from '../../reports/history.js'
import type {Instant} from '../../units/instant.js'

/** Everything that is looked at for one policy. */
export interface PolicyFacts {
  status: PolicyStatus
  at: Instant
  /** Sessions that hold or want a lock on the table now. */
  sessions: readonly Session[]
  /** The last recorded runs of this program on the table, newest first; null where they cannot be read. */
  runs: readonly RecordedRun[] | null
  server: Pick<Server, 'condition'>
}
