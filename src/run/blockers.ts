import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {sqlState, SqlState, toOpsError} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import type {Step} from './step.js'

interface HolderRow {
  pid: number
  user: string | null
  application: string | null
  state: string | null
  query: string | null
  seconds: number | null
  mode: string
  /** One relation or several, as text for people. */
  relation: string
  /** False if it waits for the lock. */
  granted?: boolean
}

/** The sessions that hold the locks a step needs, on one line for people; null if there is none (any more). */
export async function nameBlockers(db: Database, step: Step): Promise<string | null> {
  if (step.relations.length === 0) return null
  // The failure of the step is what matters: a failure of this query is ignored.
  const rows = await db
    .query<HolderRow>(statement(loadSql('run/lock-holders'), [step.relations, step.lock]))
    .catch(() => [])
  return rows.length === 0 ? null : rows.map(describe).join('; ')
}

/**
 * Whether Citus moves or copies shards now: DDL on their tables then fails with XX000, which is also the code of other
 * errors, so the catalog decides.
 */
export async function movesShards(db: Database): Promise<boolean> {
  if (db.server.citus === null) return false
  const [row] = await db.query<{moves: boolean}>(statement(loadSql('run/shard-moves'))).catch(() => [])
  return row?.moves ?? false
}

/**
 * Runs read-only work. If a query timed out waiting for a lock, the error names the sessions that hold it: only
 * ACCESS EXCLUSIVE blocks a SELECT, so they can be found without knowing the relation.
 * @param doing what failed, as a clause: `run prices latest`
 * @throws OpsError LOCKED (exit 5); every other error unchanged
 */
export async function nameHolders<R>(db: Database, doing: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof OpsError || sqlState(error) !== SqlState.lockNotAvailable) throw error
    const rows = await db.query<HolderRow>(statement(loadSql('run/exclusive-locks'))).catch(() => [])
    const known = toOpsError(error, doing)
    if (rows.length === 0) throw known
    throw new OpsError(known.code, `${known.message}: ${rows.map(describe).join('; ')}`, {
      exit: known.exitCode,
      suggestions: ['Run it again when that transaction has ended, or add --wait 10min.'],
      cause: error,
    })
  }
}

function describe({pid, user, application, state, query, seconds, mode, relation, granted}: HolderRow): string {
  const who = `pid ${pid} (${[user, application].filter(Boolean).join(', ') || 'unknown'})`
  const since = seconds === null ? '' : ` for ${Math.round(seconds)} s`
  const doing = query ? `, ${state ?? 'running'}: ${query.replace(/\s+/g, ' ').slice(0, 80)}` : ''
  return `${who} ${granted === false ? 'waits for' : 'holds'} ${mode} on ${relation}${since}${doing}`
}
