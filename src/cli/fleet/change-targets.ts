import type {SelectedTarget} from '../../config/select-targets.js'
import {withoutPassword} from '../../db/redact.js'
import {lineComment} from '../../db/sql.js'
import {ExitCode, OpsError, type ErrorDocument} from '../../errors.js'
import type {Limits} from '../../run/limits.js'
import {lockWait} from '../../run/lock-wait.js'
import {classOf, type Plan} from '../../run/step.js'
import {command} from '../../units/command.js'
import {changeDatabase} from '../change-database.js'
import type {ChangeFlags, ChangeMode, ChangeSignals} from '../change.js'
import {jsonDocument} from '../json-instants.js'
import type {ChangeLine} from './change-table.js'
import type {Changing, ChangeResult} from './changing.js'
import {failedEntry, onTargets, type OpenTarget, type Selected, type TargetsRequest} from './on-targets.js'
import {stateOf, type NotStarted} from './report.js'

export interface FleetChangeRequest extends Omit<TargetsRequest, 'needs' | 'create' | 'goOn'> {
  flags: ChangeFlags
  /** The arguments as given, for printed commands. */
  args: readonly string[]
  /** The target that is changed first; null: the first one that has something to do. */
  canary: string | null
  /** Failures after which no other target begins. */
  stopAfter: number
  limits(config: SelectedTarget['config']): Limits
  signals: ChangeSignals
  /** Called with each target as soon as it is complete. */
  done(line: ChangeLine): void
}

/** Targets in the order of the configuration: those that were started, and those that were not. */
export type ChangedTargets = (ChangeLine | NotStarted)[]

/**
 * Changes every target, and only by plans without steps that need a confirmation. One after the other, the canary
 * first, until one has been changed; the others then in parallel. Ends early if a target failed before that, or after
 * `stopAfter` failures. A target that is complete has nothing to do, so the same request continues the work.
 */
export async function changeTargets<Report extends object>(
  targets: readonly Selected[],
  changing: Changing<Report>,
  request: FleetChangeRequest,
): Promise<ChangedTargets> {
  const dryRun = request.flags['dry-run']
  const state = {changed: dryRun, failures: 0}
  const on = (selected: readonly Selected[], parallel: number, goOn: () => boolean) =>
    onTargets<ChangeLine>(
      selected,
      {
        ...request,
        parallel,
        needs: {changes: changing.changes, repairs: changing.repairs, rows: changing.rows ?? false},
        create: changing.create,
        goOn: () => !request.signals.stop.aborted && goOn(),
      },
      {
        run: (open) => changeTarget(open, changing, request),
        failed: failedLine,
        done: (line) => {
          if (stateOf(line.exitCode) === 'failed') state.failures += 1
          else if (line.steps !== 0) state.changed = true
          request.done(line)
        },
      },
    )
  const canary = targets.filter(({name}) => name === request.canary)
  const order = [...canary, ...targets.filter((each) => !canary.includes(each))]
  const alone = dryRun ? [] : await on(order, 1, () => !state.changed && state.failures === 0)
  const rest = order.slice(alone.length)
  const others = await on(rest, request.parallel, () => dryRun || (state.changed && state.failures < request.stopAfter))
  const lines = new Map([...alone, ...others].map((line) => [line.target, line]))
  const reason = notStartedReason(request.signals.stop.aborted, state.changed)
  return targets.map(
    ({name, config}) =>
      lines.get(name) ?? {target: name, labels: config.labels, exitCode: null, ms: null, notStarted: reason},
  )
}

function notStartedReason(interrupted: boolean, changed: boolean): NotStarted['notStarted'] {
  if (interrupted) return 'interrupted'
  return changed ? 'failures' : 'canary'
}

async function changeTarget<Report extends object>(
  {selected: {name, config}, db, byCondition, stop}: OpenTarget,
  changing: Changing<Report>,
  request: FleetChangeRequest,
): Promise<ChangeLine> {
  const {id, flags, signals} = request
  const sql: string[] = []
  const reported: string[] = []
  const mode: ChangeMode = {
    flags,
    interactive: false,
    json: !(flags.sql ?? false),
    quiet: true,
    sql: flags.sql ?? false,
    limits: request.limits(config),
    admit: (plan) => refuseUnlessSafe(plan, name, request),
    signals: {stop: signals.stop, cancel: AbortSignal.any([signals.cancel, stop])},
    print() {},
    printRaw: (text) => void sql.push(text),
    report: (line) => void reported.push(line),
  }
  const {report, exitCode = byCondition}: ChangeResult<Report> = await changing.prepare(config)(db, {
    config,
    many: true,
    mode,
    lockWait: async (otherwise) => lockWait(otherwise),
    change: (plan, options = {}) => changeDatabase(db, plan, options, {...mode, id, lockWait: async () => lockWait(0)}),
  })
  const {condition} = db.server
  return {
    target: name,
    labels: config.labels,
    exitCode,
    ms: 0,
    report: jsonDocument(
      report,
      condition.map(({code}) => code),
    ),
    ...stepsOf(report),
    sql: sql.length === 0 ? '' : `${connectLines(db).join('\n')}\n${sql.join('\n\n')}\n`,
    reported,
  }
}

/** Steps of the report of a change; all reports of changes have them. */
function stepsOf(report: object): Pick<ChangeLine, 'steps' | 'done' | 'stepError'> {
  const {steps = []} = report as {steps?: readonly {status: string; error: string | null}[]}
  return {
    steps: steps.length,
    done: steps.filter(({status}) => status === 'done').length,
    stepError: steps.find(({error}) => error !== null)?.error ?? null,
  }
}

/**
 * Connects psql to the database, because scripts of many targets follow each other. psql asks for the password. If that
 * is not possible, it stops, instead of changing the database before.
 */
function connectLines({target, server}: OpenTarget['db']): string[] {
  const name = lineComment(`target: ${target.name ?? server.database}`)
  const url = server.embedded ? undefined : withoutPassword(target.url)
  if (url === undefined) return [name, '-- Not for psql: this database cannot be named in a script.', '\\quit']
  const address = new URL(url)
  if (target.database != null) address.pathname = `/${encodeURIComponent(target.database)}`
  return [name, `\\connect '${address.href.replaceAll("'", "''")}'`]
}

/** @throws OpsError NOT_SAFE */
function refuseUnlessSafe(plan: Plan, target: string, {id, args, flags}: FleetChangeRequest): void {
  if (classOf(plan) === 'safe') return
  const step = plan.steps.find((each) => each.class !== 'safe')!
  throw new OpsError(
    'NOT_SAFE',
    `${target} was not changed: "${step.id}" needs a confirmation, and many targets are changed only by steps ` +
      'that need none.',
    {
      exit: ExitCode.refused,
      suggestions: [`Change this target alone: ${command(id, args, {accept: flags.accept, 'dry-run': true})}`],
    },
  )
}

function failedLine(target: Selected, error: ErrorDocument): ChangeLine {
  return {...failedEntry(target, error), steps: null, done: 0, stepError: null, sql: '', reported: []}
}
