import {exitNow} from './exit-now.js'

/**
 * Handles signals that arrive before a command listens for them. Loading a command takes most of a second, and until
 * then SIGTERM would end the process by signal, which a supervisor reports as a crash.
 */
let handler: (() => void) | null = null
const signals = ['SIGTERM', 'SIGINT'] as const

/** Until {@link listened}, a signal ends the process with this code, because nothing has started. */
export function exitEarly(code: number): void {
  handler = () => exitNow(code)
  for (const signal of signals) process.on(signal, handler)
}

/** The command has installed its own handlers. */
export function listened(): void {
  if (handler !== null) for (const signal of signals) process.off(signal, handler)
  handler = null
}
