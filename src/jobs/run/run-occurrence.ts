import type {Job} from '../../config/jobs.js'
import {refuseInHalfState} from '../../db/condition.js'
import type {Backend, Database, Db} from '../../db/database.js'
import {prepared} from '../../db/load-sql.js'
import {allInOrder} from '../../db/transaction.js'
import {isConnectionLost} from '../../db/sqlstate.js'
import {ExitCode, OpsError} from '../../errors.js'
import {jobKind} from '../registry.js'
import type {JobContext} from '../kind.js'
import {execute} from '../../run/execute.js'
import type {Progress} from '../../run/run-step.js'
import {lockWait, type LockWait} from '../../run/lock-wait.js'
import {takeRunLock} from '../../run/run-lock.js'
import {classOf, lockNames, type Plan, type StepReport} from '../../run/step.js'
import {stepReport} from '../../run/step-report.js'
import {longestTimer} from '../../units/timer.js'
import {inWindow} from '../../schedule/due.js'
import {fenceOf, type Claim, type TakenOver} from '../store/claims.js'
import {
  failure,
  outcomeOf,
  longerWords,
  wordsOf,
  type FinalOutcome,
  type Outcome,
  type StepAtWork,
  type OccurrenceResult,
  type TryState,
} from './outcome.js'
import {stepLedger} from '../store/step-log.js'

export interface OccurrenceOptions {
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  /** Seconds after which the server ends a transaction whose daemon is silent. */
  silence: number
  holder: string
  /** How long a plan waits for the lock of another run; 10 s by default. */
  lockWait?: LockWait | undefined
  /** The time by which schedules are evaluated, in milliseconds since 1970. */
  now(): number
  /** Whether this machine's clock and the server's differ too much to drop data by them. */
  skewed(): boolean
  /** When aborted, the running step completes and no further step starts. */
  stop: AbortSignal
  /** When aborted, the running statement is cancelled in the server too. */
  cancel: AbortSignal
  /** Aborted when another daemon has reclaimed the occurrence. */
  lost: AbortSignal
  onProgress?: (progress: Progress) => void
}

/** Milliseconds for a cancelled statement to end before its connection is closed. */
const cancelGrace = 10_000
/** The same while the daemon stops. */
const stopGrace = 1_000
/** Milliseconds. A `sql` job may run every second, so its session is not probed each time. */
const probeEvery = 10_000
const probed = new WeakMap<Database, number>()
/** The session was not usable from the start: the occurrence is released, and the attempt does not count. */
const notBegun: FinalOutcome = {kind: 'retry', seconds: 1, error: null, countsAsAttempt: false}
/** How often the window is checked, in milliseconds. */
const windowCheck = 5_000

/**
 * Makes one attempt at an occurrence. Never throws and always resolves: a hanging statement is abandoned together with
 * its connection.
 * @param giveUp called if the connection must not be used again
 */
export async function runOccurrence(
  db: Database,
  job: Job,
  claim: Claim | TakenOver,
  options: OccurrenceOptions,
  giveUp: () => void,
): Promise<Outcome> {
  const stop = linked(options.stop)
  const cancel = linked(options.cancel)
  const state: TryState = {lost: false, timedOut: false, windowClosed: false}
  const timeout = setTimeout(
    () => {
      state.timedOut = true
      stop.abort()
      cancel.abort()
    },
    Math.min(job.timeout, longestTimer),
  )
  const window = setInterval(() => {
    if (claim.scheduledAt === null || inWindow(job.window, job.timezone, options.now())) return
    state.windowClosed = true
    stop.abort()
  }, windowCheck)
  const lost = () => {
    state.lost = true
    stop.abort()
  }
  const takenAway = () => {
    lost()
    cancel.abort()
  }
  options.lost.addEventListener('abort', takenAway)
  const run = {...options, stop: stop.signal, cancel: cancel.signal}
  const stopped = (): FinalOutcome | null =>
    options.cancel.aborted && !state.timedOut ? {kind: 'retry', seconds: 0, error: null, countsAsAttempt: false} : null
  const hangs = [timeoutAfter(cancel.signal, cancelGrace), timeoutAfter(options.cancel, stopGrace)]
  const at: AtWork = {begun: false, step: null, backend: null}
  try {
    return await Promise.race([
      attempt(db, job, claim, run, lost, at).then(
        (result) => outcomeOf(job, claim, result, state, options.stop.aborted),
        (error: unknown): Outcome => {
          if (state.lost) return {kind: 'lost'}
          if (!at.begun && !state.timedOut && isUnreachable(error)) return notBegun
          return stopped() ?? failure(job, claim, wordsOf(error, job, state.timedOut), error)
        },
      ),
      Promise.race(hangs.map(({over}) => over)).then((): Outcome => {
        const backend = at.backend ?? db.backend
        giveUp()
        const failed = state.lost
          ? {kind: 'lost' as const}
          : (stopped() ?? failure(job, claim, `${longerWords(job)} and did not end when it was cancelled`, null))
        return {kind: 'unsettled', failed, step: at.step, backend}
      }),
    ])
  } finally {
    for (const hang of hangs) hang.release()
    options.lost.removeEventListener('abort', takenAway)
    clearTimeout(timeout)
    clearInterval(window)
    stop.release()
    cancel.release()
  }
}

/**
 * Probes the server again: since the session was opened, TimescaleDB's workers may have died, the extension may have
 * been updated, or a restore may have started. Reconnects a session that was lost while idle.
 */
