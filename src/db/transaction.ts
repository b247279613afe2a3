import type {Database, Db, TransactionSettings} from './database.js'
import {OpenTransaction} from './open-transaction.js'
import type {Session} from './session.js'
import {sqlState, SqlState} from './sqlstate.js'
import type {Turn} from './turns.js'

/**
 * Runs `work` in a transaction with local settings. Statements that `work` issues before it awaits a result are sent in
 * one write with BEGIN and, if it awaits none, with COMMIT: one round trip instead of three.
 *
 * No statement of `work` can run outside the transaction. BEGIN, the settings and the first statements share one Sync
 * ({@link Flight}), so the server skips them all if BEGIN or a setting fails; later statements are held back until the
 * server has responded to that Sync. COMMIT counts as a success only if the transaction was still open.
 * @param turn its place among the transactions of the session
 * @throws the first failure in the order of sending
 */
export async function inTransaction<T>(
  session: Session,
  settings: TransactionSettings,
  work: (tx: Db) => Promise<T>,
  turn: Turn,
): Promise<T> {
  const transaction = new OpenTransaction(session, settings, turn)
  try {
    const result = await work(transaction)
    await transaction.commit()
    return result
  } catch (error) {
    await transaction.rollback(error)
    throw transaction.causeOf(error)
  } finally {
    transaction.close()
  }
}

/**
 * Waits for all pipelined results.
 * @throws the first failure in the order of sending, even if another one arrived earlier
 */
export async function allInOrder<const T extends readonly unknown[]>(
  answers: T,
): Promise<{-readonly [K in keyof T]: Awaited<T[K]>}> {
  const settled = await Promise.allSettled(answers)
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return settled.map((one) => (one as PromiseFulfilledResult<unknown>).value) as {
    -readonly [K in keyof T]: Awaited<T[K]>
  }
}

/**
 * Runs a transaction whose statements and COMMIT are sent without waiting for results: one round trip.
 * @returns the results of the parts
 * @throws the first failure in the order of the parts, otherwise that of the commit
 */
export async function pipelined<const T extends readonly unknown[]>(
  db: Pick<Database, 'transaction'>,
  settings: TransactionSettings,
  parts: (tx: Db) => T,
): Promise<{-readonly [K in keyof T]: Awaited<T[K]>}> {
  let sent: Promise<{-readonly [K in keyof T]: Awaited<T[K]>}> | undefined
  const all = db.transaction(settings, async (tx) => {
    sent = allInOrder(parts(tx))
    sent.catch(() => {})
  })
  // The commit fails with the failure that arrived first; the caller gets the first one in the order of the parts.
  await all.catch(async (error: unknown) => {
    const first: unknown = await sent?.then(
      () => error,
      (failure: unknown) => failure,
    )
    throw first === undefined || sqlState(first) === SqlState.inFailedTransaction ? error : first
  })
  return sent!
}
