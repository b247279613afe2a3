import type {Database} from '../db/database.js'
import type {DueChunk} from '../catalog/due.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import type {CatalogSnapshot} from '../catalog/snapshot.js'
import type {NotDone} from './status-types.js'

export interface WorkRequest {
  db: Database
  /** With its ages on the table's own scale. */
  policy: LivePolicy
  /** As it was read. */
  live: LivePolicy
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
