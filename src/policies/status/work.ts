import type {Database} from '../../db/database.js'
import type {DueChunk} from '../../catalog/due.js'
import type {LivePolicy} from '../../catalog/live-policies.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import type {NotDone} from './types.js'
import type {LiveRule} from '../table-state.js'

export interface WorkRequest {
  db: Database
  policy: LivePolicy
  /** The rule of the policy; null if it could not be read. */
  rule: LiveRule | null
  snapshot: CatalogSnapshot
  /** Milliseconds that due work may wait beyond one interval of its schedule. */
  lateAfter: number
  /** A foreign key of another table references the table. */
  referenced: boolean
}

/** The due work of a policy. */
export interface PolicyWork {
  due: number | null
  /** Null if not known. */
  notDone: NotDone[] | null
  late: boolean | null
  overdue: readonly DueChunk[]
  /** GRANT statements for the tables that this role may not read; absent if it may read all. */
  grants?: string | undefined
}
