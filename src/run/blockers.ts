import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {sqlState, SqlState, toOpsError} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import {describeHolder, type LockHolder} from './lock-holder.js'
import {readNodeHolders} from './node-holders.js'
import {nameGrants} from './privilege-advice.js'
import type {Step} from './step.js'

/** The sessions that hold the locks a step needs, the oldest transaction first; empty if there is none (any more). */
export async function readBlockers(db: Database, step: Step): Promise<LockHolder[]> {
  if (step.relations.length === 0) return []
  // The failure of the step is what matters: a failure of this query is ignored.
  const rows = await db
    .query<LockHolder>(statement(loadSql('run/lock-holders'), [step.relations, step.lock]))
    .catch(() => [])
  const others = await readNodeHolders(db, step, new Set(rows.map(({pid}) => pid))).catch(() => [])
  return [...rows, ...others].sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0)).slice(0, 3)
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

/** Runs work; an error names the sessions that hold a lock, or the statements that grant a missing privilege. */
export function nameCauses<R>(db: Database, doing: string, work: () => Promise<R>): Promise<R> {
  return nameHolders(db, doing, () => nameGrants(db, doing, work))
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
    const rows = await db.query<LockHolder>(statement(loadSql('run/exclusive-locks'))).catch(() => [])
    const known = toOpsError(error, doing)
    if (rows.length === 0) throw known
    throw new OpsError(known.code, `${known.message}: ${rows.map(describeHolder).join('; ')}`, {
      exit: known.exitCode,
      suggestions: ['Run it again when that transaction has ended, or add --wait 10min.'],
      cause: error,
    })
  }
}
