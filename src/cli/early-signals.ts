import {exitNow} from './exit-now.js'

/**
 * Signals that arrive before a command listens for them. Loading it takes most of a second, and meanwhile SIGTERM
 * would end the process by signal, which a supervisor takes for a crash.
 */
let handler: (() => void) | null = null
const signals = ['SIGTERM', 'SIGINT'] as const

/** Until {@link listened}, a signal ends the process with this code: nothing was begun. */
export function exitEarly(code: number): void {
  handler = () => exitNow(code)
  for (const signal of signals) process.on(signal, handler)
}

/** The command listens itself now. */
export function listened(): void {
  if (handler !== null) for (const signal of signals) process.off(signal, handler)
  handler = null
}
