import type {Database} from '../db/database.js'
import type {JobContext} from '../jobs/kind.js'
import {attempt} from '../jobs/run/attempt.js'
import {systemClock, type ProcessClock} from '../units/process-clock.js'
import {sqlJobStore, type JobStore} from './job-store.js'
import {sessionPool} from './pool.js'
import type {RunSessions} from './run-sessions.js'

/** Everything outside of its own code on which the scheduler depends. The simulator replaces all of it. */
export interface Dependencies {
  clock: ProcessClock
  /** A number from 0 to 1, not including 1. */
  random(): number
  store: JobStore
  sessions: RunSessions
}

/** What the scheduler of a daemon depends on. */
export function dependenciesOf(
  control: Database,
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>,
): Dependencies {
  const pool = sessionPool(control)
  return {
    clock: systemClock,
    random: Math.random,
    store: sqlJobStore(control),
    sessions: {
      async acquire() {
        const db = await pool.acquire()
        return {
          get backend() {
            return db.backend
          },
          attempt: (job, claim, options, at) => attempt(db, job, claim, {...options, context}, at),
          give: () => pool.give(db),
          discard: () => pool.discard(db),
          abort: () => db.abort(),
        }
      },
      close: () => pool.close(),
    },
  }
}
