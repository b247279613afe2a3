import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'

/** Roles, quoted as in SQL, whose jobs cannot write in this database, because their transactions are read only. */
export async function readReadOnlyOwners(db: Database): Promise<ReadonlySet<string>> {
  const rows = await db.query<{owner: string}>(statement(loadSql('catalog/read-only-owners')))
  return new Set(rows.map(({owner}) => owner))
}
