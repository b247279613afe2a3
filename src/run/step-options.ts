import type {Database, Db} from '../db/database.js'
import type {Limits} from './limits.js'
import type {Ledger} from './run-log.js'
import type {Step, StepReport} from './step.js'

export type Progress =
  | {event: 'start'; step: Step; position: number; total: number}
  | {event: 'advance'; step: Step; words: string}
  | {event: 'wait'; step: Step; seconds: number; reason: string}
  | {event: 'end'; step: Step; position: number; total: number; report: StepReport}

/** Returns the session in the database that a step names. */
export type SessionResolver = (database: string) => Database

export interface StepOptions {
  limits: Limits
  ledger: Ledger | null
  stop?: AbortSignal | undefined
  cancel?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** For steps that name another database of the server. */
  resolveSession?: SessionResolver | undefined
  /** Sent first in every transaction of a step: aborts it if the run's lock or claim is no longer held. */
  fence?: ((tx: Db) => Promise<void>) | undefined
  /** True if the step cannot be done yet, so the done check before the first attempt is skipped. */
  untouched?: ((step: Step) => boolean) | undefined
}
