import {hostname} from 'node:os'
import {inline} from '../db/sql.js'
import type {Database} from '../db/database.js'
import {ExitCode} from '../errors.js'
import {exitCodeOf} from '../run/exit-code.js'
import {execute, preview} from '../run/execute.js'
import {
  notAccepted,
  refuseUnsafe,
  unsafeMessage,
  unsafeSteps,
  withAcceptedLoss,
  type UnsafeStep,
} from '../run/hazards/refuse.js'
import {refuseWithoutSession} from '../run/needs-session.js'
import {openLedger} from '../run/run-log.js'
import type {LockWait} from '../run/lock-wait.js'
import type {SessionResolver} from '../run/run-step.js'
import {takeRunLock} from '../run/run-lock.js'
import {toScript} from '../run/script.js'
import {classOf, lockNames, type Plan, type RunReport, type Step, type StepReport} from '../run/step.js'
import {actorOf} from './actor.js'
import type {ChangeMode, ChangeReport} from './change.js'
import {consentTarget, requireConsent} from './confirm.js'
import {signalsOf} from './interrupts.js'
import {planProgress} from './progress.js'
import {listSteps, renderRun} from './render/run.js'
import {stderrWidth, terminal} from './terminal.js'

export interface ConfirmAndRunOptions extends ChangeMode {
  kind: string
  head: {version: 1; target: string; at: string}
  /** The changes have already been shown. */
  previewed: boolean
  /** The wait for another run's lock. */
  lockWait: LockWait
  /** Prerequisites of a locked and recorded run: the schema qicore, the extension. */
  preparation: Preparation
  /** Opens sessions in other databases of the server, for steps that name one. */
  resolveSession?: SessionResolver | undefined
}

export interface Preparation {
  steps: readonly Step[]
  run(): Promise<readonly StepReport[]>
  /** Plans again, if the preparation changes the engine of the server. */
  replan?: (() => Promise<Plan>) | undefined
}

/** Executes a plan: preview or confirmation, execution with progress and ledger, report and exit code. */
export async function confirmAndRun(
  db: Database,
  whole: Plan,
  options: ConfirmAndRunOptions,
): Promise<{report: ChangeReport; exitCode: ExitCode}> {
  const {flags, limits, preparation} = options
  const cut = (steps: readonly Step[]) => steps.slice(0, flags['at-most'] ?? steps.length)
  const main = whole.steps.filter((step) => !preparation.steps.includes(step))
  const asked = {...whole, steps: [...preparation.steps, ...cut(main)]}
  // Asked here too: a person must not be asked to confirm what is then refused.
  const unsafe = await unsafeSteps(db, asked)
  const open = notAccepted(unsafe, limits.acceptedHazards)
  if (!flags['dry-run']) {
    refuseUnsafe(open)
    refuseWithoutSession(db, asked)
  }
  const plan = withAcceptedLoss(asked, unsafe, flags.accept ?? [])
  options.admit?.(plan)
  const hazards = unsafe.map((each) => hazardOf(each, !open.includes(each)))
  if (flags['dry-run']) {
    for (const each of open) options.report(`! A run would be refused: ${unsafeMessage(each)}`)
    const run = await preview(db, plan, options.resolveSession)
    const pending = {...plan, steps: plan.steps.filter((_, index) => run.steps[index]?.status === 'planned')}
    if (!options.json && options.sql) options.printRaw(toScript(pending, limits, db.server.database).trimEnd())
    else if (!options.json && !options.previewed && pending.steps.length > 0)
      options.report(listSteps(pending, stderrWidth()))
    options.report(
      `Dry run: ${pending.steps.length} ${pending.steps.length === 1 ? 'step' : 'steps'} to do, nothing ` +
        `changed.${options.json || options.sql ? '' : ' The SQL: add --sql.'}`,
    )
    return {report: withHazards(reportOf(options, plan, run, true), hazards), exitCode: 0}
  }
  if (plan.steps.length > 0) {
    const show = () => options.report(listSteps(plan, stderrWidth()))
    await requireConsent(
      classOf(plan),
      consentTarget(db.target, db.server),
      {yes: flags.yes ?? false, confirm: flags.confirm},
      options.interactive,
      show,
    )
  }
  const prepared = preparation.steps.length > 0 ? await preparation.run() : []
  // The whole plan was confirmed, so the remaining steps need no second confirmation, even if they are planned again
  // after the preparation.
  const rest = prepared.length > 0 && preparation.replan ? await preparation.replan() : {...whole, steps: main}
  const after = {...rest, steps: cut(rest.steps)}
  const run = await runPlan(db, after, options)
  const both = {...run, steps: [...prepared, ...run.steps]}
  const shown = {...after, steps: [...preparation.steps, ...after.steps]}
  if (!options.json) options.print(renderRun(shown, both, terminal().width, preparation.steps.length))
  const exitCode = exitCodeOf(both)
  if (exitCode === ExitCode.lockHeld) options.report(blockedLine)
  return {report: withHazards(reportOf(options, shown, both, false), hazards), exitCode}
}

/** Behind the steps, of which each names the sessions that blocked it. */
const blockedLine = 'Nothing was done: other sessions hold the locks. Repeat it later, or wait longer: --wait 10min'

type ReportedHazard = NonNullable<ChangeReport['hazards']>[number]

function hazardOf({step, hazard}: UnsafeStep, accepted: boolean): ReportedHazard {
  return {id: hazard.id, step: step.id, object: step.object, accepted}
}

function withHazards(report: ChangeReport, hazards: ReportedHazard[]): ChangeReport {
  return hazards.length === 0 ? report : {...report, hazards}
}

async function runPlan(db: Database, plan: Plan, options: ConfirmAndRunOptions): Promise<RunReport> {
  if (plan.steps.length === 0) return {operation: plan.operation, cutoff: plan.cutoff, steps: [], interrupted: false}
  const actor = actorOf(db.server)
  const lock =
    db.server.hasQicoreSchema && lockNames(plan).length > 0
      ? await takeRunLock(db, lockNames(plan), `${actor}, ${plan.operation}`, options.lockWait)
      : null
  const detail = {summary: plan.summary, steps: plan.steps.length, tables: plan.tables}
  const ledger = await openLedger(
    db,
    {operation: plan.operation, actor, targetHost: db.server.host ?? hostname(), detail},
    options.limits,
  )
  const progress = options.quiet ? null : planProgress(process.stderr)
  const signals = signalsOf(options)
  try {
    return await execute(db, plan, {
      limits: options.limits,
      ledger,
      workers: options.flags.workers ?? 1,
      stop: signals.stop,
      cancel: signals.cancel,
      onProgress: progress ?? undefined,
      resolveSession: options.resolveSession,
      fence: lock?.fence,
    })
  } finally {
    progress?.stop()
    signals.release()
    await lock?.release()
  }
}

function reportOf(options: ConfirmAndRunOptions, plan: Plan, run: RunReport, dryRun: boolean): ChangeReport {
  const steps = run.steps.map((step, index) => {
    const planned = plan.steps[index]!
    const sql = dryRun
      ? {sql: planned.statements.map(inline).join(';\n'), lock: planned.lock, class: planned.class}
      : {}
    return {
      id: step.id,
      status: step.status,
      ms: step.ms,
      bytes: step.bytes,
      error: step.error,
      retryable: step.retryable ?? null,
      reason: step.reason,
      note: step.note,
      ...sql,
    }
  })
  return {kind: options.kind, ...options.head, dryRun, cutoff: run.cutoff, steps}
}
