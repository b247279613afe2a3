import {ExitCode, isRetryable, OpsError, type ErrorDocument} from '../errors.js'
import {command} from '../units/command.js'

/** The shape of every error under --json. */
export interface ErrorJson {
  error: ErrorDocument
}

/**
 * Converts an error of the driver or the server for the operator; any other error is a bug and keeps its stack.
 * @param doing the failed operation, as a clause
 */
export async function translateError(error: unknown, doing: string): Promise<Error> {
  const {toOpsError, isConnectionLost, sqlState} = await import('../db/sqlstate.js')
  return sqlState(error) === undefined && !isConnectionLost(error) ? (error as Error) : toOpsError(error, doing)
}

/**
 * oclif's default would print the whole configuration and argv, including a password in --url.
 * @param id of the command, with spaces
 */
export function errorJson(error: unknown, id: string): ErrorJson {
  if (error instanceof OpsError) return {error: error.toJSON()}
  const {message, oclif} = error as Error & {oclif?: {exit?: number}}
  const exitCode = (oclif?.exit ?? ExitCode.failed) as ExitCode
  const code = exitCode === ExitCode.usage ? 'USAGE' : 'BUG'
  return {
    error: {
      code,
      message: message.replace('\nSee more help with --help', ''),
      exitCode,
      retryable: isRetryable(code, exitCode),
      suggestions: [`See \`${command(`${id} --help`)}\`.`],
    },
  }
}
