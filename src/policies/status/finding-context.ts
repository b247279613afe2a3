import type {Server} from '../../db/server.js'
import type {Instant} from '../../units/instant.js'
import type {DueChunk} from '../../catalog/due.js'
import type {Table} from '../../catalog/table.js'
import type {PolicyProblem} from './types.js'
import type {LiveRule} from '../table-state.js'

/** The facts from which the problems of a policy are derived. */
export interface FindingContext {
  rule: LiveRule | null
  server: Server
  at: Instant
  table: Table
  /** Every table of the database, including the aggregates over this one. */
  tables: readonly Table[]
  /** The chunks that are due and not done. */
  overdue: readonly DueChunk[]
  /** Problems of the policy itself, independent of its runs; reported first. */
  problems: readonly PolicyProblem[]
  /** It cannot work, so no next run is expected. */
  broken: boolean
  /** Why its state is not known; null if it is. */
  unknown: PolicyProblem | null
}
