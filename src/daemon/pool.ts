import {readOnlySettings, type Database, type TransactionSettings} from '../db/database.js'
import {statement} from '../db/sql.js'

/** Sessions for running occurrences; the control session is not among them. */
export interface Pool {
  acquire(): Promise<Database>
  give(db: Database): void
  /** Closes the session at once, even if a statement is running on it. */
  discard(db: Database): void
  close(): Promise<void>
}

/** Milliseconds after which an idle session is closed: an idle daemon keeps only the control session. */
const idleFor = 60_000
/** Milliseconds after which an idle session is checked with a query before it is used again. */
const trustedFor = 5_000
const stillThere: TransactionSettings = {...readOnlySettings, statementTimeout: 1_000}

/** The embedded engine has only the control session, which all runs share. */
export function sessionPool(control: Database): Pool {
  if (control.server.embedded) return {acquire: async () => control, give() {}, discard() {}, async close() {}}
  const idle: {db: Database; since: number}[] = []
  let closed = false
  const known = new WeakSet<Database>()
  /** Removes an idle session when its connection is lost. */
  const forgetLost = (db: Database) => {
    if (known.has(db)) return
    known.add(db)
    db.onLost(() => {
      const at = idle.findIndex((kept) => kept.db === db)
      if (at >= 0) idle.splice(at, 1)
    })
  }
  const timer = setInterval(() => {
    while (idle.length > 0 && performance.now() - idle[0]!.since > idleFor)
      void idle
        .shift()!
        .db.close()
        .catch(() => {})
  }, idleFor / 4)
  timer.unref()
  return {
    async acquire() {
      for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
        if (performance.now() - kept.since < trustedFor) return kept.db
        if (
          await kept.db.query(statement('select'), stillThere).then(
            () => true,
            () => false,
          )
        )
          return kept.db
        kept.db.abort()
      }
      return control.openSession()
    },
    give(db) {
      if (closed) void db.close().catch(() => {})
      else {
        forgetLost(db)
        idle.push({db, since: performance.now()})
      }
    },
    discard(db) {
      db.abort()
      void db.close().catch(() => {})
    },
    async close() {
      closed = true
      clearInterval(timer)
      await Promise.allSettled(idle.splice(0).map(({db}) => db.close()))
    },
  }
}
