import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {dropMarkStart} from '../detach/drop-mark.js'
import type {Remembered} from './remembered.js'

/** A table that looks like a partition of a set, is none, and is not recorded as detached. */
export interface Forgotten {
  /** The oid of the set. */
  parent: number
  /** Qualified name of the set. */
  of: string
  oid: number
  schema: string
  name: string
  /** As of the last VACUUM or ANALYZE; null if it was never measured. */
  bytes: number | null
  rows: number | null
}

/** The forgotten tables of every set. @param remembered the partitions that are recorded; null if that is not known */
export async function readForgotten(db: Database, remembered: readonly Remembered[] | null): Promise<Forgotten[]> {
  const found = await db.query<Forgotten>(statement(loadSql('partitions/forgotten'), [dropMarkStart]))
  const known = new Set(remembered?.map(({oid}) => oid))
  return found.filter(({oid}) => !known.has(oid))
}
