import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import type {Table} from './table.js'

/**
 * The GRANT statements that the connected role lacks to read each table. Queried only after the server refused one.
 */
export async function readMissingPrivileges(db: Database, tables: readonly Table[]): Promise<Map<Table, string>> {
  if (tables.length === 0) return new Map()
  const rows = await db.query<{position: number; usage: boolean; select: boolean}>(
    statement(loadSql('catalog/missing-privileges'), [tables.map(({schema}) => schema), tables.map(({name}) => name)]),
  )
  const role = ident(db.server.role)
  return new Map(
    rows.flatMap(({position, usage, select}) => {
      const table = tables[position - 1]!
      const grants = [
        ...(usage ? [] : [sql`grant usage on schema ${ident(table.schema)} to ${role}`.text]),
        ...(select ? [] : [sql`grant select on ${ident(table.schema, table.name)} to ${role}`.text]),
      ]
      return grants.length === 0 ? [] : [[table, grants.join('; ')] as const]
    }),
  )
}
