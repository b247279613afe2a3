import {partitionRules} from '../config/partitions.js'
import type {Config} from '../config/load.js'
import type {Job} from '../config/jobs.js'
import {inline} from '../db/sql.js'
import type {Database} from '../db/database.js'
import {ExitCode, OpsError, withAdvice, type ErrorDocument} from '../errors.js'
import type {JobContext} from '../jobs/kind.js'
import {execute} from '../run/execute.js'
import {exitCodeOfFailure} from '../run/exit-code.js'
import {
  notAccepted,
  refuseUnsafe,
  requireKnownHazards,
  unsafeMessage,
  unsafeSteps,
  withAcceptedLoss,
} from '../run/hazards/refuse.js'
import type {Limits} from '../run/limits.js'
import type {LockWait} from '../run/lock-wait.js'
import {toScript} from '../run/script.js'
import {classOf, type Plan, type StepReport} from '../run/step.js'
import {command} from '../units/command.js'
import {formatInstant, instantFromMillis} from '../units/instant.js'
import {actorOf} from './actor.js'
import type {ChangeMode} from './change.js'
import {consentTarget, requireConsent} from './confirm.js'
import {signalsOf} from './interrupts.js'
import {planProgress} from './progress.js'
import {listSteps, renderRun} from './render/run.js'
import {stderrWidth, terminal} from './terminal.js'

export interface JobRunOptions extends ChangeMode {
  config: Config | null
  /** The wait for another run's lock. */
  lockWait?: LockWait | undefined
  version: string
  at: string
}

type Step = Pick<StepReport, 'id' | 'status' | 'ms' | 'bytes' | 'error' | 'retryable' | 'reason' | 'note'> & {
  sql?: string
  lock?: string
  class?: string
}

export interface JobRunResult {
  status: 'planned' | 'done' | 'failed' | 'skipped' | 'interrupted'
  reason: string | null
  error: string | null
  notes: readonly string[]
  /** Why parts of the job cannot be done; of a dry run, why they could not be. */
  problems: readonly ErrorDocument[]
  steps: Step[]
  exitCode: ExitCode
}

/** The plan of a manual run, with the messages before it. */
interface PlannedRun {
  context: RunContext
  /** Installs the schema qicore if necessary. */
  install: Plan
  plans: readonly Plan[]
  notes: readonly string[]
  problems: readonly OpsError[]
  /** About the schema qicore. */
  installNote: string | null
}

type RunContext = Omit<JobContext, 'now' | 'job' | 'leaveToCron'>

/** Runs a job manually: plan, confirmation, and the same run that a daemon would make. */
export async function runJobOnce(db: Database, job: Job, options: JobRunOptions): Promise<JobRunResult> {
  requireKnownHazards(options.flags.accept ?? [])
  const run = await planRun(db, job, options)
  for (const note of run.notes) options.report(note)
  for (const problem of run.problems) options.report(`! ${withAdvice(problem)}`)
  if (run.installNote !== null) options.report(`Note: ${run.installNote}`)
  options.admit?.(wholePlan(job, run))
  if (options.flags['dry-run']) await reportUnsafe(db, wholePlan(job, run), options)
  return options.flags['dry-run'] ? dryRun(job, run, options) : confirmAndRun(db, job, run, options)
}

async function reportUnsafe(db: Database, plan: Plan, {limits, report}: JobRunOptions): Promise<void> {
  for (const each of notAccepted(await unsafeSteps(db, plan), limits.acceptedHazards))
    report(`! A run would be refused: ${unsafeMessage(each)}`)
}

async function planRun(db: Database, job: Job, {config, limits, at}: JobRunOptions): Promise<PlannedRun> {
  const [{enforcedNotes}, {jobKind}, {planInstall}, {retainNotes}] = await Promise.all([
    import('../jobs/kind.js'),
    import('../jobs/registry.js'),
    import('../schema/migrate/run.js'),
    import('../jobs/kinds/retain.js'),
  ])
  const context: RunContext = {
    limits,
    sections: {tables: config?.tables ?? {}, aggregates: config?.aggregates ?? {}},
    partitions: (all: boolean) => partitionRules(config, all),
  }
  const kind = await jobKind(job.kind)
  const work = await kind.plan(db, job.options, {...context, job: job.name, leaveToCron: false, now: at})
  const install = await planInstall(db)
  const notes = [
    ...(await pauseNotes(db, job)),
    ...(await retainNotes(db, work.plans)),
    ...enforcedNotes(work.enforced),
    ...work.notes,
  ]
  return {context, install, plans: work.plans, notes, problems: work.problems, installNote: install.note}
}

