import type {Database, Db, TransactionSettings} from './database.js'
import {OpenTransaction} from './open-transaction.js'
import type {Session} from './session.js'
import {sqlState, SqlState} from './sqlstate.js'

/**
 * Runs `work` in a transaction with its own settings. What `work` asks before it waits for an answer goes out in one
 * write, together with BEGIN and, if nothing is left to wait for, with the commit: one round trip instead of three.
 *
 * Nothing of `work` can run outside of the transaction: BEGIN, the settings and the first statements share one Sync
 * ({@link Flight}), so the server skips them all where BEGIN or a setting fails; later statements are held back until
 * the
 * server has answered that Sync. A COMMIT counts only if the transaction was still open.
 * @throws the first failure in the order of sending
 */
export async function inTransaction<T>(
  session: Session,
  settings: TransactionSettings,
  work: (tx: Db) => Promise<T>,
): Promise<T> {
  const transaction = new OpenTransaction(session, settings)
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
 * Waits for all that travel together. @throws the first failure in the order of sending, whichever was noticed first
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
 * A transaction whose parts, and its commit, are sent without waiting. @throws the first failure in their order, else
 * the commit's
 */
export async function pipelined(
  db: Database,
  settings: TransactionSettings,
  parts: (tx: Db) => readonly unknown[],
): Promise<void> {
  let sent: Promise<unknown> = Promise.resolve()
  const all = db.transaction(settings, async (tx) => {
    sent = allInOrder(parts(tx))
    sent.catch(() => {})
  })
  // The commit fails with what was noticed first; the caller gets the first in the order of the parts.
  await all.catch(async (error: unknown) => {
    const first: unknown = await sent.then(
      () => error,
      (failure: unknown) => failure,
    )
    throw sqlState(first) === SqlState.inFailedTransaction ? error : first
  })
}
