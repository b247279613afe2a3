import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {engineNamed} from '../../engines/index.js'
import {statement} from '../../db/sql.js'
import {ExitCode, OpsError} from '../../errors.js'
import {execute, type ExecuteOptions} from '../../run/execute.js'
import {openLedger, type RunOwner} from '../../run/run-log.js'
import {lockWait} from '../../run/lock-wait.js'
import {takeRunLock} from '../../run/run-lock.js'
import type {Plan, RunReport, Step, StepReport} from '../../run/step.js'
import {command} from '../../units/command.js'
import {planMigrations, type MigrationRequest} from './plan.js'
import {planFor} from './request.js'
import {migrationSources} from './source.js'

/** Milliseconds that a run waits for a concurrent run to finish. */
export const lockTimeoutMs = 60_000

/** Whether a step must be done before a run can be locked and recorded. */
export function isBootstrapStep(step: Step): boolean {
  return step.precedesRecord ?? false
}

/** The steps that install the schema qicore or update it. */
export interface InstallPlan extends Plan {
  /** Why an older schema qicore is not updated, with the command that updates it; null if it is current. */
  note: string | null
}

/**
 * Plans what the schema qicore lacks: all of it on a new database, otherwise the missing migrations and outdated
 * routines. For a role that may not change the schema the plan is empty and has a note: the installed version continues
 * to work.
 */
export async function planInstall(db: Database): Promise<InstallPlan> {
  const {extension} = engineNamed(db.server.engine)
  if (!db.server.hasQicoreSchema)
    return {
      ...(await planFor(db, {stream: 'core', engine: extension === null ? db.server.engine : undefined})).plan,
      note: null,
    }
  const sources = migrationSources(null).filter(({stream}) => stream === 'core')
  const plan = await planMigrations(db, {sources, engine: db.server.engine})
  if (plan.steps.length === 0) return {...plan, note: null}
  const [row] = await db.query<{may: boolean}>(
    statement(loadSql('schema/migrate/may-install'), [db.target.role ?? null]),
  )
  if (row?.may) return {...plan, note: null}
  return {
    ...plan,
    steps: [],
    note:
      `The schema qicore is older than this version of qicore-db (${plan.steps.map(({id}) => id).join(', ')}), and this role ` +
      `does not own it. The owner runs: ${command('migrate up', [], {stream: 'core'})}`,
  }
}

/** The error of an installation of the schema qicore that failed. */
export function installFailed({error}: Pick<StepReport, 'error'>): OpsError {
  return new OpsError('CORE_FAILED', `The qicore schema cannot be installed or updated: ${error}`, {
    suggestions: [
      `Run once, as a role that may create it: ${command('migrate up', [], {stream: 'core'})}`,
      'sql/roles.sql has the grants that other roles need afterwards.',
    ],
  })
}

/**
 * Runs the steps that must precede a locked and recorded run: the extension and the schema qicore. Re-reads the
 * server's properties afterwards.
 * @throws OpsError MIGRATION_FAILED if the extension cannot be created, CORE_FAILED
 */
export async function bootstrap(
  db: Database,
  plan: Plan,
  options: Pick<ExecuteOptions, 'limits' | 'onProgress'>,
): Promise<StepReport[]> {
  if (plan.steps.length === 0) return []
  const {steps} = await execute(db, {...plan, locks: []}, {...options, ledger: null})
  const failed = steps.find((step) => step.status === 'failed')
  if (failed && plan.steps.find(({id}) => id === failed.id)?.kind !== 'extension') throw installFailed(failed)
  if (failed)
    throw new OpsError('MIGRATION_FAILED', failed.error ?? `${failed.id} failed`, {
      exit: ExitCode.failed,
      suggestions: ['--engine postgres works without the extension.'],
    })
  // The connection that created the extension does not have all of it loaded.
  await (plan.steps.some((step) => step.kind === 'extension') ? db.reconnect() : db.probe())
  return steps
}

/** `migrate up` as one function for programs: bootstraps, locks, records and runs. The report has every step. */
export async function migrateUp(
  db: Database,
  request: MigrationRequest,
  owner: Omit<RunOwner, 'operation' | 'detail'>,
  options: Omit<ExecuteOptions, 'ledger' | 'fence'>,
): Promise<RunReport> {
  const whole = await planMigrations(db, request)
  const prepared = await bootstrap(db, {...whole, steps: whole.steps.filter(isBootstrapStep)}, options)
  const plan = await planMigrations(db, {
    ...request,
    createExtension: false,
    engine: request.createExtension ? db.server.engine : request.engine,
  })
  if (plan.steps.length === 0) return {operation: plan.operation, cutoff: null, steps: prepared, interrupted: false}
  const lock = await takeRunLock(db, plan.locks, `${owner.actor}, ${plan.operation}`, lockWait(lockTimeoutMs))
  try {
    const ledger = await openLedger(
      db,
      {...owner, operation: plan.operation, detail: {steps: plan.steps.length}},
      options.limits,
    )
    const report = await execute(db, plan, {...options, ledger, fence: lock.fence})
    return {...report, steps: [...prepared, ...report.steps]}
  } finally {
    await lock.release()
  }
}
