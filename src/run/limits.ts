import type {Step} from './step.js'

/** Milliseconds; the configuration's `limits` over these defaults. */
export interface Limits {
  lockTimeout: number
  /** Where ACCESS EXCLUSIVE is taken: everybody who comes later queues behind a waiting one, readers too. */
  exclusiveLockTimeout: number
  /** All waiting and retrying of one step together. */
  retryBudget: number
  firstRetry: number
  longestRetry: number
  maxDropPerRun: number
  lateAfter: number
}

export const defaultLimits: Limits = {
  lockTimeout: 2_000,
  exclusiveLockTimeout: 500,
  retryBudget: 300_000,
  firstRetry: 1_000,
  longestRetry: 60_000,
  maxDropPerRun: 8,
  lateAfter: 6 * 3_600_000,
}

export function lockTimeoutOf(step: Step, limits: Limits): number {
  return step.lock === 'ACCESS EXCLUSIVE' ? limits.exclusiveLockTimeout : limits.lockTimeout
}

/** Exponential with jitter: several runs that met once do not meet again. @param random in [0, 1) */
export function retryDelay(attempt: number, limits: Limits, random: number): number {
  const ceiling = Math.min(limits.longestRetry, limits.firstRetry * 2 ** (attempt - 1))
  return Math.round(ceiling * (0.5 + random / 2))
}
