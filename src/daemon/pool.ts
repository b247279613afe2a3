import {readOnlySettings, type Database, type TransactionSettings} from '../db/database.js'
import {statement} from '../db/sql.js'

/** Sessions for occurrences, beside the one that speaks to the ledger. */
export interface Pool {
  acquire(): Promise<Database>
  give(db: Database): void
  /** Closed at once, whatever runs on it. */
  discard(db: Database): void
  close(): Promise<void>
}

/** An idle daemon holds one connection. */
const idleFor = 60_000
/** One that lay idle for longer is asked whether there is still a server behind it, in milliseconds. */
const trustedFor = 5_000
const stillThere: TransactionSettings = {...readOnlySettings, statementTimeout: 1_000}

/** The embedded engine has one session: everybody takes turns on it. */
export function sessionPool(control: Database): Pool {
  if (control.server.embedded) return {acquire: async () => control, give() {}, discard() {}, async close() {}}
  const idle: {db: Database; since: number}[] = []
  let closed = false
  const known = new WeakSet<Database>()
  /** One whose connection is gone is not used again. */
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
