import {readOnlySettings, type Database} from './database.js'
import {OpsError} from '../errors.js'
import {statement} from './sql.js'
import {roleStates} from './session.js'
import {sqlState} from './sqlstate.js'

/**
 * Runs work with the target's role. A change needs it, so it is tried before. A report only passes it to functions that
 * test privileges; these fail with the same codes for any missing object, so it is tried on such an error.
 * @throws OpsError NO_ROLE if the role cannot be used; every other error unchanged
 */
export async function withUsableRole<R>(db: Database, changes: boolean, work: () => Promise<R>): Promise<R> {
  const {role} = db.target
  if (role === undefined) return work()
  const tryRole = () => db.transaction({...readOnlySettings, role}, (tx) => tx.query(statement('select')))
  if (changes) await tryRole()
  try {
    return await work()
  } catch (error) {
    if (roleStates.includes(sqlState(error)))
      await tryRole().catch((reason: unknown) => {
        if (reason instanceof OpsError && reason.code === 'NO_ROLE') throw reason
      })
    throw error
  }
}
