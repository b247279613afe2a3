import type {Database} from '../db/database.js'
import type {DueChunk} from '../catalog/due.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import type {CatalogSnapshot} from '../catalog/snapshot.js'
import type {NotDone} from './status-types.js'
import type {LiveRule} from './table-state.js'

export interface WorkRequest {
  db: Database
  policy: LivePolicy
  /** The same as its kind reads it; null where the database has nothing that it could be read from. */
  rule: LiveRule | null
  snapshot: CatalogSnapshot
  /** Milliseconds that due work may wait beyond its schedule. */
  lateAfter: number
  /** A foreign key leads to the table. */
  referenced: boolean
}

/** What a policy should have done by now. */
export interface PolicyWork {
  due: number | null
  /** Null: not known. */
  notDone: NotDone[] | null
  late: boolean | null
  overdue: readonly DueChunk[]
  /** The SQL that allows this role to read what has to be known for it; absent where it may. */
  grants?: string | undefined
}
