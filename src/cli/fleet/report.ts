import {ExitCode, type ErrorDocument} from '../../errors.js'
import {compareAscending} from '../../units/compare.js'
import type {ServerWorkers} from '../../db/server-workers.js'
import type {Instant} from '../../units/instant.js'

/** What one target answered: its report, or its error. */
export interface TargetEntry {
  target: string
  labels: Readonly<Record<string, string>>
  /** The exit code of the same command on this target alone. */
  exitCode: ExitCode
  /** Including the connection. */
  ms: number
  /** The JSON document of the same command on this target alone. */
  report?: unknown
  error?: ErrorDocument
}

/** A target that a change did not reach. */
export interface NotStarted {
  target: string
  labels: Readonly<Record<string, string>>
  exitCode: null
  ms: null
  /** Why: the first target failed, too many failed, or the command was interrupted. */
  notStarted: 'canary' | 'failures' | 'interrupted'
}

/** One command on many targets. */
export interface FleetReport<Entry = TargetEntry> {
  kind: 'fleet'
  version: 1
  target: null
  /** The latest clock of a server; null if no target has a report. */
  at: Instant | null
  /** The kind of the reports. */
  of: string
  /** `notStarted` only for changes. */
  summary: {targets: number; ok: number; found: number; failed: number; notStarted?: number}
  /** Only for checks of background workers: each server with a target that was read. */
  servers?: ServerWorkers[]
  /** In the order of the configuration. */
  targets: Entry[]
}

/**
 * @param more `changes`: some targets may not have been started; `servers`: the workers of each server
 */
export function fleetReport<Entry extends TargetEntry | NotStarted>(
  of: string,
  targets: readonly Entry[],
  {changes = false, servers}: {changes?: boolean; servers?: ServerWorkers[] | undefined} = {},
): FleetReport<Entry> {
  const states = targets.map(({exitCode}) => (exitCode === null ? null : stateOf(exitCode)))
  const count = (state: TargetState) => states.filter((each) => each === state).length
  const clocks = targets.flatMap((entry) => {
    const at = entry.exitCode === null ? null : (entry.report as {at?: unknown} | undefined)?.at
    return typeof at === 'string' ? [at] : []
  })
  return {
    kind: 'fleet',
    version: 1,
    target: null,
    at: clocks.sort(compareAscending).at(-1) ?? null,
    of,
    summary: {
      targets: targets.length,
      ok: count('ok'),
      found: count('found'),
      failed: count('failed'),
      ...(changes && {notStarted: states.filter((state) => state === null).length}),
    },
    ...(servers && {servers}),
    targets: [...targets],
  }
}

export type TargetState = 'failed' | 'found' | 'ok'

export function stateOf(exitCode: ExitCode): TargetState {
  if (exitCode === ExitCode.done) return 'ok'
  return exitCode === ExitCode.found ? 'found' : 'failed'
}

/**
 * The exit code of a command on many targets: 0 if all are well, 3 if a check found something, 6 if some failed and
 * some did not. If all failed: 4 if none could be reached, the code that all of them have, else 1.
 * @param ignoreUnreachable leaves out the targets that cannot be reached
 */
export function fleetExitCode(codes: readonly ExitCode[], ignoreUnreachable = false): ExitCode {
  const counted = ignoreUnreachable ? codes.filter((code) => code !== ExitCode.cannotConnect) : codes
  const failed = counted.filter((code) => stateOf(code) === 'failed')
  if (failed.length === 0) return counted.includes(ExitCode.found) ? ExitCode.found : ExitCode.done
  if (failed.length < counted.length) return ExitCode.partial
  if (failed.every((code) => code === failed[0])) return failed[0]!
  // An address that is wrong in the configuration cannot be reached either.
  const reached = failed.some((code) => code !== ExitCode.cannotConnect && code !== ExitCode.usage)
  return reached ? ExitCode.failed : ExitCode.cannotConnect
}

/** `region=eu tier=1`; null if there are none. */
export function labelsText(labels: Readonly<Record<string, string>>): string | null {
  const parts = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return parts.length === 0 ? null : parts.join(' ')
}
