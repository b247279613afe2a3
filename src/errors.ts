/** The exit codes of every command; docs/reference and the README are checked against this. */
export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  found: 3,
  cannotConnect: 4,
  lockHeld: 5,
  partial: 6,
  refused: 7,
  interrupted: 130,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** One sentence a code, for help texts and the generated reference. */
export const exitCodeMeaning: Record<keyof typeof ExitCode, string> = {
  done: 'done, or nothing to do',
  failed: 'failed',
  usage: 'wrong usage or configuration; nothing was changed',
  found: 'a check found something; the report is on stdout',
  cannotConnect: 'cannot connect to the database, or it is not one',
  lockHeld: 'someone else holds the lock; the message names them',
  partial: 'some steps are done, some are not',
  refused: 'refused: data would be lost, a confirmation is missing, or the plan is stale',
  interrupted: 'interrupted',
}

export interface OpsErrorOptions {
  exit?: ExitCode
  /** What the operator can do next, most useful first. */
  suggestions?: readonly string[]
  cause?: unknown
}

/**
 * A failure that the operator can act on; anything else that is thrown is a bug.
 * `code` is stable and part of the JSON contract; the message names the object and what the server said.
 */
export class OpsError extends Error {
  readonly code: string
  readonly exitCode: ExitCode
  readonly suggestions: readonly string[]
  /** oclif reads this one in text mode and `exitCode` under --json: both must say the same. */
  readonly oclif: {exit: ExitCode}

  constructor(code: string, message: string, options: OpsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.name = 'Error'
    this.code = code
    this.exitCode = options.exit ?? ExitCode.failed
    this.suggestions = options.suggestions ?? []
    this.oclif = {exit: this.exitCode}
  }

  toJSON(): {code: string; message: string; exitCode: ExitCode; suggestions: readonly string[]} {
    return {code: this.code, message: this.message, exitCode: this.exitCode, suggestions: this.suggestions}
  }
}

/** Wrong flags, arguments, files or configuration: nothing was changed. */
export function usageError(code: string, message: string, suggestions: readonly string[] = []): OpsError {
  return new OpsError(code, message, {exit: ExitCode.usage, suggestions})
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
