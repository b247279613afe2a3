/**
 * What happens when the reader of stdout or stderr goes away, as `head` does after ten lines. A change goes on to its
 * end: it must not stop in the middle because of a closed pipe. The exit code stays that of the command.
 */
let stdoutIsClosed = false
let reportClosed: () => void = () => {}
const closed = new Promise<void>((resolve) => (reportClosed = resolve))

/** Without a listener, the first failed write would end the process with an uncaught exception. */
export function tolerateClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (stream !== process.stdout) return
      stdoutIsClosed = true
      reportClosed()
    })
}

/** True once a write to stdout has failed because its reader is gone: a command that only prints can end. */
export function outputIsClosed(): boolean {
  return stdoutIsClosed
}

/** Waits until stdout is written, or its reader is gone: then it would never be. */
export async function flushOutput(flush: () => Promise<void>): Promise<void> {
  if (!stdoutIsClosed) await Promise.race([flush(), closed])
}
