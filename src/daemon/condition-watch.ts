import type {Condition} from '../db/condition.js'
import {readOnlySettings, type Database} from '../db/database.js'
import {prepared} from '../db/load-sql.js'

/**
 * Checks the condition of the database periodically. A new session reads it whenever a cheap key has changed, and
 * otherwise every tenth time: a session costs as much as ten polls of the ledger.
 */
export interface ConditionWatch {
  start(everyMs: number): void
  stop(): void
  /** Why nothing is changed, or why TimescaleDB's jobs do not run, as sentences; empty if there is no problem. */
  problems(): string[]
}

/**
 * Conditions that do not make the daemon unready: the results of qicore-db itself are still correct, and of a replica
 * the daemon reports itself that it waits.
 */
const reportedOnly: ReadonlySet<Condition['code']> = new Set(['compressed_rows_hidden', 'replica'])

/** As the heartbeat, so that a connection that went silent while it waits for the key is noticed as soon. */
const keySettings = {...readOnlySettings, statementTimeout: 10_000}

/** Checks of the key between two readings of an unchanged condition. */
const checksBetween = 9

/**
 * A session keeps the settings with which it started, so only a new session sees an ALTER DATABASE. The embedded engine
 * has just one session. A failed check is repeated at the next interval.
 */
export function conditionWatch(control: () => Database | null, warn: (message: string) => void): ConditionWatch {
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let seen: readonly Condition[] | null = null
  let warned = ''
  let key: string | null = null
  let checks = 0
  const readKey = async (db: Database) => {
    const [row] = await db.query<{key: string}>(prepared('daemon/condition-key', []), keySettings)
    return row!.key
  }
  /** Whether the condition must be read again. */
  const isStale = async (db: Database) => {
    if (db.server.embedded) return true
    const before = key
    key = await readKey(db)
    checks += 1
    if (key === before && checks <= checksBetween) return false
    checks = 0
    return true
  }
  /** The session has just read the condition. */
  const rememberKey = async () => {
    const db = control()
    if (db !== null && !db.server.embedded) key = await readKey(db).catch(() => null)
  }
  const problems = () =>
    (seen ?? control()?.server.condition ?? [])
      .filter(({code}) => !reportedOnly.has(code))
      .map(({message, fix}) => `${message} ${fix}`)
  const warnOnChange = () => {
    const now = problems().join('; ')
    if (now !== warned) warn(now === '' ? 'the condition of the database is normal again' : now)
    warned = now
  }
  const look = async () => {
    const db = control()
    if (db === null || looking) return
    looking = true
    try {
      if (!(await isStale(db))) return
      seen = await conditionOf(db)
      warnOnChange()
    } catch {
      key = null
      // The polling loop of the daemon reports an unreachable database.
    } finally {
      looking = false
    }
  }
  return {
    start(everyMs) {
      warnOnChange()
      void rememberKey()
      timer = setInterval(() => void look(), everyMs)
      timer.unref()
    },
    stop: () => clearInterval(timer),
    problems,
  }
}

async function conditionOf(db: Database): Promise<readonly Condition[]> {
  if (db.server.embedded) return (await db.probe()).condition
  const fresh = await db.openSession()
  try {
    return fresh.server.condition
  } finally {
    await fresh.close()
  }
}
