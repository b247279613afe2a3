import {ExitCode, OpsError} from '../errors.js'
import {exitNow} from './exit-now.js'

/**
 * Handles signals while the command does not listen for them: while it is loaded, connects, reads or asks. Without a
 * handler, SIGTERM would end the process with the status of a crash, and as process 1 of a container it would ignore
 * SIGTERM and SIGINT.
 */
let handler: (() => void) | null = null
let listeners = 0
const signals = ['SIGTERM', 'SIGINT'] as const

/**
 * While the command does not listen itself, a signal ends the process with this code.
 * @param before prints why
 */
export function exitOnSignal(code: number, before: () => void = () => {}): void {
  for (const signal of signals) if (handler !== null) process.off(signal, handler)
  listeners = 0
  handler = () => {
    if (listeners > 0) return
    before()
    exitNow(code)
  }
  for (const signal of signals) process.on(signal, handler)
}

/** The command has installed its own handlers, until it calls the returned function. */
export function listened(): () => void {
  listeners += 1
  return () => {
    listeners -= 1
  }
}

/**
 * Prints that the command was interrupted; under --json as the only document on stdout. A watched report has printed
 * documents already, and is ended by a signal.
 */
export function sayInterrupted(argv: readonly string[]): void {
  const watched = argv.some((word) => word === '--watch' || word === '-w')
  if (argv.includes('--json') && !watched) {
    const error = new OpsError('INTERRUPTED', 'Interrupted.', {exit: ExitCode.interrupted, retryable: true})
    process.stdout.write(`${JSON.stringify({error}, null, 2)}\n`)
  } else process.stderr.write(process.stderr.isTTY ? '\nInterrupted.\n' : 'Interrupted.\n')
}