async function ready(db: Database, job: Job): Promise<void> {
  if (job.kind === 'sql' && performance.now() - (probed.get(db) ?? -Infinity) <= probeEvery) return
  await db.probe().catch(async (error: unknown) => {
    if (!isConnectionLost(error)) throw error
    await db.reconnect()
  })
  probed.set(db, performance.now())
}

function isUnreachable(error: unknown): boolean {
  return isConnectionLost(error) || (error instanceof OpsError && error.exitCode === ExitCode.cannotConnect)
}

/** The step that is running now, in case it must be abandoned. */
interface AtWork {
  /** Whether the session was usable at the start: before that, a lost connection is not a failure of the job. */
  begun: boolean
  step: StepAtWork | null
  backend: Backend | null
}

async function attempt(
  db: Database,
  job: Job,
  claim: Claim | TakenOver,
  options: OccurrenceOptions,
  lost: () => void,
  at: AtWork,
): Promise<OccurrenceResult> {
  const kind = await jobKind(job.kind)
  const {context} = options
  await ready(db, job)
  at.begun = true
  refuseInHalfState(db.server)
  const work = await kind.plan(db, job.options, {
    ...context,
    job: job.name,
    leaveToCron: job.runner !== 'daemon' && claim.scheduledAt !== null,
    now: new Date(options.now()).toISOString(),
  })
  const reports: StepReport[] = []
  const claimFence = fenceOf(claim, options.silence)
  for (const [index, plan] of work.plans.entries()) {
    const lastPlan = work.plans.slice(index + 1).every(({steps}) => steps.length === 0)
    const onProgress = (progress: Progress) => {
      if (progress.event !== 'wait')
        at.step =
          progress.event === 'start'
            ? {id: progress.step.id, last: lastPlan && progress.position === progress.total - 1}
            : null
      at.backend = db.backend
      options.onProgress?.(progress)
    }
    if (options.stop.aborted) reports.push(...plan.steps.map(({id}) => planned(id)))
    else
      reports.push(
        ...(await runPlan(db, plan, reports.length, claim, {...options, onProgress}, async (tx) => {
          await claimFence(tx).catch((error: unknown) => {
            if (error instanceof OpsError) lost()
            throw error
          })
        })),
      )
  }
  return {reports, work, backend: at.backend}
}

async function runPlan(
  db: Database,
  plan: Plan,
  offset: number,
  claim: Claim | TakenOver,
  options: OccurrenceOptions,
  fence: (tx: Db) => Promise<void>,
): Promise<StepReport[]> {
  if (plan.steps.length === 0) return []
  if (classOf(plan) === 'loss' && options.skewed())
    throw new OpsError(
      'CLOCK_SKEW',
      `${plan.summary}: nothing is dropped while this machine's clock and the server's differ by more than a second.`,
    )
  const {limits} = options.context
  await refuseUnknown(db, plan, claim)
  const names = lockNames(plan)
  const lock =
    names.length > 0 ? await takeRunLock(db, names, options.holder, options.lockWait ?? lockWait(10_000)) : null
  try {
    const unknowable = new Set(plan.steps.filter(({doneCheck}) => doneCheck === null).map(({id}) => id))
    const known = {
      ...plan,
      steps: plan.steps.map((step) => ({
        ...step,
        doneCheck: step.doneCheck ?? prepared('jobs/step-done', [claim.id, step.id]),
      })),
    }
    const {steps} = await execute(db, known, {
      limits,
      ledger: stepLedger(db, claim, offset, limits),
      stop: options.stop,
      cancel: options.cancel,
      onUnsafe: 'skip',
      onProgress: options.onProgress,
      // A new claim has no completed steps; a reclaimed one may have.
      untouched: ({id}) => !('claimedBefore' in claim) && unknowable.has(id),
      fence: async (tx) => {
        await allInOrder([fence(tx), lock?.fence(tx)])
      },
    })
    return steps
  } finally {
    await lock?.release()
  }
}

/** A statement outside a transaction may have taken effect before its daemon died. @throws OpsError UNKNOWN */
async function refuseUnknown(db: Database, plan: Plan, claim: Claim | TakenOver): Promise<void> {
  if (!('claimedBefore' in claim) || claim.claimedBefore === null) return
  for (const step of plan.steps) {
    if (step.transaction === 'own' || step.repeatable || step.doneCheck !== null) continue
    const [row] = await db.query<{done: boolean}>(prepared('jobs/step-done', [claim.id, step.id]))
    if (!row!.done)
      throw new OpsError(
        'UNKNOWN',
        `${claim.claimedBefore} stopped sending heartbeats during ${step.id}: the step may or may not have been done, and it is not "repeatable".`,
      )
  }
}

function planned(id: string): StepReport {
  return stepReport({id}, 'planned', 0)
}

/** A controller that is aborted with a signal; `release` removes the listener. */
function linked(signal: AbortSignal): {signal: AbortSignal; abort(): void; release(): void} {
  const controller = new AbortController()
  const follow = () => controller.abort()
  if (signal.aborted) controller.abort()
  signal.addEventListener('abort', follow)
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    release: () => signal.removeEventListener('abort', follow),
  }
}

/** `over` resolves some milliseconds after the signal is aborted; `release` removes timer and listener. */
function timeoutAfter(signal: AbortSignal, milliseconds: number): {over: Promise<void>; release(): void} {
  let timer: NodeJS.Timeout | undefined
  let wait = () => {}
  const over = new Promise<void>((resolve) => {
    wait = () => void (timer = setTimeout(resolve, milliseconds))
    if (signal.aborted) wait()
    else signal.addEventListener('abort', wait)
  })
  return {
    over,
    release() {
      clearTimeout(timer)
      signal.removeEventListener('abort', wait)
    },
  }
}
