import {setTimeout as sleep} from 'node:timers/promises'
import type {Database} from '../db/database.js'
import {isConnectionLost, isNoPrivilege, isRowSecurity, retryableOf, serverMessage, sqlState} from '../db/sqlstate.js'
import {grantsFor} from './privilege-advice.js'
import {OpsError} from '../errors.js'
import {attempt, describe} from './attempt-step.js'
import {retryDelay} from './limits.js'
import {blockedReasonOf} from './blocked-reason.js'
import type {Progress, SessionResolver, StepOptions} from './step-options.js'
import {stepReport, isDone} from './step-report.js'
import type {Step, StepReason, StepReport} from './step.js'

export type {Progress, SessionResolver, StepOptions}

/** The state of a step over all its attempts. */
export interface AttemptState {
  attempts: number
  /** Milliseconds spent in attempts and retry delays; time used by other steps in between does not count. */
  elapsedMs: number
  /** The connection was lost during one of the attempts. */
  lost: boolean
  /** The next attempt has PostgreSQL cancel the autovacuum worker that blocked this one. */
  cancelsAutovacuum: boolean
}

/** The step must be retried in this many seconds. */
export interface RetryLater {
  later: number
}

/** What to do after a failed attempt. */
type RetryDecision =
  | {again: true; seconds: number; reason: string; reconnect: boolean; cancelsAutovacuum?: boolean}
  | {again: false; reason: StepReason | null; blockers?: string | null}

/**
 * Makes one attempt at a step. The result is a final report (done, already done, or failed), or a retry later because
 * another session blocks it or the connection was lost. Never throws.
 */
export async function tryStep(
  own: Database,
  step: Step,
  position: number,
  tries: AttemptState,
  options: StepOptions,
): Promise<StepReport | RetryLater> {
  const db = sessionOf(own, step, options)
  const began = performance.now()
  const before = tries.elapsedMs
  const elapsed = () => Math.round(before + performance.now() - began)
  tries.attempts += 1
  const {attempts} = tries
  try {
    return await attempt(own, db, step, position, options, {
      ask: attempts > 1 || !(options.untouched?.(step) ?? false),
      cancelsAutovacuum: tries.cancelsAutovacuum,
      done: () => ({...stepReport(step, 'done', attempts), ms: elapsed(), bytes: step.bytes}),
      found: () => ({
        ...stepReport(step, tries.lost ? 'done' : 'skipped', attempts - 1, foundReason(tries)),
        ms: elapsed(),
      }),
    })
  } catch (error) {
    const verdict = await decideRetry(db, step, error, {attempts, elapsedMs: elapsed()}, options)
    tries.elapsedMs = elapsed()
    if (!verdict.again) {
      // The transaction of an attempt whose connection was lost may still be running, and commit after this failure.
      const reason: StepReason | null = tries.lost ? {code: 'outcome_unknown'} : verdict.reason
      const ended = stepReport(step, 'failed', attempts, reason)
      const failed = {
        ...ended,
        ms: elapsed(),
        error: describe(error, step),
        retryable: reason?.code === 'outcome_unknown' ? null : retryableOf(error),
        sqlState: isConnectionLost(error) ? null : (sqlState(error) ?? null),
        note: ended.note ?? verdict.blockers ?? null,
      }
      await options.ledger?.stepEnded(position, failed).catch(() => {})
      return failed
    }
    if (verdict.seconds > 0)
      options.onProgress?.({event: 'wait', step, seconds: verdict.seconds, reason: verdict.reason})
    tries.elapsedMs += verdict.seconds * 1000
    tries.cancelsAutovacuum = verdict.cancelsAutovacuum ?? false
    if (!verdict.reconnect) return {later: verdict.seconds}
    tries.lost = true
    await sleep(verdict.seconds * 1000, undefined, options.cancel ? {signal: options.cancel} : {}).catch(() => {})
    // If this fails, so does the next attempt, which decides again.
    await db.reconnect().catch(() => {})
    return {later: 0}
  }
}

function foundReason({lost, attempts}: AttemptState): StepReason {
  if (lost) return {code: 'done_before_connection_loss'}
  return {code: attempts > 1 ? 'done_meanwhile' : 'already_done'}
}

export function sessionOf(
  db: Database,
  {database}: Step,
  {resolveSession}: {resolveSession?: SessionResolver | undefined},
): Database {
  return database === undefined || resolveSession === undefined ? db : resolveSession(database)
}

async function decideRetry(
  db: Database,
  step: Step,
  error: unknown,
  {attempts, elapsedMs}: {attempts: number; elapsedMs: number},
  options: StepOptions,
): Promise<RetryDecision> {
  const lost = isConnectionLost(error)
  // Even if cancelled: after a lost connection it is unknown whether the server committed the step.
  if (options.cancel?.aborted) return {again: false, reason: {code: lost ? 'outcome_unknown' : 'cancelled'}}
  const delay = retryDelay(attempts, options.limits, Math.random())
  const {retryBudget, blockedBudget = retryBudget} = options.limits
  const isWithin = (budget: number) => elapsedMs + delay < budget && !options.stop?.aborted
  if (lost) {
    const repeatable = step.doneCheck !== null || step.repeatable
    if (!repeatable) return {again: false, reason: {code: 'outcome_unknown'}}
    return isWithin(retryBudget)
      ? {again: true, seconds: delay / 1000, reason: serverMessage(error), reconnect: true}
      : {again: false, reason: {code: 'outcome_unknown'}}
  }
  const blocked = await blockedReasonOf(db, step, error)
  if (blocked !== null)
    return isWithin(blockedBudget)
      ? {
          again: true,
          seconds: delay / 1000,
          reason: blocked.words,
          reconnect: false,
          cancelsAutovacuum: blocked.autovacuum === 'can_cancel',
        }
      : {again: false, reason: {code: blocked.code}, blockers: blocked.blockers}
  // It is not a failure if another process has done the step in the meantime.
  if (!(error instanceof OpsError) && (await isDone(db, step).catch(() => false)))
    return {again: true, seconds: 0, reason: '', reconnect: false}
  return {again: false, reason: await refusalOf(db, error)}
}

async function refusalOf(db: Database, error: unknown): Promise<StepReason | null> {
  if (isRowSecurity(error)) return {code: 'row_security'}
  if (!isNoPrivilege(error)) return null
  const grant = await grantsFor(db, error)
  return {code: 'no_privilege', ...(grant !== null && {grant})}
}
