import type {ProcessClock} from '../units/process-clock.js'

/** Repeated failures, by key: each is reported once and retried with exponential backoff. */
export interface Trouble {
  /** Records a failure. True if it is new: the key did not fail before, or failed with another code. */
  failed(what: string, code: string, message: string): boolean
  /** Records a success. Returns for how many seconds the key failed before; null if it did not. */
  worked(what: string): number | null
  /** Milliseconds until the next attempt; 0 if it may be made now. */
  wait(what: string): number
  fails(what: string): boolean
  /** The messages of current failures, oldest first; only that of the key `whole` if it fails. */
  messages(whole: string): string[]
}

interface Failing {
  since: number
  count: number
  /** By the process's monotonic clock. */
  notBefore: number
  code: string
  message: string
}

/** Milliseconds. */
const firstPause = 1_000
const longestPause = 30_000

export function troubleOf(clock: ProcessClock, random: () => number): Trouble {
  const failing = new Map<string, Failing>()
  return {
    failed(what, code, message) {
      const before = failing.get(what)
      const count = (before?.count ?? 0) + 1
      const now = clock.monotonic()
      // With jitter, so that failures that started together are not retried together.
      const pause = Math.min(longestPause, firstPause * 2 ** Math.min(count - 1, 10)) * (0.75 + random() / 4)
      failing.set(what, {since: before?.since ?? now, count, notBefore: now + pause, code, message})
      return before?.code !== code
    },
    worked(what) {
      const before = failing.get(what)
      failing.delete(what)
      return before === undefined ? null : (clock.monotonic() - before.since) / 1000
    },
    wait: (what) => Math.max(0, (failing.get(what)?.notBefore ?? 0) - clock.monotonic()),
    fails: (what) => failing.has(what),
    messages: (whole) =>
      [failing.get(whole) ?? [...failing.values()]]
        .flat()
        .sort((a, b) => a.since - b.since)
        .map(({message}) => message),
  }
}
