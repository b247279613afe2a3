import {setTimeout as sleep} from 'node:timers/promises'
import type {Database} from '../db/database.js'
import {isConnectionLost, serverWords, SqlState, sqlState} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import type {Tell} from './events.js'

/** Exponential with jitter, so that many daemons do not knock in one rhythm. Milliseconds. */
export function backoff(attempt: number, random: number): number {
  return Math.round(Math.min(30_000, 500 * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2))
}

/** A mistake that waiting does not mend: a wrong password, a database that is not there. */
export function isHopeless(error: unknown): boolean {
  return error instanceof OpsError && (error.code !== 'CONNECT' || /\[(28P01|28000|3D000|42501)\]|password|SASL|certificate/i.test(error.message))
}

/** Tries until it works, the stop is asked for, or it is hopeless. Null where it was stopped. */
export async function patiently<T>(work: () => Promise<T>, tell: Tell, stop: AbortSignal, hopeless: (error: unknown) => boolean): Promise<T | null> {
  const began = performance.now()
  for (let attempt = 0; !stop.aborted; attempt += 1) {
    try {
      const result = await work()
      if (attempt > 0) tell({event: 'database_back', seconds: (performance.now() - began) / 1000})
      return result
    } catch (error) {
      if (hopeless(error)) throw error
      const pause = backoff(attempt, Math.random())
      tell({event: 'database_away', error: error instanceof OpsError ? error.message : serverWords(error), attempt: attempt + 1, seconds: pause / 1000})
      await sleep(pause, undefined, {signal: stop}).catch(() => {})
    }
  }
  return null
}

/** True where the session is gone or leads nowhere, as opposed to a statement that failed. */
export function isAway(error: unknown): boolean {
  return isConnectionLost(error) || (error instanceof OpsError && (error.code === 'CONNECT' || error.code === 'CONNECTION_LOST')) ||
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', '53300', '57P03'].includes(sqlState(error) ?? '')
}

export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === SqlState.readOnly
}

/** Times at which only a read-only replica could be reached: nothing could be written down then. */
export interface ReplicaWatch {
  /** Waits until the server takes changes. */
  wait(db: Database, poll: number, tell: Tell, stop: AbortSignal): Promise<void>
  saw(instant: number): boolean
}

export function replicaWatch(now: () => number): ReplicaWatch {
  const spans: {from: number; to: number}[] = []
  return {
    saw: (instant) => spans.some(({from, to}) => instant >= from && instant <= to),
    async wait(db, poll, tell, stop) {
      if (!db.server.inRecovery) return
      const span = {from: now(), to: now()}
      spans.push(span)
      tell({event: 'replica', message: 'this server is a read-only replica: nothing can be claimed or written down; waits until it is promoted'})
      while (!stop.aborted && db.server.inRecovery) {
        await sleep(Math.min(poll, 5_000), undefined, {signal: stop}).catch(() => {})
        if (stop.aborted) break
        await db.probe().catch((error: unknown) => (isAway(error) ? db.reconnect().catch(() => {}) : undefined))
        span.to = now()
      }
      if (!db.server.inRecovery) tell({event: 'server_changed', message: 'the server takes changes now: it was promoted'})
    },
  }
}
