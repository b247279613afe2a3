/**
 * Ends the process at once: the answer to a second signal. The first process of a container ignores every signal that
 * it has no handler for, its own included, so nothing else would.
 */
export function exitNow(code: number): never {
  process.exit(code)
}
