import type {TableClock} from '../catalog/table-clock.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import type {Table} from '../catalog/table.js'
import type {Duration} from '../units/duration.js'
import type {Age} from './range.js'

export interface DropRequest {
  /** Every table of the database, those over this one with their chunks. */
  tables: readonly Table[]
  table: Table
  clock: TableClock
  /** Null: what the policies say. */
  olderThan: Age | null
  policies: readonly LivePolicy[]
  declared: Duration | null
  /** Computes what is missing before anything is dropped. */
  refreshFirst: boolean
  /** Drops also what an aggregate has not computed. */
  acceptLoss: boolean
  /** At most so many ranges, the oldest. */
  atMost?: number | undefined
}
