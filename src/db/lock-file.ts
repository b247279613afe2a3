import {closeSync, ftruncateSync, openSync, readFileSync, writeSync} from 'node:fs'
import {ExitCode, OpsError} from '../errors.js'

/** The process that holds a lock, as it describes itself in the file. */
export interface Holder {
  /** The command: `qicore-db/daemon`. */
  command: string
  /** A URL that shows the state of the process, where there is one. */
  statusUrl?: string | undefined
}

/**
 * An exclusive lock on a file, held by the kernel for as long as this process lives: kill -9 frees it at once, and
 * SIGSTOP keeps it. A lock that goes stale by the clock does neither. The content is only for the message.
 * @throws OpsError IN_USE with the pid and the command of the holder
 */
export async function lockFile(path: string, what: string, holder: Holder = {command: ''}): Promise<() => void> {
  const {tryLock, unlock} = (await import('fs-native-extensions')).default
  const fd = openSync(path, 'a+')
  if (!tryLock(fd)) {
    const text = readFileSync(path, 'utf8')
    closeSync(fd)
    throw inUse(what, text)
  }
  ftruncateSync(fd)
  writeSync(fd, `${[process.pid, holder.command, holder.statusUrl ?? ''].join('\n')}\n`)
  return () => {
    ftruncateSync(fd)
    unlock(fd)
    closeSync(fd)
  }
}

function inUse(what: string, text: string): OpsError {
  const [pid, command, statusUrl] = text.split('\n')
  const by = command ? ` (${command.replace('qicore-db/', 'qicore-db ')})` : ''
  return new OpsError('IN_USE', `${what} is in use by process ${pid || 'unknown'}${by}.`, {
    exit: ExitCode.lockHeld,
    suggestions: [
      ...(statusUrl ? [`See how that process is doing: curl ${statusUrl}`] : []),
      'The embedded engine serves one process at a time: wait for that process (--wait 10min), or stop it.',
    ],
  })
}
