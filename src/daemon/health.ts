import {formatElapsed} from '../units/elapsed.js'
import {instantInWords} from '../units/instant.js'
import type {JobRegistry} from './job-registry.js'

/** What a daemon knows of itself at a moment. */
export interface HealthState {
  /** Null before the first connection. */
  connected: boolean | null
  /** Why nothing can be written, where that is so: a replica, a database that is away. */
  blockedReason: string | null
  /** Milliseconds since the last round that went through; null while it only observes. */
  msSincePoll: number | null
  /** Milliseconds since the loop last began anything: a round, a try to connect, a pause. */
  sinceTurn: number
  /** What the ledger refuses. */
  refusals: readonly string[]
  /** Milliseconds that may pass between two rounds. */
  timeoutMs: number
  stopping: boolean
  /** The calendars' clock. */
  now: number
  registry: JobRegistry | null
  /** Runners that are meant to do something and are not alive or do not do it. */
  deadRunners: readonly string[]
}

export interface Readiness {
  ready: boolean
  problems: string[]
}

/** Alive: the loop goes round, be it in vain. A database that is away is no reason to be restarted, however long. */
export function isAlive({sinceTurn, timeoutMs}: Pick<HealthState, 'sinceTurn' | 'timeoutMs'>): boolean {
  return sinceTurn < 3 * timeoutMs
}

/** Ready: the database is there and takes what is written, nothing waits beyond its limit, no runner is dead. */
export function readinessOf(health: HealthState): Readiness {
  const {connected, blockedReason, refusals, msSincePoll, timeoutMs, stopping, registry, now, deadRunners} = health
  const problems: string[] = []
  if (stopping) problems.push('it is stopping')
  if (connected === null) problems.push('it has not been connected yet')
  if (blockedReason !== null) problems.push(blockedReason)
  else if (msSincePoll !== null && msSincePoll > 2 * timeoutMs)
    problems.push(`the ledger was last looked at ${formatElapsed(msSincePoll)} ago`)
  problems.push(...refusals)
  for (const {job, state, due, ignoredReason} of registry?.entries() ?? []) {
    if (ignoredReason !== null) problems.push(`${job.name}: ${ignoredReason}`)
    const waits = due.waitingSince === null ? 0 : now - due.waitingSince
    if (waits > job.lateAfter && !state?.running)
      problems.push(
        `${job.name} has been due since ${instantInWords(new Date(due.waitingSince!).toISOString())} and no daemon has started it`,
      )
    // A run that its own daemon can neither end nor give back any more.
    if (state?.running && state.startedAt !== null && now - state.startedAt > job.timeout * (job.retries + 2) + 600_000)
      problems.push(
        `${job.name} has been running since ${instantInWords(new Date(state.startedAt).toISOString())}, longer than its timeout`,
      )
  }
  problems.push(...deadRunners)
  return {ready: problems.length === 0, problems}
}
