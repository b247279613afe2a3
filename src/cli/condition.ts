import {isFound, refuseHiddenRows, refuseInHalfState, refuseWorker, type ConditionCode} from '../db/condition.js'
import type {Server} from '../db/server.js'
import {ExitCode, usageError} from '../errors.js'
import {wrap} from './render/text.js'

export interface Needs {
  /** The command makes changes. */
  changes: boolean
  /** The condition that these changes end. */
  repairs?: ConditionCode | undefined
  /** The result depends on row contents: refused if compressed rows are not readable. */
  rows: boolean
}

/** The lines about the condition of the database that every command prints first, on stderr. */
export function conditionLines({condition}: Pick<Server, 'condition'>, width: number | null): string[] {
  return condition.flatMap(({message, fix}) => [wrap(`! ${message}`, width), `  ${fix}`])
}

/**
 * Checks the condition of the database for every command.
 * @returns the exit code of a report in this condition
 * @throws OpsError WORKER_NODE, READ_ONLY (2); the code of a half-state (7)
 */
export function checkCondition(server: Server, {changes = false, repairs, rows = false}: Partial<Needs>): ExitCode {
  refuseWorker(server)
  if (changes && server.inRecovery)
    throw usageError('READ_ONLY', 'This server is a read-only replica, so it cannot be changed.', [
      'Connect to the primary.',
    ])
  if (rows) refuseHiddenRows(server)
  if (changes) refuseInHalfState(server, {repairs})
  return !changes && isFound(server) ? ExitCode.found : ExitCode.done
}
