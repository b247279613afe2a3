/** What fails again and again: it is reported once, and tried again after longer and longer pauses. */
export interface Trouble {
  /** Writes a failure down. True where it is new: nothing failed before, or it failed in another way. */
  failed(what: string, code: string, message: string): boolean
  /** It works again: for how many seconds it did not; null where it always did. */
  worked(what: string): number | null
  /** Milliseconds until it may be tried again; 0 for at once. */
  wait(what: string): number
  fails(what: string): boolean
  /** What fails now, oldest first; of the whole and its parts the whole alone. */
  messages(whole: string): string[]
}

interface Failing {
  since: number
  count: number
  /** By performance.now(). */
  notBefore: number
  code: string
  message: string
}

/** Milliseconds. */
const firstPause = 1_000
const longestPause = 30_000

export function troubleOf(): Trouble {
  const failing = new Map<string, Failing>()
  return {
    failed(what, code, message) {
      const before = failing.get(what)
      const count = (before?.count ?? 0) + 1
      const now = performance.now()
      // With jitter, so that what began together does not stay together.
      const pause = Math.min(longestPause, firstPause * 2 ** Math.min(count - 1, 10)) * (0.75 + Math.random() / 4)
      failing.set(what, {since: before?.since ?? now, count, notBefore: now + pause, code, message})
      return before?.code !== code
    },
    worked(what) {
      const before = failing.get(what)
      failing.delete(what)
      return before === undefined ? null : (performance.now() - before.since) / 1000
    },
    wait: (what) => Math.max(0, (failing.get(what)?.notBefore ?? 0) - performance.now()),
    fails: (what) => failing.has(what),
    messages: (whole) =>
      [failing.get(whole) ?? [...failing.values()]]
        .flat()
        .sort((a, b) => a.since - b.since)
        .map(({message}) => message),
  }
}
