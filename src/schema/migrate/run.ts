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

/** How long a run waits for another one before it gives up. */
export const lockTimeoutMs = 60_000

/** A step that must be done before a run can be locked and written down. */
export function isBootstrapStep(step: Step): boolean {
  return step.kind === 'extension' || step.object === 'schema qicore'
}

/** The steps that install the schema qicore or bring it up to date. */
export interface InstallPlan extends Plan {
  /** Why an older schema qicore stays as it is, with the command that replaces it; null where nothing is older. */
  note: string | null
}

/**
 * What the schema qicore lacks before a change: all of it on a database that has none, else the migrations and routines
 * that are newer here than there. A role that may not change the schema plans nothing and gets a note: what it has
 * works as it did.
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
    note: `The schema qicore is older than this program (${plan.steps.map(({id}) => id).join(', ')}), and this role does not own it. The owner runs: ${command('migrate up', [], {stream: 'core'})}`,
  }
}

/**
 * Runs the steps that must be done before a run can be locked and written down: the extension and the schema qicore.
 * The server is asked again afterwards.
 * @throws OpsError MIGRATION_FAILED
 */
export async function bootstrap(
  db: Database,
  plan: Plan,
  options: Pick<ExecuteOptions, 'limits' | 'onProgress'>,
): Promise<StepReport[]> {
  if (plan.steps.length === 0) return []
  const {steps} = await execute(db, {...plan, locks: []}, {...options, ledger: null})
  const failed = steps.find((step) => step.status === 'failed')
  if (failed)
    throw new OpsError('MIGRATION_FAILED', failed.error ?? `${failed.id} failed`, {
      exit: ExitCode.failed,
      suggestions:
        plan.steps.find(({id}) => id === failed.id)?.kind === 'extension'
          ? ['--engine postgres does without the extension.']
          : [],
    })
  // A connection that saw the extension being made does not have all of it yet.
  await (plan.steps.some((step) => step.kind === 'extension') ? db.reconnect() : db.probe())
  return steps
}

/** The whole of `migrate up` for programs: prepares, locks, writes the ledger, runs. The report holds every step. */
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
