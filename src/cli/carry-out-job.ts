import {partitionRules} from '../config/partitions.js'
import type {Config} from '../config/load.js'
import type {Job} from '../config/jobs.js'
import {inline} from '../db/sql.js'
import type {Database} from '../db/database.js'
import {ExitCode, OpsError} from '../errors.js'
import {execute} from '../run/execute.js'
import type {Limits} from '../run/limits.js'
import {toScript} from '../run/script.js'
import {classOf, type Plan, type StepReport} from '../run/step.js'
import {command} from '../units/command.js'
import {actorOf} from './actor.js'
import type {ChangeFlags} from './base-command.js'
import {confirmName, requireConsent} from './confirm.js'
import {interrupts} from './interrupts.js'
import {planProgress} from './progress.js'
import {listSteps, renderRun} from './render/run.js'
import {stderrWidth, terminal} from './terminal.js'

export interface JobRunOptions {
  flags: ChangeFlags
  config: Config | null
  limits: Limits
  version: string
  at: string
  interactive: boolean
  json: boolean
  quiet: boolean
  /** A dry run prints its SQL; else it lists the steps. */
  sql: boolean
  print(text: string): void
  /** SQL, as it is. */
  printRaw(text: string): void
  say(line: string): void
}

type Step = Pick<StepReport, 'id' | 'status' | 'ms' | 'bytes' | 'error' | 'reason' | 'note'> & {
  sql?: string
  lock?: string
  class?: string
}

export interface JobRunResult {
  status: 'planned' | 'done' | 'failed' | 'skipped' | 'interrupted'
  reason: string | null
  error: string | null
  notes: readonly string[]
  steps: Step[]
  exitCode: ExitCode
}

/** A job by hand: its plan, what its class asks of a person, and the same run that a daemon makes of it. */
export async function runJobOnce(db: Database, job: Job, options: JobRunOptions): Promise<JobRunResult> {
  const [{jobKind}, {runByHand}, {planInstall}] = await Promise.all([
    import('../jobs/registry.js'),
    import('../jobs/run/run-once.js'),
    import('../schema/migrate/run.js'),
  ])
  const [{readClocks, largestSkew}, {ledgerJobs}, {retainNotes}] = await Promise.all([
    import('../jobs/store/job-store.js'),
    import('../jobs/store/job-list.js'),
    import('../jobs/kinds/retain.js'),
  ])
  const {config, limits, flags, at} = options
  const context = {
    limits,
    sections: {tables: config?.tables ?? {}, aggregates: config?.aggregates ?? {}},
    partitions: (all: boolean) => partitionRules(config, all),
  }
  const kind = await jobKind(job.kind)
  const work = await kind.plan(db, job.options, {...context, job: job.name, leaveToCron: false, now: at})
  const core = await planInstall(db)
  const paused = (await ledgerJobs(db)).find(({name}) => name === job.name)?.epochs.at(-1)
  const notes = [
    ...(paused?.state === 'paused'
      ? [
          `${job.name} is paused (by ${paused.actor ?? 'unknown'}${paused.reason ? `: ${paused.reason}` : ''}): this run by hand does not resume it`,
        ]
      : []),
    ...(await retainNotes(db, work.plans)),
    ...work.enforced.map(({what, by}) => `${what} is done by ${by}`),
    ...work.notes,
  ]
  for (const note of [...notes, ...work.problems, ...(core.note === null ? [] : [`Note: ${core.note}`])])
    options.say(note)
  if (flags['dry-run']) {
    const plans = [...(core.steps.length > 0 ? [core] : []), ...work.plans]
    if (!options.json && options.sql)
      options.printRaw(
        plans.map((plan) => toScript(plan, limits).trimEnd()).join('\n\n') || `-- nothing to do for ${job.name}`,
      )
    else if (!options.json) for (const plan of plans) options.say(listSteps(plan, stderrWidth()))
    const count = plans.reduce((sum, {steps}) => sum + steps.length, 0)
    options.say(
      `Dry run: ${count} ${count === 1 ? 'step' : 'steps'} to do, nothing changed.${options.json || options.sql ? '' : ' The SQL: add --sql.'}`,
    )
    return {status: 'planned', reason: null, error: null, notes, steps: plans.flatMap(planned), exitCode: ExitCode.done}
  }
  const whole: Plan = {
    operation: `jobs run ${job.name}`,
    summary: `run ${job.name}`,
    cutoff: null,
    locks: [],
    steps: [...core.steps, ...work.plans.flatMap(({steps}) => steps)],
  }
  await requireConsent(
    classOf(whole),
    confirmName(db.target, db.server),
    {yes: flags.yes ?? false, confirm: flags.confirm},
    options.interactive,
    () => options.say(listSteps(whole, stderrWidth())),
  )
  if (core.steps.length > 0) {
    const {steps} = await execute(db, core, {limits, ledger: null})
    const failed = steps.find(({status}) => status === 'failed')
    if (failed) throw new OpsError('CORE_FAILED', `The schema qicore cannot be made: ${failed.error}`)
    await db.probe()
  }
  // Asked now: a person may have taken minutes over the question above.
  const clocks = await readClocks(db)
  if (classOf(whole) === 'loss' && Math.abs(clocks.skew) > largestSkew) throw clockSkew(job, clocks.skew)
  const progress = options.quiet ? null : planProgress(process.stderr)
  const signals = interrupts(options.say)
  const reports: StepReport[] = []
  try {
    const {outcome} = await runByHand(db, job, {
      context,
      actor: actorOf(db.server),
      version: options.version,
      now: clocks.now,
      skewed: Math.abs(clocks.skew) > largestSkew,
      stop: signals.stop,
      cancel: signals.cancel,
      onProgress(event) {
        progress?.(event)
        if (event.event === 'end') reports.push(event.report)
      },
    })
    progress?.stop()
    return result(job, outcome, reports, notes, options)
  } finally {
    progress?.stop()
    signals.release()
  }
}

