import type {Limits} from '../run/limits.js'
import type {LockWait} from '../run/lock-wait.js'
import type {SessionResolver} from '../run/run-step.js'
import type {Plan} from '../run/step.js'
import {command} from '../units/command.js'

export interface ChangeFlags {
  'dry-run': boolean
  sql?: boolean | undefined
  yes?: boolean | undefined
  confirm?: string | undefined
  accept?: readonly string[] | undefined
  'at-most'?: number | undefined
  workers?: number | undefined
}

/** Signals to a running change. */
export interface ChangeSignals {
  /** When aborted, the running step is the last one. */
  stop: AbortSignal
  /** When aborted, running statements are cancelled in the server too. */
  cancel: AbortSignal
}

/** How a change asks, shows and stops: the only database of a command, or one of many. */
export interface ChangeMode {
  flags: ChangeFlags
  /** A person at a terminal can answer questions. */
  interactive: boolean
  json: boolean
  /** Suppress progress. */
  quiet: boolean
  /** A dry run prints its SQL; otherwise it lists the steps. */
  sql: boolean
  limits: Limits
  /** Throws if this plan is not made here; called before its dry run too. */
  admit?: ((plan: Plan) => void) | undefined
  /** Default: SIGINT and SIGTERM. */
  signals?: ChangeSignals | undefined
  print(text: string): void
  /** Prints SQL without wrapping. */
  printRaw(text: string): void
  report(line: string): void
}

export interface RunOptions {
  /** The wait for another run's lock; default: as --wait specifies. */
  lockWait?: LockWait
  /** Plans again after the schema qicore or the extension was installed. */
  replan?: () => Promise<Plan>
  /** The plan itself updates the schema qicore, as `migrate up` does. */
  installs?: boolean
  /** Opens sessions in other databases of the server, for steps that name one. */
  resolveSession?: SessionResolver
  /** Its --accept also takes ids of findings, which it has checked. */
  acceptsFindings?: boolean
  /** The command has already shown its changes, so a dry run on a terminal does not list the steps again. */
  previewed?: boolean
}

/** The report of a change: the contract's `steps`, and the SQL of a plan that was not run. */
export interface ChangeReport {
  kind: string
  version: 1
  target: string | null
  at: string
  dryRun: boolean
  cutoff: string | null
  /** Known defects that make a step unsafe on this server; absent where there are none. */
  hazards?: {id: string; step: string; object: string; accepted: boolean}[]
  steps: Record<string, unknown>[]
}

/** Announces the installation or update of the schema qicore that precedes a change. */
export function installLine(older: boolean, dryRun: boolean): string {
  const what = older
    ? 'the schema qicore to this version of qicore-db'
    : 'the schema qicore, which keeps the record of changes, run locks and declared policies'
  const verb = older ? 'bring' : 'install'
  return (
    `First: ${dryRun ? `a run would ${verb}` : `${verb}ing`} ${what}. Nothing else is affected. To preview only ` +
    `this: ${command('migrate up', [], {stream: 'core', 'dry-run': true})}`
  )
}
