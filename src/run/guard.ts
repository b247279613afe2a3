import type {Db} from '../db/database.js'
import type {Statement} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'

/**
 * What shows in a transaction that a lock or claim still holds. The question fails in the server where it does not, by
 * a division by zero: only so does what was sent behind it, before its answer, fail as well.
 */
export function assertStillHeld(held: Statement, lost: () => Error): (tx: Db) => Promise<void> {
  return async (tx) => {
    await tx.query(held).catch((error: unknown) => {
      throw sqlState(error) === SqlState.divisionByZero ? lost() : error
    })
  }
}

/** Thrown by {@link skipIfDone}. */
export class AlreadyDoneError extends Error {}

/**
 * Fails in the same way where the catalogue shows that what follows is done. @param doneCheck one row or none, one
 * column `done`
 */
export function skipIfDone({text, values, name}: Statement): (tx: Db) => Promise<void> {
  const open = {
    text: `select 1 / (not exists (select from (\n${text}\n) as asked where asked.done))::int as open`,
    values,
    ...(name !== undefined && {name: `${name}:open`}),
  }
  return assertStillHeld(open, () => new AlreadyDoneError())
}
