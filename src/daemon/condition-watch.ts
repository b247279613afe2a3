import type {Condition} from '../db/condition.js'
import type {Database} from '../db/database.js'

/** Looks at intervals in what condition the database is, by a session that begins then. */
export interface ConditionWatch {
  start(everyMs: number): void
  stop(): void
  /** Why nothing is done, or why TimescaleDB's jobs do not run; empty where all is well. */
  problems(): string[]
}

/** Reported only where answers of qicore-db itself are true all the same. */
const reportedOnly: ReadonlySet<Condition['code']> = new Set(['compressed_rows_hidden', 'distributed_by_citus'])

/**
 * A session keeps the settings that it began with, so that ALTER DATABASE is seen by a new one only; the embedded
 * engine
 * has no second session. What cannot be asked now is asked at the next interval.
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
  const tellChange = () => {
    const now = problems().join('; ')
    if (now !== warned) warn(now === '' ? 'the database is in order again' : now)
    warned = now
  }
  const look = async () => {
    const db = control()
    if (db === null || looking) return
    looking = true
    try {
      seen = await conditionOf(db)
      tellChange()
    } catch {
      // The daemon's own rounds notice a database that is away.
    } finally {
      looking = false
    }
  }
  return {
    start(everyMs) {
      tellChange()
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
