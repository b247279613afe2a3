import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {lockTimeoutOf, type Limits} from './limits.js'
import type {LockHolder} from './lock-holder.js'
import type {Step} from './step.js'

/** From this version on a role can be granted SET on a parameter that only superusers may set otherwise. */
const grantsParameters = 15_00_00

/**
 * Whether a session is an autovacuum worker. A role without pg_monitor sees no kind of other roles' sessions, but these
 * workers are the only ones with locks on tables and no user.
 */
export function isAutovacuum({backend, user}: LockHolder): boolean {
  return backend === 'autovacuum worker' || (backend === null && user === null)
}

/**
 * Whether this session may set deadlock_timeout. PostgreSQL cancels an autovacuum worker that blocks a request for a
 * lock, but only when the request has waited for deadlock_timeout, 1 s by default; a step gives up before.
 */
export async function maySetDeadlockTimeout(db: Database): Promise<boolean> {
  if (db.server.superuser) return true
  if (db.server.versionNum < grantsParameters) return false
  const [row] = await db.query<{may: boolean}>(sql`select has_parameter_privilege('deadlock_timeout', 'set') as may`)
  return row?.may ?? false
}

/** Milliseconds after which a step that autovacuum blocks makes PostgreSQL cancel that worker: half of its wait. */
export function deadlockTimeoutOf(step: Step, limits: Limits): number {
  return Math.max(1, Math.round(lockTimeoutOf(step, limits) / 2))
}

/** What an operator can do about an autovacuum worker that blocks a role which may not have it cancelled. */
export const autovacuumAdvice =
  'autovacuum gives way to a request that waits for deadlock_timeout (1 s by default): make ' +
  'limits.exclusiveLockTimeout longer than that, or GRANT SET ON PARAMETER deadlock_timeout to this role'
