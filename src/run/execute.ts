import {setTimeout as sleep} from 'node:timers/promises'
import {refuseInHalfState} from '../db/condition.js'
import type {Database} from '../db/database.js'
import {isConnectionLost, serverMessage} from '../db/sqlstate.js'
import {tryStep, type SessionResolver, type StepOptions, type AttemptState} from './run-step.js'
import {notAccepted, refuseUnsafe, unsafeMessage, unsafeSteps} from './hazards/refuse.js'
import {stepReport} from './step-report.js'
import {readDone} from './done-checks.js'
import type {RunStatus} from './run-log.js'
import {retryDelay} from './limits.js'
import type {Plan, RunReport, Step, StepReport} from './step.js'

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
  refuseInHalfState(db.server, plan.tables)
  const reports = await refusedSteps(db, plan, options)
  const schedule = scheduleOf(plan, reports, options)
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
    await Promise.all(sessions.map((worker) => work(worker, schedule, options)))
  } finally {
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
  refuseInHalfState(db.server, plan.tables)
  const done = await readDone(db, plan.steps, resolveSession)
  const steps = plan.steps.map((step) =>
    done.has(step) ? stepReport(step, 'skipped', 0, {code: 'already_done'}) : stepReport(step, 'planned', 0),
  )
  return {operation: plan.operation, cutoff: plan.cutoff, steps, interrupted: false}
}

interface RunningStep {
  step: Step
  position: number
  attempt: AttemptState
  /** The earliest time to start it, by performance.now(). */
  notBefore: number
}

interface Schedule {
  total: number
  /** The next step whose dependencies are met; null if none is left. Waits for running steps and for retries. */
  next(): Promise<RunningStep | null>
  /** Returns an entry to the queue, to be retried after this many seconds. */
  later(entry: RunningStep, seconds: number): void
  settle(step: Step, report: StepReport): void
}

/** Reasons of a skipped step without whose effect those that depend on it make no sense. */
const leftOut: ReadonlySet<string> = new Set(['needs', 'refused'])

function scheduleOf(plan: Plan, reports: Map<string, StepReport>, options: ExecuteOptions): Schedule {
  const waiting: RunningStep[] = plan.steps
    .map((step, position) => ({
      step,
      position,
      attempt: {attempts: 0, elapsedMs: 0, lost: false},
      notBefore: 0,
    }))
    .filter(({step}) => !reports.has(step.id))
  let running = 0
  const wake = new Set<() => void>()
  const wakeAll = () => {
    for (const resume of wake) resume()
    wake.clear()
  }
  const settle = (step: Step, report: StepReport) => {
    reports.set(step.id, report)
    wakeAll()
  }
  const failedNeed = ({dependsOn}: Step) =>
    dependsOn.find((id) => reports.get(id)?.status === 'failed' || leftOut.has(reports.get(id)?.reason?.code ?? ''))
  const known = new Set(plan.steps.map((step) => step.id))
  const hasTurn = ({dependsOn, after = []}: Step) =>
    [...dependsOn, ...after].every((id) => !known.has(id) || reports.has(id))
  const take = () => {
    for (const [index, entry] of waiting.entries()) {
      const need = failedNeed(entry.step)
      if (need !== undefined) {
        waiting.splice(index, 1)
        settle(entry.step, stepReport(entry.step, 'skipped', 0, {code: 'needs', step: need}))
        return take()
      }
      if (entry.notBefore > performance.now() || !hasTurn(entry.step)) continue
      waiting.splice(index, 1)
      return entry
    }
    return null
  }
  /** Resolves when a step ends or when the next retry is due. */
  const change = async () => {
    const turns = waiting.map(({notBefore}) => notBefore).filter((at) => at > 0)
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      wake.add(resolve)
      if (turns.length > 0) timer = setTimeout(resolve, Math.max(1, Math.min(...turns) - performance.now()))
    })
    clearTimeout(timer)
  }
  for (const signal of [options.stop, options.cancel]) signal?.addEventListener('abort', wakeAll, {once: true})
  return {
    total: plan.steps.length,
    async next() {
      for (;;) {
        if (options.stop?.aborted || options.cancel?.aborted) return null
        const entry = take()
        if (entry) {
          running += 1
          return entry
        }
        if (waiting.length === 0 || (running === 0 && waiting.every(({notBefore}) => notBefore === 0))) return null
        await change()
      }
    },
    later(entry, seconds) {
      running -= 1
      waiting.push({...entry, notBefore: performance.now() + seconds * 1000})
      waiting.sort((a, b) => a.position - b.position)
      wakeAll()
    },
    settle(step, report) {
      running -= 1
      settle(step, report)
    },
  }
}

async function work(db: Database, schedule: Schedule, options: ExecuteOptions): Promise<void> {
  const {total} = schedule
  for (let entry = await schedule.next(); entry !== null; entry = await schedule.next()) {
    const {step, position, attempt} = entry
    if (attempt.attempts === 0) options.onProgress?.({event: 'start', step, position, total})
    const report = await tryStep(db, step, position, attempt, options)
    if ('later' in report) {
      schedule.later(entry, report.later)
      continue
    }
    schedule.settle(step, report)
    options.onProgress?.({event: 'end', step, position, total, report})
  }
}

function runStatus(steps: readonly StepReport[], interrupted: boolean): RunStatus {
  if (interrupted) return 'interrupted'
  if (!steps.some((step) => step.status === 'failed')) return 'done'
  return steps.some((step) => step.status === 'done') ? 'partial' : 'failed'
}
