import type {Step} from './step.js'

/** Times are in milliseconds. The configuration's `limits` overrides {@link defaultLimits}. */
export interface Limits {
  lockTimeout: number
  /** For ACCESS EXCLUSIVE: while such a request waits, every later one queues behind it, those of readers too. */
  exclusiveLockTimeout: number
  /** The most time for one step, with all its waits and retries. */
  retryBudget: number
  /** The same for a step that other sessions block, if it differs. */
  blockedBudget?: number
  firstRetry: number
  longestRetry: number
  maxDropPerRun: number
  lateAfter: number
  /** Ids of known defects in spite of which a change is made. */
  acceptedHazards: readonly string[]
}

export const defaultLimits: Limits = {
  lockTimeout: 2_000,
  exclusiveLockTimeout: 500,
  retryBudget: 300_000,
  firstRetry: 1_000,
  longestRetry: 60_000,
  maxDropPerRun: 8,
  lateAfter: 6 * 3_600_000,
  acceptedHazards: [],
}

export function lockTimeoutOf(step: Step, limits: Limits): number {
  return step.lock === 'ACCESS EXCLUSIVE' || step.waitsBriefly ? limits.exclusiveLockTimeout : limits.lockTimeout
}

/** Exponential backoff in milliseconds, with jitter so that two runs do not collide again. @param random in [0, 1) */
export function retryDelay(attempt: number, limits: Limits, random: number): number {
  const ceiling = Math.min(limits.longestRetry, limits.firstRetry * 2 ** (attempt - 1))
  return Math.round(ceiling * (0.5 + random / 2))
}
