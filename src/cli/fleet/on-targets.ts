import type {FailedTarget, SelectedTarget} from '../../config/select-targets.js'
import {endWith, perServer, serverOf, tooSlow} from '../../config/target-limits.js'
import {withDatabase, type Database} from '../../db/database.js'
import type {Environment} from '../../db/libpq.js'
import {redact} from '../../db/redact.js'
import {withUsableRole} from '../../db/target-role.js'
import type {ErrorDocument, ExitCode} from '../../errors.js'
import {nameCauses} from '../../run/blockers.js'
import {whileNaming} from '../../units/command.js'
import {errorJson, translateError} from '../command-error.js'
import {checkCondition, type Needs} from '../condition.js'
import {runAll} from '../../units/run-all.js'
import type {TargetEntry} from './report.js'

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
  return runAll<Selected, Line>(
    targets,
    {
      parallel: request.parallel,
      perKey: perServer,
      key: (each) => ('error' in each ? each.name : serverOf(each.name, each.target, request.env)),
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
              ? tooSlow(each.name, request.timeout, connected.has(each.name))
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
    return nameCauses(db, `run ${id}`, () =>
      withUsableRole(db, needs.changes, () => work.run({selected, db, byCondition, stop})),
    )
  })
}

/** What a line about a target has that failed. */
export function failedEntry({name, config}: Selected, error: ErrorDocument): TargetEntry & {error: ErrorDocument} {
  return {target: name, labels: config.labels, exitCode: error.exitCode as ExitCode, ms: 0, error}
}
