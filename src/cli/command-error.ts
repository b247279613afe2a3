import {ExitCode, isRetryable, OpsError, type ErrorDocument} from '../errors.js'
import {command} from '../units/command.js'

/** The shape of every failure under --json. */
export interface ErrorJson {
  error: ErrorDocument
}

/**
 * A driver's or server's error as the operator's; anything else is a bug and keeps its stack.
 * @param doing what failed, as a clause
 */
export async function translateError(error: unknown, doing: string): Promise<Error> {
  const {toOpsError, isConnectionLost, sqlState} = await import('../db/sqlstate.js')
  return sqlState(error) === undefined && !isConnectionLost(error) ? (error as Error) : toOpsError(error, doing)
}

/**
 * oclif's default would print its whole configuration and argv, and with them a password in --url.
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
