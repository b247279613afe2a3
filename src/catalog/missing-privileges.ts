import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'

interface Named {
  schema: string
  name: string
}

/** What a role may do with one table. */
export interface TableRights<T extends Named> {
  table: T
  /** The GRANT statements that the connected role lacks to read it; null if it lacks none. */
  grants: string | null
  owner: string
  /** Whether the owner is a superuser. */
  superuser: boolean
  /** Whether the role that changes the table has the rights of the owner. */
  acts: boolean
  /** Whether it is a member of the owner. Without its rights it must SET ROLE. */
  member: boolean
}

interface Row {
  position: number
  usage: boolean
  select: boolean
  owner: string
  superuser: boolean
  acts: boolean
  member: boolean
}

/**
 * The rights on each table that exists.
 * @param role the role that changes the tables; null for the connected one
 */
export async function readTableRights<T extends Named>(
  db: Pick<Database, 'query' | 'server'>,
  tables: readonly T[],
  role: string | null,
): Promise<TableRights<T>[]> {
  if (tables.length === 0) return []
  const rows = await db.query<Row>(
    statement(loadSql('catalog/missing-privileges'), [
      tables.map(({schema}) => schema),
      tables.map(({name}) => name),
      role,
    ]),
  )
  const reader = ident(db.server.role)
  return rows.map(({position, usage, select, ...rights}) => {
    const table = tables[position - 1]!
    const grants = [
      ...(usage ? [] : [sql`grant usage on schema ${ident(table.schema)} to ${reader}`.text]),
      ...(select ? [] : [sql`grant select on ${ident(table.schema, table.name)} to ${reader}`.text]),
    ]
    return {table, grants: grants.length === 0 ? null : grants.join('; '), ...rights}
  })
}

/**
 * The GRANT statements that the connected role lacks to read each table. Queried only after the server refused one.
 */
export async function readMissingPrivileges<T extends Named>(
  db: Database,
  tables: readonly T[],
): Promise<Map<T, string>> {
  const rights = await readTableRights(db, tables, null)
  return new Map(rights.flatMap(({table, grants}) => (grants === null ? [] : [[table, grants] as const])))
}