async function pauseNotes(db: Database, {name: job}: Job): Promise<string[]> {
  const {ledgerJobs} = await import('../jobs/store/job-list.js')
  const current = (await ledgerJobs(db)).find(({name}) => name === job)?.versions.at(-1)
  if (current?.state !== 'paused') return []
  const reason = current.reason ? `: ${current.reason}` : ''
  return [`${job} is paused (by ${current.actor ?? 'unknown'}${reason}): this run by hand does not resume it`]
}

function dryRun(job: Job, run: PlannedRun, options: JobRunOptions): JobRunResult {
  const {install, plans: ofJob, notes} = run
  const plans = [...(install.steps.length > 0 ? [install] : []), ...ofJob]
  if (!options.json && options.sql)
    options.printRaw(
      plans.map((plan) => toScript(plan, options.limits).trimEnd()).join('\n\n') || `-- nothing to do for ${job.name}`,
    )
  else if (!options.json) for (const plan of plans) options.report(listSteps(plan, stderrWidth()))
  const count = plans.reduce((sum, {steps}) => sum + steps.length, 0)
  const hint = options.json || options.sql ? '' : ' The SQL: add --sql.'
  options.report(`Dry run: ${count} ${count === 1 ? 'step' : 'steps'} to do, nothing changed.${hint}`)
  const problems = run.problems.map((problem) => problem.toJSON())
  const steps = plans.flatMap(planned)
  return {status: 'planned', reason: null, error: null, notes, problems, steps, exitCode: ExitCode.done}
}

async function confirmAndRun(db: Database, job: Job, run: PlannedRun, options: JobRunOptions): Promise<JobRunResult> {
  const [{runByHand}, {timeoutWords}, {readClocks, largestSkew}] = await Promise.all([
    import('../jobs/run/run-once.js'),
    import('../jobs/run/outcome.js'),
    import('../jobs/store/daemons.js'),
  ])
  const asked = wholePlan(job, run)
  const unsafe = await unsafeSteps(db, asked)
  refuseUnsafe(notAccepted(unsafe, options.limits.acceptedHazards))
  const whole = withAcceptedLoss(asked, unsafe, options.flags.accept ?? [])
  await consentTo(whole, db, options)
  await installSchema(db, run.install, options.limits)
  // Read the clocks now: the operator may have taken minutes to answer the question above.
  const clocks = await readClocks(db)
  const skewed = Math.abs(clocks.skew) > largestSkew
  if (classOf(whole) === 'loss' && skewed) throw clockSkew(job, clocks.skew)
  const progress = options.quiet ? null : planProgress(process.stderr)
  const signals = signalsOf(options)
  const reports: StepReport[] = []
  try {
    const {outcome} = await runByHand(db, job, {
      context: run.context,
      actor: actorOf(db.server),
      version: options.version,
      now: clocks.now,
      skewed,
      lockWait: options.lockWait,
      stop: signals.stop,
      cancel: signals.cancel,
      onProgress(event) {
        progress?.(event)
        if (event.event === 'end') reports.push(event.report)
      },
      onContinue({scheduledAt, attempts}) {
        const due = scheduledAt === null ? '' : ` of ${formatInstant(instantFromMillis(scheduledAt))}`
        options.report(`${job.name}: this is attempt ${attempts} of the run${due}, which had not ended.`)
      },
    })
    progress?.stop()
    const result = resultOf(outcome, reports, run.notes)
    if (!options.json) printResult(job, result, reports, options)
    // The error of a step names the cancellation, not its cause.
    if (outcome.kind === 'ended' && outcome.detail?.timedOut)
      options.report(`Error: ${job.name}: ${timeoutWords(job)}.`)
    for (const note of result.notes.slice(run.notes.length)) options.report(note)
    return result
  } finally {
    progress?.stop()
    signals.release()
  }
}

function wholePlan(job: Job, {install, plans}: PlannedRun): Plan {
  return {
    operation: `jobs run ${job.name}`,
    summary: `run ${job.name}`,
    cutoff: null,
    tables: [],
    locks: [],
    steps: [...install.steps, ...plans.flatMap(({steps}) => steps)],
  }
}

