import {embeddedDirectory, type Database, type Target} from '../db/database.js'
import {connectionParameters, type Environment} from '../db/libpq.js'
import {ExitCode, OpsError} from '../errors.js'

/** Targets in work at the same time, unless --parallel says otherwise. */
export const parallelTargets = 4
/** At most this many of them on one server: more gain nothing, and many small servers allow few sessions. */
export const perServer = 2
/** Milliseconds for reading one target, unless --target-timeout says otherwise. */
export const targetTimeout = 60_000
/** Milliseconds between the end of the time of a target and the end of its session. */
const grace = 1_000

/** `db.example.com:5432`: the same for two targets that share a server. */
export function serverOf(name: string, {url}: Target, env: Environment): string {
  // They share the memory and the processor of this machine.
  if (embeddedDirectory(url) !== null) return 'embedded'
  try {
    const {host, hostaddr, port} = connectionParameters(url, env)
    return `${hostaddr ?? host ?? ''}:${port ?? '5432'}`
  } catch {
    // The connection fails with the reason.
    return name
  }
}

/** Cancels the running statement when the time of a target is over, and closes the session soon after. */
export function endWith(stop: AbortSignal, db: Pick<Database, 'cancel' | 'abort'>): void {
  const end = () => {
    db.cancel().catch(() => {})
    setTimeout(() => db.abort(), grace).unref()
  }
  if (stop.aborted) end()
  else stop.addEventListener('abort', end, {once: true})
}

/** The error TARGET_TIMEOUT. @param ms the time that it had */
export function tooSlow(name: string, ms: number, connected: boolean): OpsError {
  return new OpsError(
    'TARGET_TIMEOUT',
    connected
      ? `${name} did not answer completely within ${ms / 1000} s.`
      : `${name} could not be reached within ${ms / 1000} s.`,
    {
      exit: connected ? ExitCode.failed : ExitCode.cannotConnect,
      retryable: true,
      suggestions: ['Give each target more time: --target-timeout 5min'],
    },
  )
}
