import type {Job} from '../../config/jobs.js'
import {refuseInHalfState} from '../../db/condition.js'
import type {Database, Db} from '../../db/database.js'
import {prepared} from '../../db/load-sql.js'
import {isConnectionLost} from '../../db/sqlstate.js'
import {allInOrder} from '../../db/transaction.js'
import {OpsError} from '../../errors.js'
import {execute} from '../../run/execute.js'
import {lockWait} from '../../run/lock-wait.js'
import {takeRunLock} from '../../run/run-lock.js'
import type {Progress} from '../../run/run-step.js'
import {stepReport} from '../../run/step-report.js'
import {classOf, lockNames, type Plan, type StepReport} from '../../run/step.js'
import type {JobContext} from '../kind.js'
import {jobKind} from '../registry.js'
import {fenceOf, type Claim, type TakenOver} from '../store/claims.js'
import {stepLedger} from '../store/step-log.js'
import type {OccurrenceResult} from './outcome.js'
import type {AttemptOptions, AtWork} from './run-occurrence.js'

export interface DatabaseAttemptOptions extends AttemptOptions {
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
}

/** Milliseconds. A `sql` job may run every second, so its session is not probed each time. */
const probeEvery = 10_000
const probed = new WeakMap<Database, number>()

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

/** Plans the job and runs its steps on a database. */
export async function attempt(
  db: Database,
  job: Job,
  claim: Claim | TakenOver,
  options: DatabaseAttemptOptions,
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
      if (progress.event === 'start' || progress.event === 'end')
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
            if (error instanceof OpsError) at.lost()
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
  options: DatabaseAttemptOptions,
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
        `${claim.claimedBefore} stopped sending heartbeats during ${step.id}: the step may or may not have been ` +
          'done, and it is not "repeatable".',
      )
  }
}

function planned(id: string): StepReport {
  return stepReport({id}, 'planned', 0)
}
