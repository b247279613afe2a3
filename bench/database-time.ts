import type {Database} from '../src/db/database.js'

/** What the client has waited for its database. */
export interface DatabaseTime {
  /** Milliseconds in which at least one statement or transaction was not answered yet. */
  ms: number
  /** Statements and transactions. */
  trips: number
}

/**
 * The database, adding up the time in which the client waits for it. Statements that travel together wait for each
 * other: a sum of their own times counts the same millisecond once for each, and the time that the server counts
 * (active_time of pg_stat_activity) leaves out all but the last of them.
 */
export function timed(db: Database, time: DatabaseTime): Database {
  let pending = 0
  let since = 0
  const measured = async <T>(work: () => Promise<T>): Promise<T> => {
    time.trips += 1
    if (pending === 0) since = performance.now()
    pending += 1
    try {
      return await work()
    } finally {
      pending -= 1
      if (pending === 0) time.ms += performance.now() - since
    }
  }
  return {
    ...db,
    server: db.server,
    query: (question, settings) => measured(() => db.query(question, settings)),
    transaction: (settings, work) => measured(() => db.transaction(settings, work)),
  }
}
