import type {Database} from '../db/database.js'
import type {ExitCode} from '../errors.js'
import {requireKnownHazards} from '../run/hazards/refuse.js'
import type {LockWait} from '../run/lock-wait.js'
import type {Plan} from '../run/step.js'
import {installLine, type ChangeMode, type ChangeReport, type RunOptions} from './change.js'
import {confirmAndRun} from './confirm-and-run.js'
import {reportHead} from './report-head.js'

/** The command that changes a database, and how it asks, shows and stops. */
export interface ChangeRequest extends ChangeMode {
  /** The command, with spaces. */
  id: string
  lockWait(): Promise<LockWait>
}

/**
 * Shows a plan or asks for the required confirmation, runs it and reports. If the schema qicore, which holds the
 * record, is missing, its installation is the first part of the plan.
 * @throws OpsError for an unknown --accept, a plan that is not admitted, and a missing confirmation; nothing has been
 * changed then
 */
export async function changeDatabase(
  db: Database,
  plan: Plan,
  options: RunOptions,
  request: ChangeRequest,
): Promise<{report: ChangeReport; exitCode: ExitCode}> {
  const {flags, limits, report} = request
  const {isBootstrapStep, planInstall, bootstrap} = await import('../schema/migrate/run.js')
  if (!options.acceptsFindings) requireKnownHazards(flags.accept ?? [])
  const own = plan.steps.filter(isBootstrapStep)
  const install = options.installs || own.length > 0 || plan.steps.length === 0 ? null : await planInstall(db)
  if (install?.note) report(`Note: ${install.note}`)
  const steps = install?.steps ?? own
  if (install !== null && install.steps.length > 0)
    report(installLine(db.server.hasQicoreSchema, flags['dry-run'] ?? false))
  return confirmAndRun(db, plan, {
    ...request,
    kind: request.id.replaceAll(' ', '.'),
    head: await reportHead(db),
    previewed: options.previewed ?? false,
    lockWait: options.lockWait ?? (await request.lockWait()),
    resolveSession: options.resolveSession,
    preparation: {steps, run: () => bootstrap(db, {...plan, steps}, {limits}), replan: options.replan},
  })
}
