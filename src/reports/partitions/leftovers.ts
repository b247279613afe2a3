import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Child} from './children.js'

/** What a comment on a partition begins with when a run of ours means to drop it. */
export const dropMark = 'qicore-db is dropping this partition of '

/** A table that a run of ours detached to drop, and did not drop. */
export interface Leftover extends Pick<Child, 'parent' | 'relation' | 'schema' | 'partition' | 'kind' | 'bytes'> {
  toEpoch: number | null
}

/** @param relations the sets they belonged to */
export async function readLeftovers(db: Database, relations: readonly string[]): Promise<Leftover[]> {
  const rows = await db.query<Omit<Leftover, 'toEpoch'> & {to_epoch: number | null}>(statement(loadSql('catalog/partition-leftovers'), [relations, dropMark]))
  return rows.map(({to_epoch: toEpoch, ...rest}) => ({...rest, toEpoch}))
}
