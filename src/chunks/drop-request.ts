import type {TableClock} from '../catalog/table-clock.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import type {Table} from '../catalog/table.js'
import type {ExportSettings} from '../export/settings.js'
import type {Duration} from '../units/duration.js'
import type {Age} from './range.js'

export interface DropRequest {
  /** Every table of the database; the aggregates over this table with their chunks. */
  tables: readonly Table[]
  table: Table
  clock: TableClock
  /** Null means the age of the retention policy. */
  olderThan: Age | null
  policies: readonly LivePolicy[]
  declared: Duration | null
  /** Refresh the aggregates before the drop. */
  refreshFirst: boolean
  /** Also drop rows that an aggregate has not computed. */
  acceptLoss: boolean
  /** Each chunk is exported, and only dropped if the file has its rows; null: no export. */
  exportTo?: ExportSettings | null
  /** Where the retention policy exports chunks before it drops them; null: nowhere. */
  policyExport?: ExportSettings | null
  /** Maximum number of ranges to drop, oldest first. */
  atMost?: number | undefined
}
