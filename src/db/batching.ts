import {readOnlySettings, type Database, type TransactionSettings} from './database.js'
import type {Statement} from './sql.js'
import {isConnectionLost, sqlState, SqlState} from './sqlstate.js'

interface Question {
  statement: Statement
  settings: TransactionSettings
  resolve: (rows: object[]) => void
  reject: (error: unknown) => void
}

/**
 * The most statements in one transaction: their locks are held until its end, and the server's lock table is finite.
 */
const batchSize = 100

const batched = new WeakSet<Database>()

/**
 * A wrapper of the database for work on many tables at once: queries issued in the same turn of the event loop are sent
 * in one round trip. A report that reads every table with `Promise.all` then needs as many round trips as for one
 * table. A failing statement fails alone: those behind it are sent again.
 */
export function batching(db: Database): Database {
  // Nested wrappers would take two turns of the event loop instead of one.
  if (batched.has(db)) return db
  let queue: Question[] = []
  const flush = () => {
    const asked = queue
    queue = []
    const groups = new Map<string, Question[]>()
    for (const question of asked) {
      const key = JSON.stringify(question.settings)
      groups.set(key, [...(groups.get(key) ?? []), question])
    }
    const parts: Promise<() => void>[] = []
    for (const group of groups.values())
      for (let at = 0; at < group.length; at += batchSize) parts.push(answer(db, group.slice(at, at + batchSize)))
    // Settled in the same turn, so that the queries they lead to are batched again.
    void Promise.all(parts).then((settled) => {
      for (const settle of settled) settle()
    })
  }
  const query = <Row extends object>(
    statement: Statement,
    settings: TransactionSettings = readOnlySettings,
  ): Promise<Row[]> => {
    if (settings.onNotice !== undefined) return db.query<Row>(statement, settings)
    return new Promise<Row[]>((resolve, reject) => {
      if (queue.length === 0) setImmediate(flush)
      queue.push({statement, settings, resolve: resolve as (rows: object[]) => void, reject})
    })
  }
  const batch = Object.assign(Object.create(db) as Database, {query})
  batched.add(batch)
  return batch
}

/** Asks the questions in one transaction, and in others those behind a failed one. @returns what settles all queries */
async function answer(db: Database, questions: readonly Question[]): Promise<() => void> {
  let answers: Promise<object[]>[] = []
  const failure: unknown = await db
    .transaction(questions[0]!.settings, async (tx) => {
      answers = questions.map(({statement}) => tx.query(statement))
      for (const each of answers) each.catch(() => {})
    })
    .then(
      () => null,
      (error: unknown) => error,
    )
  const settled = await Promise.allSettled(answers)
  const failed = settled.findIndex(({status}) => status === 'rejected')
  const cause = failed === -1 ? failure : (settled[failed] as PromiseRejectedResult).reason
  // If the transaction could not be opened or the connection is lost, no query has a result.
  const ended = failure !== null && (failed === -1 || sqlState(cause) === SqlState.inFailedTransaction)
  if (ended || isConnectionLost(failure) || isConnectionLost(cause))
    return () => {
      for (const {reject} of questions) reject(failure ?? cause)
    }
  const upTo = failed === -1 ? questions.length : failed
  const again = failed === -1 ? [] : questions.slice(failed + 1)
  const settleRest = again.length > 0 ? await answer(db, again) : () => {}
  return () => {
    settleRest()
    questions.slice(0, upTo).forEach(({resolve}, index) => {
      resolve((settled[index] as PromiseFulfilledResult<object[]>).value)
    })
    if (failed !== -1) questions[failed]!.reject(cause)
  }
}
