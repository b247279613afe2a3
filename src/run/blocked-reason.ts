import type {Database} from '../db/database.js'
import {isNodeLost, retryable, serverMessage, sqlState, SqlState} from '../db/sqlstate.js'
import {autovacuumAdvice, isAutovacuum, maySetDeadlockTimeout} from './autovacuum.js'
import {movesShards, readBlockers} from './blockers.js'
import {describeHolder, type LockHolder} from './lock-holder.js'
import type {Step} from './step.js'

/** What prevented a step and may end by itself. */
export interface BlockedReason {
  code: 'blocked' | 'node_unreachable'
  /** Why the step waits, for people. */
  words: string
  /** The sessions in the way, for people; null if none is known. */
  blockers: string | null
  /** Whether an autovacuum worker is in the way, and whether this session may have PostgreSQL cancel it. */
  autovacuum: 'none' | 'can_cancel' | 'cannot_cancel'
}

/** Why a step is blocked, by its error, while this session is in order; null for any other error. */
export async function blockedReasonOf(db: Database, step: Step, error: unknown): Promise<BlockedReason | null> {
  if (isNodeLost(error)) {
    const words = `another server is unreachable: ${serverMessage(error)}`
    return {code: 'node_unreachable', words, blockers: null, autovacuum: 'none'}
  }
  const state = sqlState(error)
  const isLocked = state !== undefined && retryable.has(state)
  if (!isLocked && state !== SqlState.internalError) return null
  const moves = await movesShards(db)
  if (!isLocked && !moves) return null
  const holders = isLocked ? await readBlockers(db, step) : []
  const autovacuum = await autovacuumAmong(db, holders)
  const named = [
    ...(moves ? ['Citus moves shards between nodes: select * from citus_rebalance_status()'] : []),
    ...holders.map(describeHolder),
    ...(autovacuum === 'cannot_cancel' ? [autovacuumAdvice] : []),
  ]
  const blockers = named.length === 0 ? null : named.join('; ')
  return {code: 'blocked', words: blockers ?? serverMessage(error), blockers, autovacuum}
}

async function autovacuumAmong(db: Database, holders: readonly LockHolder[]): Promise<BlockedReason['autovacuum']> {
  // A worker on another node of Citus gives way to the session there, whose settings are its own.
  if (!holders.some((holder) => isAutovacuum(holder) && holder.node === undefined)) return 'none'
  return (await maySetDeadlockTimeout(db).catch(() => false)) ? 'can_cancel' : 'cannot_cancel'
}
