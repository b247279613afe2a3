import type {Server} from '../db/server.js'
import type {Instant} from '../units/instant.js'
import type {DueChunk} from '../catalog/due.js'
import type {Table} from '../catalog/table.js'
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
  /** Why nothing can be known of it; null where it can. */
  unknown: string | null
}