async function consentTo(plan: Plan, db: Database, {flags, interactive, report}: JobRunOptions): Promise<void> {
  await requireConsent(
    classOf(plan),
    consentTarget(db.target, db.server),
    {yes: flags.yes ?? false, confirm: flags.confirm},
    interactive,
    () => report(listSteps(plan, stderrWidth())),
  )
}

async function installSchema(db: Database, install: Plan, limits: Limits): Promise<void> {
  if (install.steps.length === 0) return
  const {installFailed} = await import('../schema/migrate/run.js')
  const {steps} = await execute(db, install, {limits, ledger: null})
  const failed = steps.find(({status}) => status === 'failed')
  if (failed) throw installFailed(failed)
  await db.probe()
}

function clockSkew(job: Job, skew: number): OpsError {
  const seconds = `${Math.abs(Math.round(skew / 100) / 10)} s ${skew > 0 ? 'ahead of' : 'behind'}`
  return new OpsError(
    'CLOCK_SKEW',
    `${job.name} was not run: this machine's clock is ${seconds} the server's, so the age of the data is ` +
      'uncertain. Nothing was dropped.',
    {
      exit: ExitCode.refused,
      suggestions: [
        'Compare both clocks with a time server (timedatectl, chronyc tracking) and correct the wrong one.',
        `Then run it again: ${command('jobs run', [job.name])}`,
      ],
    },
  )
}

type Outcome = Awaited<ReturnType<typeof import('../jobs/run/run-once.js').runByHand>>['outcome']

function resultOf(outcome: Outcome, reports: readonly StepReport[], notes: readonly string[]): JobRunResult {
  const steps = reports.map(({id, status, ms, bytes, error, retryable, reason, note}) => ({
    id,
    status,
    ms,
    bytes,
    error,
    retryable: retryable ?? null,
    reason,
    note,
  }))
  const detail = outcome.kind === 'ended' ? outcome.detail : null
  const problems = detail?.problems ?? []
  const later = (detail?.notes ?? []).filter((note) => !notes.includes(note))
  const base = {notes: [...notes, ...later], problems, steps, reason: null, error: null}
  if (outcome.kind === 'lost')
    return {...base, status: 'failed', error: 'another process reclaimed the run', exitCode: ExitCode.lockHeld}
  if (outcome.kind === 'retry') return {...base, status: 'interrupted', exitCode: ExitCode.interrupted}
  if (outcome.status === 'failed') {
    return {...base, status: 'failed', error: outcome.error, exitCode: exitCodeOfRun(reports, problems)}
  }
  return {
    ...base,
    status: outcome.status === 'skipped' ? 'skipped' : 'done',
    reason: outcome.reason,
    error: outcome.error,
    exitCode: outcome.reason === 'overlap' ? ExitCode.lockHeld : ExitCode.done,
  }
}

/** That of the first problem if no step was done or failed, because then it is why the run failed. */
function exitCodeOfRun(reports: readonly StepReport[], [first]: readonly ErrorDocument[]): ExitCode {
  const nothingRan = reports.every(({status}) => status !== 'done' && status !== 'failed')
  return first !== undefined && nothingRan ? (first.exitCode as ExitCode) : exitCodeOfFailure(reports)
}

function printResult(job: Job, {status, reason, error}: JobRunResult, reports: StepReport[], options: JobRunOptions) {
  const plan: Plan = {operation: '', summary: `run ${job.name}`, cutoff: null, tables: [], locks: [], steps: []}
  const run = {operation: '', cutoff: null, steps: reports, interrupted: status === 'interrupted'}
  if (reports.length > 0) options.print(renderRun(plan, run, terminal().width))
  else
    options.print(`${job.name}: ${[status === 'done' ? 'nothing to do' : status, reason].filter(Boolean).join(', ')}.`)
  if (error !== null && reports.every((report) => report.error === null)) options.report(`Error: ${error}`)
}

function planned(plan: Plan): Step[] {
  return plan.steps.map((step) => ({
    id: step.id,
    status: 'planned',
    ms: null,
    bytes: step.bytes,
    error: null,
    retryable: null,
    reason: null,
    note: null,
    sql: step.statements.map(inline).join(';\n'),
    lock: step.lock,
    class: step.class,
  }))
}
