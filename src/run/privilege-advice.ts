import {qicoreGrants, readMissingQicorePrivileges} from './qicore-privileges.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import {isNoPrivilege, refusedStatement, toOpsError} from '../db/sqlstate.js'
import {messageOf, OpsError} from '../errors.js'

/**
 * The statements that grant what the server refused (SQLSTATE 42501), by the object: the database, the schema qicore
 * with its tables and routines, or another schema. The error does not have the object's type, so the catalog is asked
 * what the role lacks. Null for other objects, whose owner can grant it or make the change.
 */
export async function grantsFor(db: Database, error: unknown): Promise<string | null> {
  if (!isNoPrivilege(error)) return null
  const [text, message] = [refusedStatement(error) ?? '', messageOf(error)]
  const roles = db.target.role === undefined ? [db.server.role] : [db.target.role, db.server.role]
  if (/^\s*create schema/i.test(text))
    return sql`grant create on database ${ident(db.server.database)} to ${ident(roles[0]!)}`.text
  const [schema] = await db
    .query<{name: string}>(statement(loadSql('run/unusable-schema'), [roles[0]!, message]))
    .catch(() => [])
  if (schema !== undefined) return sql`grant usage on schema ${ident(schema.name)} to ${ident(roles[0]!)}`.text
  if (!/\bqicore\b/.test(`${text} ${message}`)) return null
  // The failure of the statement is what matters: a failure of this query is ignored.
  for (const role of roles) {
    const missing = await readMissingQicorePrivileges(db, role).catch(() => [])
    const reads = missing.filter((each) => each.reads)
    const needed = reads.length > 0 ? reads : missing
    if (needed.length > 0) return qicoreGrants(needed)
  }
  return sql`grant select on all tables in schema qicore to ${ident(roles.at(-1)!)}`.text
}

/**
 * Runs work. If the server refused an object to the role, the error has the statements that grant it.
 * @param doing what failed, as a clause: `run jobs list`
 * @throws OpsError NO_PRIVILEGE; every other error unchanged
 */
export async function nameGrants<R>(db: Database, doing: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    if (!isNoPrivilege(error)) throw error
    const grants = await grantsFor(db, error)
    if (grants === null) throw error
    const {code, message, exitCode} = toOpsError(error, doing)
    throw new OpsError(code, message, {
      exit: exitCode,
      suggestions: [`As the owner of the object: ${grants}`],
      cause: error,
    })
  }
}
