import type {Job} from '../../config/jobs.js'
import {isHalfState} from '../../db/condition.js'
import type {Backend} from '../../db/database.js'
import {toOpsError, sqlState} from '../../db/sqlstate.js'
import {messageOf, OpsError, withAdvice, type ErrorDocument} from '../../errors.js'
import type {JobWork} from '../kind.js'
import type {StepReport} from '../../run/step.js'
import {durationInWords} from '../../units/duration.js'
import {jitterOf} from '../../schedule/jitter.js'
import type {Claim, TakenOver} from '../store/claims.js'
import type {Ending} from '../store/results.js'

/** How an attempt at an occurrence ended, before it is recorded. */
export type Outcome = FinalOutcome | Unsettled

export type FinalOutcome =
  | {kind: 'ended'; status: Ending; reason: string | null; error: string | null; detail: Detail | null}
  /** To be retried after this many seconds. */
  | {kind: 'retry'; seconds: number; error: string | null; countsAsAttempt: boolean}
  /** Another daemon has the claim. */
  | {kind: 'lost'}

/** The connection was closed or lost: the result is known only when the server has ended the step. */
export interface Unsettled {
  kind: 'unsettled'
  /** The outcome if the step did not commit. */
  failed: FinalOutcome
  step: StepAtWork | null
  backend: Backend | null
}

/** The step that was running when a connection was closed. */
export interface StepAtWork {
  id: string
  /** Whether it was the last step of the occurrence. */
  last: boolean
}

/** Details of an occurrence in the history. */
export interface Detail {
  steps: {done: number; skipped: number; failed: number; unfinished: number}
  bytes: number | null
  notes?: readonly string[]
  /** The timeout of the job cancelled it. */
  timedOut?: true
  enforced?: readonly string[]
  /** Ids of the known defects for which steps were refused. */
  refused?: readonly string[]
  /** Why parts of the run, or all of it, could not be done. */
  problems?: readonly ErrorDocument[]
}

/** Stored as the reason of a run some of whose steps a known defect makes unsafe. */
export const refusedReason = 'refused'

/** Events during an attempt that are not results of steps. */
export interface TryState {
  lost: boolean
  timedOut: boolean
  windowClosed: boolean
}

export interface OccurrenceResult {
  reports: StepReport[]
  work: JobWork
  /** The server process of the last step. */
  backend: Backend | null
}

/** Attempts beyond `retries` for a run whose daemons die, before it counts as failed. */
const crashes = 5

/** The outcome of an attempt whose steps have ended. */
export function outcomeOf(
  job: Job,
  claim: Claim | TakenOver,
  {reports, work, backend}: OccurrenceResult,
  state: TryState,
  shutdown: boolean,
): Outcome {
  if (state.lost) return {kind: 'lost'}
  const count = (status: StepReport['status']) => reports.filter((report) => report.status === status).length
  const steps = {done: count('done'), skipped: count('skipped'), failed: count('failed'), unfinished: count('planned')}
  const unknown = reports.find(({reason}) => reason?.code === 'outcome_unknown')
  const settled = (failed: FinalOutcome): Outcome =>
    unknown === undefined
      ? failed
      : {kind: 'unsettled', failed, step: {id: unknown.id, last: steps.failed === 1 && steps.unfinished === 0}, backend}
  if (
    shutdown &&
    !state.timedOut &&
    unknown === undefined &&
    (steps.unfinished > 0 || reports.some(({reason}) => reason?.code === 'cancelled'))
  )
    return {kind: 'retry', seconds: 0, error: null, countsAsAttempt: false}
  const enforced = work.enforced.map(({what, by}) => `${what}: ${by}`)
  const first = reports.find(({status}) => status === 'failed')
  const refused = reports.flatMap(({reason, note}) =>
    reason?.code === 'refused' ? [{hazard: reason.hazard, note}] : [],
  )
  // If every step was done before the timeout took effect, the timeout has stopped nothing.
  const stopped = state.timedOut && (first !== undefined || steps.unfinished > 0)
  const notes = [
    ...work.notes,
    ...(state.timedOut && !stopped ? [`${longerWords(job)} and was done before it could be cancelled`] : []),
    ...(state.windowClosed && steps.unfinished > 0
      ? [`the window closed; ${steps.unfinished} steps are left for the next run`]
      : []),
  ]
  const sizes = reports.flatMap(({status, bytes}) => (status === 'done' && bytes !== null ? [bytes] : []))
  const detail: Detail = {
    steps,
    bytes: sizes.length > 0 ? sizes.reduce((sum, bytes) => sum + bytes, 0) : null,
    ...(notes.length > 0 && {notes}),
    ...(stopped && {timedOut: true as const}),
    ...(enforced.length > 0 && {enforced}),
    ...(refused.length > 0 && {refused: [...new Set(refused.map(({hazard}) => hazard))]}),
    ...(work.problems.length > 0 && {problems: work.problems.map((problem) => problem.toJSON())}),
  }
  if (first || stopped || work.problems.length > 0) {
    const many = steps.failed > 1 ? `${steps.failed} of ${reports.length} steps failed, the first: ` : ''
    const words = [
      stopped && timeoutWords(job),
      first && `${many}${first.error ?? first.id}`,
      first?.note,
      ...work.problems.map(withAdvice),
    ]
      .filter(Boolean)
      .join('; ')
    return settled(failure(job, claim, words, null, detail))
  }
  if (refused.length > 0) {
    const error = refused.map(({note}) => note).join('; ')
    return {kind: 'ended', status: steps.done > 0 ? 'failed' : 'skipped', reason: refusedReason, error, detail}
  }
  // Only if other schedulers do all the work of the job.
  if (reports.length === 0 && work.enforced.length > 0) {
    const by = [...new Set(work.enforced.map((one) => one.by))]
    return {kind: 'ended', status: 'skipped', reason: `enforced by ${by.join(' and ')}`, error: null, detail}
  }
  return {kind: 'ended', status: isLate(job, claim) ? 'done_late' : 'done', reason: null, error: null, detail}
}

