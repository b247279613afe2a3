import {formatElapsed} from '../units/elapsed.js'
import {instantInWords} from '../units/instant.js'
import type {JobRegistry} from './job-registry.js'

/** The state of a daemon from which liveness and readiness are derived. */
export interface HealthState {
  /** The error that ended the loop, which is started again later; null while it runs. */
  failure: string | null
  /** Null before the first connection. */
  connected: boolean | null
  /** Why the database cannot be written to: a replica, an unreachable database; null if it can. */
  blockedReason: string | null
  /** Milliseconds since the last successful poll of the ledger; null while the daemon only observes. */
  msSincePoll: number | null
  /** Milliseconds since the loop last started anything: a poll, an attempt to connect, a pause. */
  sinceTurn: number
  /** Failures to read or write the ledger, as clauses. */
  refusals: readonly string[]
  /** Milliseconds that may pass between two polls. */
  timeoutMs: number
  stopping: boolean
  /** The time by which schedules are evaluated, in milliseconds since 1970. */
  now: number
  registry: JobRegistry | null
  /** Runners that should run jobs but are not alive, or do not run them; as sentences. */
  deadRunners: readonly string[]
}

/** A target without a loop. */
export const withoutLoop: HealthState = {
  failure: null,
  connected: null,
  blockedReason: null,
  refusals: [],
  msSincePoll: null,
  sinceTurn: 0,
  timeoutMs: 1,
  stopping: false,
  now: 0,
  registry: null,
  deadRunners: [],
}

export interface Readiness {
  ready: boolean
  problems: string[]
}

/** Alive while the loop turns, even without success: a restart does not make a database reachable. */
export function isAlive({sinceTurn, timeoutMs}: Pick<HealthState, 'sinceTurn' | 'timeoutMs'>): boolean {
  return sinceTurn < 3 * timeoutMs
}

/** Ready if the database is reachable and writable, no job is overdue, and every runner is alive. */
export function readinessOf(health: HealthState): Readiness {
  if (health.failure !== null) return {ready: false, problems: [health.failure]}
  const {connected, blockedReason, refusals, msSincePoll, timeoutMs, stopping, registry, now, deadRunners} = health
  const problems: string[] = []
  if (stopping) problems.push('the daemon is stopping')
  if (connected === null) problems.push('the daemon has not connected to the database yet')
  if (blockedReason !== null) problems.push(blockedReason)
  else if (msSincePoll !== null && msSincePoll > 2 * timeoutMs)
    problems.push(`the ledger was last read ${formatElapsed(msSincePoll)} ago`)
  problems.push(...refusals)
  for (const {job, state, due, ignoredReason} of registry?.entries() ?? []) {
    if (ignoredReason !== null) problems.push(`${job.name}: ${ignoredReason}`)
    const waits = due.waitingSince === null ? 0 : now - due.waitingSince
    if (waits > job.lateAfter && !state?.running)
      problems.push(
        `${job.name} has been due since ${instantInWords(new Date(due.waitingSince!).toISOString())} and no ` +
          'daemon has started it',
      )
    // A run that its daemon can neither end nor release any more.
    if (state?.running && state.startedAt !== null && now - state.startedAt > job.timeout * (job.retries + 2) + 600_000)
      problems.push(
        `${job.name} has been running since ${instantInWords(new Date(state.startedAt).toISOString())}, longer ` +
          'than its timeout',
      )
  }
  problems.push(...deadRunners)
  return {ready: problems.length === 0, problems}
}
