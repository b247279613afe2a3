import type {Server} from '../db/server.js'
import type {Instant} from '../units/instant.js'
import type {DueChunk} from '../catalog/due.js'
import type {Table} from '../catalog/table.js'
import type {PolicyProblem} from './status-types.js'
import type {LiveRule} from './table-state.js'

/** What a status is explained from. */
export interface FindingContext {
  rule: LiveRule | null
  server: Server
  at: Instant
  table: Table
  /** Every table of the database: aggregates over this one are among them. */
  tables: readonly Table[]
  /** The chunks that are not done, as they were found. */
  overdue: readonly DueChunk[]
  /** What is wrong with the policy itself, whatever it did: said first. */
  problems: readonly PolicyProblem[]
  /** It cannot work as it is: no next run is to be expected of it. */
  broken: boolean
  /** Why nothing can be known of it; null where it can. */
  unknown: PolicyProblem | null
}
