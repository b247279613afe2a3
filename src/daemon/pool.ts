import type {Database} from '../db/database.js'

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

/** The embedded engine has one session: everybody takes turns on it. */
export function sessionPool(control: Database): Pool {
  if (control.server.embedded)
    return {acquire: async () => control, give() {}, discard() {}, async close() {}}
  const idle: {db: Database; since: number}[] = []
  let closed = false
  const timer = setInterval(() => {
    while (idle.length > 0 && performance.now() - idle[0]!.since > idleFor) void idle.shift()!.db.close().catch(() => {})
  }, idleFor / 4)
  timer.unref()
  return {
    async acquire() {
      return idle.pop()?.db ?? (await control.another())
    },
    give(db) {
      if (closed) void db.close().catch(() => {})
      else idle.push({db, since: performance.now()})
    },
    discard: (db) => void db.close().catch(() => {}),
    async close() {
      closed = true
      clearInterval(timer)
      await Promise.allSettled(idle.splice(0).map(({db}) => db.close()))
    },
  }
}
