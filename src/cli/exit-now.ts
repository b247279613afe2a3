/**
 * Ends the process immediately, after a second signal. As PID 1 of a container a process ignores every signal without a
 * handler, even if it sends it to itself, so re-raising the signal would not work.
 */
export function exitNow(code: number): never {
  process.exit(code)
}
