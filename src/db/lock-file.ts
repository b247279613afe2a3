import {closeSync, ftruncateSync, openSync, readFileSync, writeSync} from 'node:fs'
import {ExitCode, OpsError} from '../errors.js'

/** The description of the process that holds a lock, stored in the file. */
export interface Holder {
  /** The command: `qicore-db/daemon`. */
  command: string
  /** A URL that shows the state of the process, if it has one. */
  statusUrl?: string | undefined
}

/**
 * Takes an exclusive lock on a file, which the kernel holds as long as this process lives: kill -9 releases it at once,
 * SIGSTOP does not. A lock that expires by time ensures neither. The content is used only for the error message.
 * Returns a function that unlocks.
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
      ...(statusUrl ? [`State of that process: curl ${statusUrl}`] : []),
      'The embedded engine supports one process at a time: wait for that process to end (--wait 10min), or stop it.',
    ],
  })
}
