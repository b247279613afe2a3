import {setTimeout as sleep} from 'node:timers/promises'
import {ExitCode, OpsError} from '../errors.js'

/** How long a command waits for a lock that another process or session holds, counted from the first refusal. */
export interface LockWait {
  /** Milliseconds that are left. */
  left(): number
  /** To be called with every refusal: the first one starts the clock, and is reported. */
  refused(error: OpsError): void
}

/** @param report called once, with the first refusal */
export function lockWait(ms: number, report: (refusal: OpsError) => void = () => {}): LockWait {
  let deadline: number | null = null
  return {
    left: () => (deadline === null ? ms : Math.max(0, deadline - performance.now())),
    refused(error) {
      if (deadline !== null) return
      deadline = performance.now() + ms
      if (ms > 0) report(error)
    },
  }
}

/** A run that lost its lock in the middle has begun: it is not simply run again. */
const lostLocks: ReadonlySet<string> = new Set(['LOCK_LOST', 'CLAIM_LOST'])

/** Milliseconds between two attempts. */
const pause = 1_000

/**
 * Runs `work` again for as long as it is refused because another process or session holds a lock (exit 5), until the
 * wait is over. What it did before it was refused must be nothing, or be found done by the next attempt.
 * @throws OpsError the last refusal, or any other failure as it is
 */
export async function whileLocked<R>(wait: LockWait, work: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof OpsError) || error.exitCode !== ExitCode.lockHeld || lostLocks.has(error.code)) throw error
      wait.refused(error)
      const left = wait.left()
      if (left <= 0) throw error
      await sleep(Math.min(pause, left))
    }
  }
}
