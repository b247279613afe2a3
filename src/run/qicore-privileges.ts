import type {Db} from '../db/database.js'
import {loadQicoreSql} from '../db/load-qicore-sql.js'
import type {Server} from '../db/server.js'
import {statement} from '../db/sql.js'

export interface MissingPrivilege {
  /** `insert, update on qicore.job` */
  missing: string
  /** The GRANT statement. */
  grant: string
  /** Needed to read; the others are needed to change something. */
  reads: boolean
}

/**
 * The statements that grant them. Without USAGE on the schema a role can read none of its tables, also not those that
 * only a report needs.
 */
export function qicoreGrants(missing: readonly MissingPrivilege[]): string {
  const schema = missing.find((each) => each.missing === 'usage on schema qicore')
  if (schema === undefined) return missing.map(({grant}) => grant).join('; ')
  const tables = schema.grant.replace('usage on schema', 'select on all tables in schema')
  const changes = missing.filter(({reads}) => !reads).map(({grant}) => grant)
  return [schema.grant, tables, ...changes].join('; ')
}

/**
 * The privileges on the qicore schema that a daemon and an operator need and the role lacks. Empty without the schema.
 * @param role null for the connected role
 */
export function readMissingQicorePrivileges(
  db: Pick<Db, 'query'> & {server: Pick<Server, 'formerJobTable'>},
  role: string | null,
): Promise<MissingPrivilege[]> {
  return db.query<MissingPrivilege>(statement(loadQicoreSql(db.server, 'catalog/qicore-privileges'), [role]))
}
