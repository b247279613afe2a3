import {setTimeout as sleep} from 'node:timers/promises'
import type {Database, Db, Notice, TransactionSettings} from '../db/database.js'
import {pipelined} from '../db/transaction.js'
import {
  isConnectionLost,
  isNodeLost,
  retryable,
  retryableOf,
  serverMessage,
  sqlState,
  SqlState,
} from '../db/sqlstate.js'
import {messageOf, OpsError} from '../errors.js'
import {movesShards, nameBlockers} from './blockers.js'
import {AlreadyDoneError, skipIfDone} from './guard.js'
import type {Ledger} from './run-log.js'
import {lockTimeoutOf, retryDelay, type Limits} from './limits.js'
import {stepReport, isDone} from './step-report.js'
import type {Step, StepReason, StepReport} from './step.js'

export type Progress =
  | {event: 'start'; step: Step; position: number; total: number}
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

/** The state of a step over all its attempts. */
export interface AttemptState {
  attempts: number
  /** Milliseconds spent in attempts and retry delays; time used by other steps in between does not count. */
  elapsedMs: number
  /** The connection was lost during one of the attempts. */
  lost: boolean
}

/** The step must be retried in this many seconds. */
export interface RetryLater {
  later: number
}

/** What to do after a failed attempt. */
type RetryDecision =
  | {again: true; seconds: number; reason: string; reconnect: boolean}
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
  const obstacle = await obstacleOf(db, step, error)
  if (obstacle !== null)
    return isWithin(blockedBudget)
      ? {again: true, seconds: delay / 1000, reason: obstacle.words, reconnect: false}
      : {again: false, reason: {code: obstacle.code}, blockers: obstacle.blockers}
  // It is not a failure if another process has done the step in the meantime.
  if (!(error instanceof OpsError) && (await isDone(db, step).catch(() => false)))
    return {again: true, seconds: 0, reason: '', reconnect: false}
  return {again: false, reason: sqlState(error) === SqlState.noPrivilege ? {code: 'no_privilege'} : null}
}

interface Obstacle {
  code: 'blocked' | 'node_unreachable'
  words: string
  blockers: string | null
}

/** What prevented the step and may end by itself, while this session is in order; null for any other error. */
async function obstacleOf(db: Database, step: Step, error: unknown): Promise<Obstacle | null> {
  if (isNodeLost(error))
    return {code: 'node_unreachable', words: `a node is unreachable: ${serverMessage(error)}`, blockers: null}
  const state = sqlState(error)
  if (state === SqlState.internalError && (await movesShards(db))) {
    const words = 'Citus moves shards between nodes: select * from citus_rebalance_status()'
    return {code: 'blocked', words, blockers: words}
  }
  if (state === undefined || !retryable.has(state)) return null
  const blockers = await nameBlockers(db, step)
  return {code: 'blocked', words: blockers ?? serverMessage(error), blockers}
}

/**
 * When a hypertable is created, TimescaleDB warns about each column of type varchar or timestamp: advice on types that
 * the author of the table has chosen. Every warning has SQLSTATE 01000, so only the name of the C function that raises
 * it identifies it; the name is the same in 2.22 to 2.29.
 */
function isAdviceOnly(routine: string | null): boolean {
  return routine === 'ts_validate_basetable_columns'
}

interface Attempt {
  /** Whether the step may already be done, so that the done check must run. */
  ask: boolean
  done(): StepReport
  /** The report if the done check was true. */
  found(): StepReport
}

/**
 * The step is recorded in its own transaction, so that the record always matches what happened. Fence, done check,
 * statements and record are pipelined: a step takes one round trip.
 */
async function attempt(
  own: Database,
  db: Database,
  step: Step,
  position: number,
  options: StepOptions,
  {ask, done, found}: Attempt,
): Promise<StepReport> {
  const {fence, ledger} = options
  const warnings: string[] = []
  const onNotice = ({severity, message, routine}: Notice) => {
    if (severity === 'WARNING' && !isAdviceOnly(routine)) warnings.push(message)
  }
  const report = (): StepReport => ({
    ...done(),
    note: warnings.length > 0 ? warnings.map((warning) => `warning from the server: ${warning}`).join('; ') : null,
  })
  const settings: TransactionSettings = {
    readOnly: false,
    lockTimeout: lockTimeoutOf(step, options.limits),
    statementTimeout: 0,
    role: db.target.role,
    searchPath: step.searchPath,
    onNotice,
  }
  const statements = (tx: Db) => step.statements.map((statement, index) => located(step, index, tx.query(statement)))
  if (db === own && step.transaction === 'own') {
    const open = ask && step.doneCheck !== null ? skipIfDone(step.doneCheck) : undefined
    try {
      await pipelined(db, settings, (tx) => [
        fence?.(tx),
        open?.(tx),
        ...statements(tx),
        ledger?.stepDone(tx, position, done()),
      ])
    } catch (error) {
      if (!(error instanceof AlreadyDoneError)) throw error
      const final = found()
      await ledger?.stepEnded(position, final)
      return final
    }
    const final = report()
    // The step is done even if the note cannot be stored.
    if (final.note !== null) await ledger?.stepNoted(step.id, final.note).catch(() => {})
    return final
  }
  const already = ask && (await isDone(db, step))
  if (!already) {
    // The fence cannot be in the same transaction: the step is in another database, or its statements refuse one.
    if (fence) await own.transaction({...settings, onNotice: undefined}, fence)
    if (db !== own) await pipelined(db, settings, statements)
    else await outsideTransaction(db, step, settings)
  }
  const final = already ? found() : report()
  await ledger?.stepEnded(position, final)
  return final
}

async function outsideTransaction(db: Database, step: Step, settings: TransactionSettings): Promise<void> {
  const last = step.statements.length - 1
  try {
    for (const [index, statement] of step.statements.entries())
      await located(step, index, db.autocommit(settings, statement, index === last ? step.followUp : undefined))
  } catch (error) {
    if (step.cleanUp) await db.autocommit({...settings, onNotice: undefined}, step.cleanUp).catch(() => {})
    throw error
  }
}

const places = new WeakMap<object, string>()

/** Remembers the file and line of a failed statement; the line is exact if the server reports a position. */
async function located<T>(step: Step, index: number, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const source = step.source
    if (source && error instanceof Error) {
      const {position} = error as {position?: string}
      const text = step.statements[index]?.text ?? ''
      const into = position
        ? [...text]
            .slice(0, Number(position) - 1)
            .join('')
            .split('\n').length - 1
        : 0
      places.set(error, `${source.file}:${(source.lines[index] ?? 1) + into}`)
    }
    throw error
  }
}

function describe(error: unknown, step: Step): string {
  const words = error instanceof OpsError ? messageOf(error) : serverMessage(error)
  const place = error instanceof Error ? places.get(error) : undefined
  if (place !== undefined) return `${place}: ${words}`
  return step.errorsNameObject === true && !(error instanceof OpsError) ? words : `${step.object}: ${words}`
}
