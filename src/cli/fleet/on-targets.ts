import type {FailedTarget, SelectedTarget} from '../../config/select-targets.js'
import {withDatabase, embeddedDirectory, type Database, type Target} from '../../db/database.js'
import {connectionParameters, type Environment} from '../../db/libpq.js'
import {redact} from '../../db/redact.js'
import {withUsableRole} from '../../db/target-role.js'
import {ExitCode, OpsError, type ErrorDocument} from '../../errors.js'
import {nameHolders} from '../../run/blockers.js'
import {whileNaming} from '../../units/command.js'
import {errorJson, translateError} from '../command-error.js'
import {checkCondition, type Needs} from '../condition.js'
import {runAll} from './run-all.js'

/** At most this many sessions on one server: more gain nothing, and many small servers allow few. */
const perServer = 2
/** Milliseconds between the end of the time of a target and the end of its session. */
const grace = 1_000

export interface TargetsRequest {
  /** The command, with spaces. */
  id: string
  applicationName: string
  parallel: number
  /** Milliseconds for one target. */
  timeout: number
  needs: Needs
  /** Create the directory of an embedded database that does not exist. */
  create?: boolean | undefined
  /** Asked before each target begins; false: no other target begins. */
  goOn?(): boolean
  env: Environment
}

export type Selected = SelectedTarget | FailedTarget

/** The connected database of a target. */
export interface OpenTarget {
  selected: SelectedTarget
  db: Database
  /** The exit code of a report in the condition of the database. */
  byCondition: ExitCode
  /** Aborted when the time of the target is over; then the session ends a second later. */
  stop: AbortSignal
}

export interface TargetWork<Line extends {ms: number | null}> {
  run(open: OpenTarget): Promise<Line>
  failed(selected: Selected, error: ErrorDocument): Line
  /** Called with each line as soon as it is complete. */
  done(line: Line): void
}

/**
 * Works on the database of every target; printed commands name the target. A failure is the line of its target.
 * @returns the lines in the order of the targets, without those that `goOn` prevented
 */
export async function onTargets<Line extends {ms: number | null}>(
  targets: readonly Selected[],
  request: TargetsRequest,
  work: TargetWork<Line>,
): Promise<Line[]> {
  const connected = new Set<string>()
  const seconds = request.timeout / 1000
  return runAll<Selected, Line>(
    targets,
    {
      parallel: request.parallel,
      perKey: perServer,
      key: (each) => serverOf(each, request.env),
      timeout: request.timeout,
      ...(request.goOn && {goOn: request.goOn}),
    },
    {
      run: (each, stop) =>
        whileNaming(each.name, () => {
          if ('error' in each) throw each.error
          return openTarget(each, request, work, {stop, onConnect: () => connected.add(each.name)})
        }),
      failed: (each, error) =>
        whileNaming(each.name, async () => {
          const known =
            error === null
              ? tooSlow(each.name, seconds, connected.has(each.name))
              : await translateError(error, `run ${request.id}`)
          const {error: document} = errorJson(known, request.id)
          const {message, suggestions} = document
          return work.failed(each, {...document, message: redact(message), suggestions: suggestions.map(redact)})
        }),
      done: (_, line, ms) => {
        line.ms = ms
        work.done(line)
      },
    },
  )
}

interface Progress {
  stop: AbortSignal
  onConnect(): void
}

async function openTarget<Line extends {ms: number | null}>(
  selected: SelectedTarget,
  {id, applicationName, needs, create}: TargetsRequest,
  work: TargetWork<Line>,
  {stop, onConnect}: Progress,
): Promise<Line> {
  return withDatabase(selected.target, {applicationName, create: create ?? false}, async (db) => {
    onConnect()
    endWith(stop, db)
    const byCondition = checkCondition(db.server, needs)
    return nameHolders(db, `run ${id}`, () =>
      withUsableRole(db, needs.changes, () => work.run({selected, db, byCondition, stop})),
    )
  })
}

/** Cancels the running statement when the time is over, and closes the session soon after. */
function endWith(stop: AbortSignal, db: Database): void {
  const end = () => {
    db.cancel().catch(() => {})
    setTimeout(() => db.abort(), grace).unref()
  }
  if (stop.aborted) end()
  else stop.addEventListener('abort', end, {once: true})
}

function tooSlow(name: string, seconds: number, connected: boolean): OpsError {
  return new OpsError(
    'TARGET_TIMEOUT',
    connected
      ? `${name} did not answer completely within ${seconds} s.`
      : `${name} could not be reached within ${seconds} s.`,
    {
      exit: connected ? ExitCode.failed : ExitCode.cannotConnect,
      retryable: true,
      suggestions: ['Give each target more time: --target-timeout 5min'],
    },
  )
}

/** The same for two targets that share a server. */
function serverOf(each: Selected, env: Environment): string {
  if ('error' in each) return each.name
  const {url}: Target = each.target
  // They share the memory and the processor of this machine.
  if (embeddedDirectory(url) !== null) return 'embedded'
  try {
    const {host, hostaddr, port} = connectionParameters(url, env)
    return JSON.stringify([hostaddr ?? host ?? '', port ?? '5432'])
  } catch {
    // The connection fails with the reason.
    return each.name
  }
}
