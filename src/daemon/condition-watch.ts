import type {Condition} from '../db/condition.js'
import type {Database} from '../db/database.js'

/** Checks the condition of the database periodically, each time in a new session. */
export interface ConditionWatch {
  start(everyMs: number): void
  stop(): void
  /** Why nothing is changed, or why TimescaleDB's jobs do not run, as sentences; empty if there is no problem. */
  problems(): string[]
}

/** Conditions that do not make the daemon unready: the results of qicore-db itself are still correct. */
const reportedOnly: ReadonlySet<Condition['code']> = new Set(['compressed_rows_hidden', 'distributed_by_citus'])

/**
 * A session keeps the settings with which it started, so only a new session sees an ALTER DATABASE. The embedded engine
 * has just one session. A failed check is repeated at the next interval.
 */
export function conditionWatch(control: () => Database | null, warn: (message: string) => void): ConditionWatch {
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let seen: readonly Condition[] | null = null
  let warned = ''
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
      seen = await conditionOf(db)
      warnOnChange()
    } catch {
      // The polling loop of the daemon reports an unreachable database.
    } finally {
      looking = false
    }
  }
  return {
    start(everyMs) {
      warnOnChange()
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