export function isLate(job: Job, {scheduledAt, startedAt}: Claim): boolean {
  return scheduledAt !== null && startedAt - scheduledAt - jitterOf(job, scheduledAt) > job.lateAfter
}

/** The outcome of a failed attempt: a retry, or the final status. */
export function failure(
  job: Job,
  claim: Claim | TakenOver,
  words: string,
  cause: unknown,
  known: Detail | null = null,
): FinalOutcome {
  const detail = known ?? detailOf(cause, job)
  const code = cause instanceof OpsError ? cause.code : undefined
  // The condition of the database is not a failure of the job; the next occurrence tries again.
  if (isHalfState(cause))
    return {kind: 'ended', status: 'skipped', reason: cause.code.toLowerCase(), error: words, detail}
  const hopeless = code === 'UNKNOWN' || claim.scheduledAt === null || claim.attempts > job.retries + crashes
  if (!hopeless && claim.attempts <= job.retries)
    return {
      kind: 'retry',
      seconds: Math.min(3_600, (job.backoff / 1000) * 2 ** (claim.attempts - 1)),
      error: words,
      countsAsAttempt: true,
    }
  if (code === 'LOCKED') return {kind: 'ended', status: 'skipped', reason: 'overlap', error: words, detail}
  return {kind: 'ended', status: 'failed', reason: null, error: words, detail}
}

export function wordsOf(error: unknown, job: Job, timedOut: boolean): string {
  const words = failureMessage(error, job)
  return timedOut ? `${timeoutWords(job)}; ${words}` : words
}

function failureMessage(error: unknown, job: Job): string {
  if (error instanceof OpsError) return error.message
  return sqlState(error) === undefined ? messageOf(error) : toOpsError(error, `run ${job.name}`).message
}

/** The code and the advice of the error that ended a run before its steps; null if it has neither. */
function detailOf(cause: unknown, job: Job): Detail | null {
  if (!(cause instanceof OpsError) && sqlState(cause) === undefined) return null
  return {
    steps: {done: 0, skipped: 0, failed: 0, unfinished: 0},
    bytes: null,
    problems: [toOpsError(cause, `run ${job.name}`).toJSON()],
  }
}

export function timeoutWords(job: Job): string {
  return `${longerWords(job)} and was cancelled`
}

export function longerWords({timeout}: Job): string {
  return `it took longer than ${durationInWords({months: 0, days: 0, seconds: timeout / 1000})}`
}

/** The result of a claim that is not retried: a run by hand whose process died, or one of a paused or removed job. */
export function outcomeWithoutRetry(claim: Claim | TakenOver): FinalOutcome | null {
  if (!('claimedBefore' in claim)) return null
  const who = claim.claimedBefore ?? 'a daemon'
  const failed = (error: string): FinalOutcome => ({kind: 'ended', status: 'failed', reason: null, error, detail: null})
  if (claim.scheduledAt === null) return failed(`${who} stopped sending heartbeats while it ran this by hand`)
  if (claim.state === 'active') return null
  return failed(claim.error ?? `${who} stopped sending heartbeats during the run, and the job is now ${claim.state}`)
}
