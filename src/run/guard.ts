import type {Db} from '../db/database.js'
import type {Statement} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'

/**
 * Sent first in a pipelined transaction: if the lock or claim is no longer held, the SELECT raises division_by_zero,
 * which aborts every statement queued behind it.
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
 * Raises in the same way, as {@link AlreadyDoneError}, if the catalog shows that the following statements are done.
 * @param doneCheck a query with at most one row and one boolean column `done`
 */
export function skipIfDone({text, values, name}: Statement): (tx: Db) => Promise<void> {
  const open = {
    text: `select 1 / (not exists (select from (\n${text}\n) as asked where asked.done))::int as open`,
    values,
    ...(name !== undefined && {name: `${name}:open`}),
  }
  return assertStillHeld(open, () => new AlreadyDoneError())
}
