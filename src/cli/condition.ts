import {refuseInHalfState} from '../db/condition.js'
import type {Server} from '../db/server.js'
import {ExitCode, usageError} from '../errors.js'
import {wrap} from './render/text.js'

export interface Needs {
  /** The command changes something. */
  changes: boolean
  /** What the command says hangs on rows: it is refused where compressed rows are not seen. */
  rows: boolean
}

/** What every command says of the condition of its database, before anything else, on stderr. */
export function conditionLines({condition}: Pick<Server, 'condition'>, width: number | null): string[] {
  return condition.flatMap(({message, fix}) => [wrap(`! ${message}`, width), `  ${fix}`])
}

/**
 * The one gate of all commands.
 * @returns the exit code that a report has in this condition
 * @throws OpsError WORKER_NODE, READ_ONLY (2); the code of a half-state (7)
 */
export function checkCondition(server: Server, {changes, rows}: Needs): ExitCode {
  if (server.citus?.worker)
    throw usageError(
      'WORKER_NODE',
      'This server is a worker of Citus: its tables are shards, and what is changed here is not seen by the coordinator.',
      ['Connect to the coordinator.'],
    )
  if (changes && server.inRecovery)
    throw usageError('READ_ONLY', 'This server is a read-only replica: nothing can be changed here.', [
      'Connect to the primary.',
    ])
  if (changes || rows) refuseInHalfState(server)
  return server.condition.some(({refuses: refused}) => refused !== 'nothing') ? ExitCode.found : ExitCode.done
}
