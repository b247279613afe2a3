import {setTimeout as sleep} from 'node:timers/promises'
import {ExitCode, OpsError} from '../errors.js'

/** How long a command waits for a lock of another process or session, counted from the first refusal. */
export interface LockWait {
  /** The remaining milliseconds. */
  left(): number
  /** Call it with every refusal: the first one starts the wait and is reported. */
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

/** A run that lost its lock had already started, so it is not retried. */
const lostLocks: ReadonlySet<string> = new Set(['LOCK_LOST', 'CLAIM_LOST'])

/** Milliseconds between two attempts. */
const pause = 1_000

/**
 * Repeats `work` while it is refused because another process or session holds a lock (exit 5), until the wait is over.
 * A refused attempt must change nothing, or the next attempt must find its changes done.
 * @throws OpsError the last refusal; other errors unchanged
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
