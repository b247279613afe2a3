import type {ChangeMode, ChangeSignals} from './change.js'
import {listened} from './early-signals.js'

/**
 * On the first SIGINT or SIGTERM the running step finishes; on the second it is cancelled, including its statement in
 * the server.
 */
export function interrupts(report: (line: string) => void): ChangeSignals & {release(): void} {
  const [stop, cancel] = [new AbortController(), new AbortController()]
  const onSignal = () => {
    if (stop.signal.aborted) return cancel.abort()
    stop.abort()
    report('Interrupted: the running step finishes first; interrupt again to cancel it.')
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const ended = listened()
  const release = () => {
    ended()
    process.removeListener('SIGINT', onSignal)
    process.removeListener('SIGTERM', onSignal)
  }
  return {stop: stop.signal, cancel: cancel.signal, release}
}

/** The signals of a change: those of a run on many databases, else SIGINT and SIGTERM. */
export function signalsOf({
  signals,
  report,
}: Pick<ChangeMode, 'signals' | 'report'>): ChangeSignals & {release(): void} {
  return signals === undefined ? interrupts(report) : {...signals, release() {}}
}
