import type {Db} from '../db/database.js'
import type {Statement} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'
import type {OpsError} from '../errors.js'

/**
 * What shows in a transaction that a lock or claim still holds. The question fails in the server where it does not, by
 * a division by zero: only so does what was sent behind it, before its answer, fail as well.
 */
export function fenceBy(held: Statement, lost: () => OpsError): (tx: Db) => Promise<void> {
  return async (tx) => {
    await tx.query(held).catch((error: unknown) => {
      throw sqlState(error) === SqlState.divisionByZero ? lost() : error
    })
  }
}
