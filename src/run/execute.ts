import {setTimeout as sleep} from 'node:timers/promises'
import {refuseInHalfState} from '../db/condition.js'
import type {Database} from '../db/database.js'
import {isConnectionLost, serverMessage} from '../db/sqlstate.js'
import {tryStep, type SessionResolver, type StepOptions} from './run-step.js'
import {notAccepted, refuseUnsafe, unsafeMessage, unsafeSteps} from './hazards/refuse.js'
import {stepReport} from './step-report.js'
import {StepQueue} from './step-queue.js'
import {readDone} from './done-checks.js'
import type {RunStatus} from './run-log.js'
import {retryDelay} from './limits.js'
import type {Plan, RunReport, StepReport} from './step.js'

export interface ExecuteOptions extends StepOptions {
  /** Number of parallel sessions; the embedded engine always has one. */
  workers?: number
  /** When aborted, running steps complete and no further step starts. */
  stop?: AbortSignal | undefined
  /** When aborted, running statements are cancelled in the server too. */
  cancel?: AbortSignal | undefined
  /**
   * What becomes of steps that a known defect makes unsafe: nothing of the plan is run, or only these are left out, for
   * a run that no person waits for. Without it the plan is refused.
   */
  onUnsafe?: 'refuse' | 'skip'
}

/** Milliseconds. */
const cancelAgain = 1_000

/**
 * Runs the steps of a plan in order, each in its own transaction, unless its done check is true. A step that another
 * session blocks is retried later, while the following steps continue. After a failure, steps that depend on the failed
 * one are skipped; the others continue.
 * @throws OpsError with the code of the database condition that forbids changes, or HAZARD, before anything is changed
 */
export async function execute(db: Database, plan: Plan, options: ExecuteOptions): Promise<RunReport> {
  refuseInHalfState(db.server, plan)
  const reports = await refusedSteps(db, plan, options)
  const signals = [options.stop, options.cancel].filter((signal) => signal !== undefined)
  const queue = new StepQueue(plan, reports, signals)
  const sessions = [db]
  const wanted = db.server.embedded ? 1 : Math.min(options.workers ?? 1, plan.steps.length)
  // A cancel request that arrives between statements is lost, so it is resent every second until all workers have
  // finished. Pending requests are awaited, because a late one would cancel the session's next statement.
  let cancelling: NodeJS.Timeout | undefined
  let sent: Promise<unknown> = Promise.resolve()
  const cancel = () => {
    sent = Promise.allSettled([sent, ...sessions.map((worker) => worker.cancel())])
    cancelling ??= setInterval(cancel, cancelAgain)
  }
  if (options.cancel?.aborted) cancel()
  options.cancel?.addEventListener('abort', cancel)
  try {
    while (sessions.length < wanted) sessions.push(await db.openSession())
    await Promise.all(sessions.map((worker) => work(worker, queue, plan.steps.length, options)))
  } finally {
    queue.close()
    options.cancel?.removeEventListener('abort', cancel)
    clearInterval(cancelling)
    await sent
    await Promise.allSettled(sessions.slice(1).map((worker) => worker.close()))
  }
  const steps = plan.steps.map((step) => reports.get(step.id) ?? stepReport(step, 'planned', 0))
  const interrupted = steps.some((step) => step.status === 'planned') || (options.cancel?.aborted ?? false)
  const unwritten = await finishRun(
    db,
    options,
    runStatus(steps, interrupted),
    steps.find((step) => step.error)?.error ?? null,
  )
  const last = steps.at(-1)
  if (unwritten !== null && last)
    steps[steps.length - 1] = {...last, note: [last.note, unwritten].filter(Boolean).join('; ')}
  return {operation: plan.operation, cutoff: plan.cutoff, steps, interrupted}
}

/** The reports of the unsafe steps that are left out. @throws OpsError HAZARD */
async function refusedSteps(
  db: Database,
  plan: Plan,
  {limits, ledger, onUnsafe}: ExecuteOptions,
): Promise<Map<string, StepReport>> {
  const unsafe = notAccepted(await unsafeSteps(db, plan), limits.acceptedHazards)
  if (onUnsafe !== 'skip' && unsafe.length > 0) {
    await ledger?.finish('failed', unsafe.map(unsafeMessage).join('; '))
    refuseUnsafe(unsafe)
  }
  const reports = new Map<string, StepReport>()
  for (const each of unsafe) {
    const refused = stepReport(each.step, 'skipped', 0, {code: 'refused', hazard: each.hazard.id})
    const report = {...refused, note: unsafeMessage(each)}
    reports.set(each.step.id, report)
    await ledger?.stepEnded(plan.steps.indexOf(each.step), report)
  }
  return reports
}

/**
 * Closes the run record, and reconnects if the connection was lost after the last step: the completed steps must still
 * be reported. Returns a note if the record could not be closed; otherwise null.
 */
async function finishRun(
  db: Database,
  {ledger, limits}: ExecuteOptions,
  status: RunStatus,
  error: string | null,
): Promise<string | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ledger?.finish(status, error)
      return null
    } catch (failure) {
      if (!isConnectionLost(failure)) throw failure
      if (attempt > 3 || db.server.embedded) return `the run is not closed in the ledger: ${serverMessage(failure)}`
      if (attempt > 1) await sleep(retryDelay(attempt, limits, Math.random()))
      await db.reconnect().catch(() => {})
    }
  }
}

/** What a plan would do now; changes nothing. Steps that are already done are reported as skipped. */
export async function preview(db: Database, plan: Plan, resolveSession?: SessionResolver): Promise<RunReport> {
  refuseInHalfState(db.server, plan)
  const done = await readDone(db, plan.steps, resolveSession)
  const steps = plan.steps.map((step) =>
    done.has(step) ? stepReport(step, 'skipped', 0, {code: 'already_done'}) : stepReport(step, 'planned', 0),
  )
  return {operation: plan.operation, cutoff: plan.cutoff, steps, interrupted: false}
}

async function work(db: Database, queue: StepQueue, total: number, options: ExecuteOptions): Promise<void> {
  for (let entry = await queue.next(); entry !== null; entry = await queue.next()) {
    const {step, position, attempt} = entry
    if (attempt.attempts === 0) options.onProgress?.({event: 'start', step, position, total})
    const report = await tryStep(db, step, position, attempt, options)
    if ('later' in report) {
      queue.retry(entry, report.later)
      continue
    }
    queue.end(entry, report)
    options.onProgress?.({event: 'end', step, position, total, report})
  }
}

function runStatus(steps: readonly StepReport[], interrupted: boolean): RunStatus {
  if (interrupted) return 'interrupted'
  if (!steps.some((step) => step.status === 'failed')) return 'done'
  return steps.some((step) => step.status === 'done') ? 'partial' : 'failed'
}
