import {setTimeout as sleep} from 'node:timers/promises'
import type {Database} from '../db/database.js'
import {isPermanent} from '../db/connect-error.js'
import {isConnectionLost, serverMessage, SqlState, sqlState} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import type {Emit} from '../jobs/events.js'

/**
 * The pause before the next try, in milliseconds: never so long that a daemon is late when the server is back, with
 * jitter, so that many daemons do not knock in one rhythm.
 */
export function backoff(attempt: number, random: number): number {
  return Math.round(Math.min(1_500, 500 * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2))
}

/** An error that a later attempt cannot succeed against: a wrong password, a missing database. */
export function isPermanentError(error: unknown): boolean {
  return error instanceof OpsError && isPermanent(error)
}

/**
 * Tries until it works, the stop is asked for, or it is hopeless. Null where it was stopped. What is wrong is reported
 * once, and again where it is something else.
 * @param onTry called before every try
 */
export async function retryUntilConnected<T>(
  work: () => Promise<T>,
  emit: Emit,
  stop: AbortSignal,
  hopeless: (error: unknown) => boolean,
  onTry: () => void = () => {},
): Promise<T | null> {
  const began = performance.now()
  let reportedError: string | undefined
  for (let attempt = 0; !stop.aborted; attempt += 1) {
    onTry()
    try {
      const result = await work()
      if (attempt > 0) emit({event: 'database_back', seconds: (performance.now() - began) / 1000})
      return result
    } catch (error) {
      if (hopeless(error)) throw error
      const pause = backoff(attempt, Math.random())
      const code = kindOf(error)
      if (code !== reportedError)
        emit({
          event: 'connection_lost',
          error: error instanceof OpsError ? error.message : serverMessage(error),
          attempt: attempt + 1,
          seconds: pause / 1000,
        })
      reportedError = code
      await sleep(pause, undefined, {signal: stop}).catch(() => {})
    }
  }
  return null
}

/**
 * A server that comes back refuses in several ways one after the other, which is one outage; a wrong password is
 * another matter.
 */
function kindOf(error: unknown): string {
  return error instanceof OpsError && isPermanent(error) ? (sqlState(error.cause) ?? error.code) : 'away'
}

/** True where the session is gone or leads nowhere, as opposed to a statement that failed. */
export function isConnectionError(error: unknown): boolean {
  return (
    isConnectionLost(error) ||
    (error instanceof OpsError && (error.code === 'CONNECT' || error.code === 'CONNECTION_LOST')) ||
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', '53300', '57P03'].includes(
      sqlState(error) ?? '',
    )
  )
}

export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === SqlState.readOnly
}

/** Times at which only a read-only replica could be reached: nothing could be written down then. */
export interface ReplicaWatch {
  /** Waits until the server takes changes. */
  wait(db: Database, poll: number, emit: Emit, stop: AbortSignal, onTry: () => void): Promise<void>
  saw(instant: number): boolean
}

export function replicaWatch(now: () => number): ReplicaWatch {
  const spans: {from: number; to: number}[] = []
  return {
    saw: (instant) => spans.some(({from, to}) => instant >= from && instant <= to),
    async wait(db, poll, emit, stop, onTry) {
      if (!db.server.inRecovery) return
      const span = {from: now(), to: now()}
      spans.push(span)
      emit({
        event: 'replica',
        message:
          'this server is a read-only replica: nothing can be claimed or written down; waits until it is promoted',
      })
      while (!stop.aborted && db.server.inRecovery) {
        await sleep(Math.min(poll, 5_000), undefined, {signal: stop}).catch(() => {})
        if (stop.aborted) break
        onTry()
        await db
          .probe()
          .catch((error: unknown) => (isConnectionError(error) ? db.reconnect().catch(() => {}) : undefined))
        span.to = now()
      }
      if (!db.server.inRecovery)
        emit({event: 'server_changed', message: 'the server takes changes now: it was promoted'})
    },
  }
}
