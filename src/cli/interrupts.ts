/**
 * On the first SIGINT or SIGTERM the running step finishes; on the second it is cancelled, including its statement in
 * the server.
 */
export function interrupts(report: (line: string) => void): {stop: AbortSignal; cancel: AbortSignal; release(): void} {
  const [stop, cancel] = [new AbortController(), new AbortController()]
  const onSignal = () => {
    if (stop.signal.aborted) return cancel.abort()
    stop.abort()
    report('Interrupted: the running step finishes first; interrupt again to cancel it.')
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const release = () => {
    process.removeListener('SIGINT', onSignal)
    process.removeListener('SIGTERM', onSignal)
  }
  return {stop: stop.signal, cancel: cancel.signal, release}
}
