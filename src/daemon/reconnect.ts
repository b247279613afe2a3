import {isPermanent} from '../db/connect-error.js'
import {isConnectionLost, serverMessage, SqlState, sqlState} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import type {Emit} from '../jobs/events.js'
import {sleep, type ProcessClock} from '../units/process-clock.js'
import type {JobStore} from './job-store.js'

/**
 * The pause before the next attempt, in milliseconds: at most 1.5 s, so that a daemon reconnects quickly, and with
 * jitter, so that many daemons do not connect at the same time.
 */
export function backoff(attempt: number, random: number): number {
  return Math.round(Math.min(1_500, 500 * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2))
}

/** An error that another attempt cannot resolve: a wrong password, a missing database. */
export function isPermanentError(error: unknown): boolean {
  return error instanceof OpsError && isPermanent(error)
}

export interface RetryOptions {
  clock: ProcessClock
  random(): number
  emit: Emit
  stop: AbortSignal
  /** Called before each attempt. */
  onTry(): void
}

/**
 * Retries until it succeeds, a stop is requested (null), or the error is permanent (thrown). An error is reported once,
 * and again when it changes.
 * @param stopsRetrying whether an error is permanent
 */
export async function retryUntilConnected<T>(
  work: () => Promise<T>,
  {clock, random, emit, stop, onTry}: RetryOptions,
  stopsRetrying: (error: unknown) => boolean,
): Promise<T | null> {
  const began = clock.monotonic()
  let reportedError: string | undefined
  for (let attempt = 0; !stop.aborted; attempt += 1) {
    onTry()
    try {
      const result = await work()
      if (attempt > 0) emit({event: 'database_back', seconds: (clock.monotonic() - began) / 1000})
      return result
    } catch (error) {
      if (stopsRetrying(error)) throw error
      const pause = backoff(attempt, random())
      const code = kindOf(error)
      if (code !== reportedError)
        emit({
          event: 'connection_lost',
          error: error instanceof OpsError ? error.message : serverMessage(error),
          attempt: attempt + 1,
          seconds: pause / 1000,
        })
      reportedError = code
      await sleep(clock, pause, stop)
    }
  }
  return null
}

/** While a server restarts, connections fail with different errors, which are one outage; permanent errors are not. */
function kindOf(error: unknown): string {
  return error instanceof OpsError && isPermanent(error) ? (sqlState(error.cause) ?? error.code) : 'away'
}

/** Whether the connection was lost or cannot be opened, as opposed to a failed statement. */
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

/** The session with the server, as far as this needs it. */
export type ServerState = Pick<JobStore, 'server' | 'probe' | 'reconnect'>

/** Records the times at which only a read-only replica was reachable, so that nothing could be claimed or recorded. */
export interface ReplicaWatch {
  /** Waits until the server is writable. */
  wait(server: ServerState, poll: number, options: RetryOptions): Promise<void>
  saw(instant: number): boolean
}

export function replicaWatch(now: () => number): ReplicaWatch {
  const spans: {from: number; to: number}[] = []
  return {
    saw: (instant) => spans.some(({from, to}) => instant >= from && instant <= to),
    async wait(db, poll, {clock, emit, stop, onTry}) {
      if (!db.server.inRecovery) return
      const span = {from: now(), to: now()}
      spans.push(span)
      emit({
        event: 'replica',
        message: 'the server is a read-only replica: nothing can be claimed or recorded until it is promoted',
      })
      while (!stop.aborted && db.server.inRecovery) {
        await sleep(clock, Math.min(poll, 5_000), stop)
        if (stop.aborted) break
        onTry()
        await db
          .probe()
          .catch((error: unknown) => (isConnectionError(error) ? db.reconnect().catch(() => {}) : undefined))
        span.to = now()
      }
      if (!db.server.inRecovery) emit({event: 'server_changed', message: 'the server was promoted and is now writable'})
    },
  }
}