function clockSkew(job: Job, skew: number): OpsError {
  const seconds = `${Math.abs(Math.round(skew / 100) / 10)} s ${skew > 0 ? 'ahead of' : 'behind'}`
  return new OpsError(
    'CLOCK_SKEW',
    `${job.name} was not run: this machine's clock is ${seconds} the server's, so the age of the data is in doubt. Nothing was dropped.`,
    {
      exit: ExitCode.refused,
      suggestions: [
        'Compare both with a time server (timedatectl, chronyc tracking) and correct the one that is wrong.',
        `Then run it again: ${command('jobs run', [job.name])}`,
      ],
    },
  )
}

function result(
  job: Job,
  outcome: Awaited<ReturnType<typeof import('../jobs/run/run-once.js').runByHand>>['outcome'],
  reports: StepReport[],
  notes: readonly string[],
  options: JobRunOptions,
): JobRunResult {
  const steps = reports.map(({id, status, ms, bytes, error, reason, note}) => ({
    id,
    status,
    ms,
    bytes,
    error,
    reason,
    note,
  }))
  const made = reports.some(({status}) => status === 'done')
  const base = {notes, steps, reason: null, error: null}
  const end: JobRunResult =
    outcome.kind === 'lost'
      ? {...base, status: 'failed', error: 'another process took the run over', exitCode: ExitCode.lockHeld}
      : outcome.kind === 'again'
        ? {...base, status: 'interrupted', exitCode: ExitCode.interrupted}
        : outcome.status === 'failed'
          ? {...base, status: 'failed', error: outcome.error, exitCode: made ? ExitCode.partly : ExitCode.failed}
          : {
              ...base,
              status: outcome.status === 'skipped' ? 'skipped' : 'done',
              reason: outcome.reason,
              error: outcome.error,
              exitCode: ExitCode.done,
            }
  if (!options.json) {
    const plan: Plan = {operation: '', summary: `run ${job.name}`, cutoff: null, locks: [], steps: []}
    const run = {operation: '', cutoff: null, steps: reports, interrupted: end.status === 'interrupted'}
    if (reports.length > 0) options.print(renderRun(plan, run, terminal().width))
    else
      options.print(
        `${job.name}: ${[end.status === 'done' ? 'nothing to do' : end.status, end.reason].filter(Boolean).join(', ')}.`,
      )
    if (end.error !== null && !reports.some(({error}) => error !== null)) options.say(`Error: ${end.error}`)
  }
  return end
}

function planned(plan: Plan): Step[] {
  return plan.steps.map((step) => ({
    id: step.id,
    status: 'planned',
    ms: null,
    bytes: step.bytes,
    error: null,
    reason: null,
    note: null,
    sql: step.statements.map(inline).join(';\n'),
    lock: step.lock,
    class: step.class,
  }))
}
