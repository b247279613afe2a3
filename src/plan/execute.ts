import {setTimeout as sleep} from 'node:timers/promises'
import type {Database, Db, TransactionSettings} from '../db/database.js'
import type {Statement} from '../db/sql.js'
import {isConnectionLost, retryable, serverWords, sqlState} from '../db/sqlstate.js'
import {messageOf, OpsError} from '../errors.js'
import {nameBlockers} from './blockers.js'
import type {Ledger, RunStatus} from './ledger.js'
import {lockTimeoutOf, retryDelay, type Limits} from './limits.js'
import type {Plan, RunReport, Step, StepReport} from './step.js'

export type Progress =
  | {event: 'start'; step: Step; position: number; total: number}
  | {event: 'wait'; step: Step; seconds: number; reason: string}
  | {event: 'end'; step: Step; position: number; total: number; report: StepReport}

export interface ExecuteOptions {
  limits: Limits
  ledger: Ledger | null
  /** Aborted: the running step is let finish, nothing further is begun. */
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** Runs first in every transaction of a step: where a scheduled run shows that its claim still holds. */
  fence?: ((tx: Db) => Promise<void>) | undefined
}

/**
 * Runs a plan: every step in a transaction of its own, asked first whether it is done already, retried while
 * somebody is in the way. Independent steps go on after a failure; those that depend on it are skipped.
 */
export async function execute(db: Database, plan: Plan, options: ExecuteOptions): Promise<RunReport> {
  const total = plan.steps.length
  const reports: StepReport[] = []
  const unfinished = new Set<string>()
  let interrupted = false
  for (const [position, step] of plan.steps.entries()) {
    const missing = step.dependsOn.find((id) => unfinished.has(id))
    if (options.signal?.aborted) interrupted = true
    if (interrupted || missing !== undefined) {
      unfinished.add(step.id)
      reports.push({...fate(step, interrupted ? 'planned' : 'skipped', 0), note: missing === undefined ? null : `needs ${missing}`})
      continue
    }
    options.onProgress?.({event: 'start', step, position, total})
    const report = await runStep(db, step, position, options)
    if (report.status === 'failed') unfinished.add(step.id)
    reports.push(report)
    options.onProgress?.({event: 'end', step, position, total, report})
  }
  interrupted ||= reports.some((report) => report.status === 'planned')
  await options.ledger?.finish(runStatus(reports, interrupted), reports.find((report) => report.error)?.error ?? null)
  return {operation: plan.operation, cutoff: plan.cutoff, steps: reports, interrupted}
}

/** What a plan would do now, changing nothing: steps that are done already show as skipped. */
export async function preview(db: Database, plan: Plan): Promise<RunReport> {
  const steps: StepReport[] = []
  for (const step of plan.steps) {
    const done = await isDone(db, step)
    steps.push({...fate(step, done ? 'skipped' : 'planned', 0), note: done ? 'already done' : null})
  }
  return {operation: plan.operation, cutoff: plan.cutoff, steps, interrupted: false}
}

async function runStep(db: Database, step: Step, position: number, options: ExecuteOptions): Promise<StepReport> {
  const {limits, ledger} = options
  const began = performance.now()
  const elapsed = () => Math.round(performance.now() - began)
  let reason = 'already done'
  for (let attempts = 1; ; attempts += 1) {
    try {
      if (await isDone(db, step)) {
        const report = {...fate(step, 'skipped', attempts - 1), ms: elapsed(), note: reason}
        await ledger?.stepEnded(position, report)
        return report
      }
      const report = (): StepReport => ({...fate(step, 'done', attempts), ms: elapsed(), bytes: step.bytes})
      await attempt(db, step, limits, options.fence, (tx) => ledger?.stepDone(tx, position, report()))
      if (step.transaction === 'none') await ledger?.stepEnded(position, report())
      return report()
    } catch (error) {
      reason = 'done by somebody else meanwhile'
      const state = sqlState(error)
      const delay = retryDelay(attempts, limits, Math.random())
      const mayRetry = state !== undefined && retryable.has(state) && elapsed() + delay < limits.retryBudget && !options.signal?.aborted
      const blockers = state !== undefined && retryable.has(state) ? await nameBlockers(db, step) : null
      if (mayRetry) {
        options.onProgress?.({event: 'wait', step, seconds: delay / 1000, reason: blockers ?? serverWords(error)})
        await sleep(delay)
        continue
      }
      if (!isConnectionLost(error) && (await isDone(db, step).catch(() => false))) continue
      const failed = {...fate(step, 'failed', attempts), ms: elapsed(), error: describe(error, step), note: blockers}
      await ledger?.stepEnded(position, failed).catch(() => {})
      return failed
    }
  }
}

/** @param last runs in the step's own transaction, so that what is recorded and what happened cannot differ */
async function attempt(db: Database, step: Step, limits: Limits, fence: ExecuteOptions['fence'], last: (tx: Db) => Promise<void> | undefined): Promise<void> {
  const settings: TransactionSettings = {
    readOnly: false,
    lockTimeout: lockTimeoutOf(step, limits),
    statementTimeout: 0,
    role: db.target.role,
    searchPath: step.searchPath,
  }
  if (step.transaction === 'none') {
    for (const [index, statement] of step.statements.entries()) await located(step, index, () => db.autocommit(settings, statement))
    return
  }
  await db.transaction(settings, async (tx) => {
    await fence?.(tx)
    for (const [index, statement] of step.statements.entries()) await located(step, index, () => tx.query(statement))
    await last(tx)
  })
}

const places = new WeakMap<object, string>()

/** Remembers which statement of a file failed, and the line in it where the server says. */
async function located<T>(step: Step, index: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const source = step.source
    if (source && error instanceof Error) {
      const {position} = error as {position?: string}
      const text = step.statements[index]?.text ?? ''
      const into = position ? text.slice(0, Number(position) - 1).split('\n').length - 1 : 0
      places.set(error, `${source.file}:${(source.lines[index] ?? 1) + into}`)
    }
    throw error
  }
}

async function isDone(db: Database, step: Step): Promise<boolean> {
  if (step.doneCheck === null) return false
  const [row] = await db.query<{done: boolean}>(step.doneCheck as Statement)
  return row?.done === true
}

function describe(error: unknown, step: Step): string {
  const words = error instanceof OpsError ? messageOf(error) : serverWords(error)
  const place = error instanceof Error ? places.get(error) : undefined
  return place ? `${place}: ${words}` : `${step.object}: ${words}`
}

function fate(step: Step, status: StepReport['status'], attempts: number): StepReport {
  return {id: step.id, status, ms: null, bytes: null, error: null, note: null, attempts}
}

function runStatus(reports: readonly StepReport[], interrupted: boolean): RunStatus {
  if (interrupted) return 'interrupted'
  const failed = reports.filter((report) => report.status === 'failed').length
  if (failed === 0) return 'done'
  return reports.some((report) => report.status === 'done') ? 'partly' : 'failed'
}
