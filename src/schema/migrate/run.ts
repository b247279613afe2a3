import type {Database} from '../../db/database.js'
import {ExitCode, OpsError} from '../../errors.js'
import {execute, type ExecuteOptions} from '../../plan/execute.js'
import {openLedger, type RunOwner} from '../../plan/ledger.js'
import {takeRunLock} from '../../plan/run-lock.js'
import type {Plan, RunReport, Step, StepReport} from '../../plan/step.js'
import {planMigrations, type MigrationRequest} from './plan.js'
import {planFor} from './request.js'

/** How long a run waits for another one before it gives up. */
export const lockPatience = 60_000

/** A step that must be done before a run can be locked and written down. */
export function isPreparation(step: Step): boolean {
  return step.kind === 'extension' || step.object === 'schema qicore'
}

/** What is missing of the schema qicore before the first change of a database; no step where it is there. */
export async function planCore(db: Database): Promise<Plan> {
  return (await planFor(db, {stream: 'core', engine: db.server.engine === 'postgres' ? 'postgres' : undefined})).plan
}

/**
 * Does what must be there before a run can be locked and written down: the extension and the schema qicore. The
 * server is asked anew afterwards.
 * @throws OpsError MIGRATION_FAILED
 */
export async function prepare(db: Database, plan: Plan, options: Pick<ExecuteOptions, 'limits' | 'onProgress'>): Promise<StepReport[]> {
  const first = plan.steps.filter(isPreparation)
  if (first.length === 0) return []
  const {steps} = await execute(db, {...plan, locks: [], steps: first}, {...options, ledger: null})
  const failed = steps.find((step) => step.status === 'failed')
  if (failed)
    throw new OpsError('MIGRATION_FAILED', failed.error ?? `${failed.id} failed`, {
      exit: ExitCode.failed,
      suggestions: failed.id.startsWith('create extension') ? ['--engine postgres does without the extension.'] : [],
    })
  // A connection that saw the extension being made does not have all of it yet.
  await (first.some((step) => step.kind === 'extension') ? db.reconnect() : db.probe())
  return steps
}

/** The whole of `migrate up` for programs: prepares, locks, writes the ledger, runs. The report holds every step. */
export async function migrateUp(db: Database, request: MigrationRequest, owner: Omit<RunOwner, 'operation' | 'detail'>, options: Omit<ExecuteOptions, 'ledger' | 'fence'>): Promise<RunReport> {
  const prepared = await prepare(db, await planMigrations(db, request), options)
  const plan = await planMigrations(db, {...request, createExtension: false, engine: request.createExtension ? db.server.engine : request.engine})
  if (plan.steps.length === 0) return {operation: plan.operation, cutoff: null, steps: prepared, interrupted: false}
  const lock = await takeRunLock(db, plan.locks, `${owner.actor}, ${plan.operation}`, lockPatience)
  try {
    const ledger = await openLedger(db, {...owner, operation: plan.operation, detail: {steps: plan.steps.length}}, options.limits)
    const report = await execute(db, plan, {...options, ledger, fence: lock.fence})
    return {...report, steps: [...prepared, ...report.steps]}
  } finally {
    await lock.release()
  }
}
