import {closeSync, ftruncateSync, openSync, readFileSync, writeSync} from 'node:fs'
import {ExitCode, OpsError} from '../errors.js'

/**
 * An exclusive lock on a file, held by the kernel for as long as this process lives: kill -9 frees it at once, and
 * SIGSTOP keeps it. A lock that goes stale by the clock does neither. The pid inside is only for the message.
 * @throws OpsError IN_USE with the pid of the holder
 */
export async function lockFile(path: string, what: string): Promise<() => void> {
  const {tryLock, unlock} = (await import('fs-native-extensions')).default
  const fd = openSync(path, 'a+')
  if (!tryLock(fd)) {
    const pid = readFileSync(path, 'utf8').trim()
    closeSync(fd)
    throw new OpsError('IN_USE', `${what} is in use by process ${pid || 'unknown'}.`, {
      exit: ExitCode.lockHeld,
      suggestions: ['The embedded engine serves one process at a time: wait for that one, or stop it.'],
    })
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`)
  return () => {
    ftruncateSync(fd)
    unlock(fd)
    closeSync(fd)
  }
}
