import type {Database} from '../../db/database.js'
import {OpsError} from '../../errors.js'
import type {PolicyState} from '../../reports/policies/read-state.js'
import {keyOf, type Table} from '../../reports/table.js'
import type {Change} from './change.js'

/**
 * Whether this role may make these changes, asked before the first of them.
 * @throws OpsError NO_PRIVILEGE, OWNER_CANNOT_LOGIN
 */
export function requireRights(db: Database, {facts}: PolicyState, changes: readonly Change[], tables: readonly Table[]): void {
  const {server} = db
  const role = db.target.role ?? server.role
  for (const key of new Set(changes.map((change) => change.key))) {
    const table = tables.find((candidate) => keyOf(candidate) === key)!
    const its = facts.get(table)
    if (its === undefined) continue
    const asDatabaseOwner = its.ownsDatabase && ownersOfDatabaseMay(server.timescaledb)
    if (!its.isOwner && !asDatabaseOwner)
      throw new OpsError('NO_PRIVILEGE', `${key} belongs to ${its.owner}, and ${role} is no member of that role. Nothing was done.`, {
        suggestions: [`Connect as ${its.owner}, or name it as \`role\` of the target.`, `Or let ${role} act for it: grant ${its.owner} to ${role}`],
      })
    const ownJobs = changes.some((change) => change.key === key && (change.do === 'compression' || change.do === 'native retention' || (change.do === 'refresh' && change.by === 'timescaledb')))
    if (ownJobs && !its.ownerCanLogin)
      throw new OpsError('OWNER_CANNOT_LOGIN', `${key} belongs to ${its.owner}, who may not log in, and TimescaleDB runs policies as the owner. Nothing was done.`, {
        suggestions: [`alter role ${its.owner} login`, `Or give the table to a role that may: alter table ${key} owner to …`],
      })
  }
}

/** Since 2.28 the owner of the database counts as owner of hypertables and jobs. */
function ownersOfDatabaseMay(version: string | null): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map((part) => Number.parseInt(part, 10) || 0)
  return major > 2 || (major === 2 && minor >= 28)
}
