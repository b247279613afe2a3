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

/**
 * Whether the same command may succeed when it is run again after a pause, with nothing changed: decided by the exit
 * code where neither the code of the error nor its cause says more. Null: not known.
 */
const retryableByExit: Record<ExitCode, boolean | null> = {
  [ExitCode.done]: false,
  [ExitCode.failed]: null,
  [ExitCode.usage]: false,
  [ExitCode.found]: false,
  [ExitCode.cannotConnect]: null,
  [ExitCode.lockHeld]: true,
  [ExitCode.partial]: null,
  [ExitCode.refused]: false,
  // What was done before stays done, and the next run continues.
  [ExitCode.interrupted]: true,
}

/** Codes of exits 1 and 4 of which it is known. */
const retryableByCode: Readonly<Record<string, boolean>> = {
  CONNECTION_LOST: true,
  CRON_ELSEWHERE: false,
  LIBRARY_MISMATCH: false,
  LIBRARY_MISSING: false,
  NO_DATABASE: false,
  NO_EMBEDDED_ENGINE: false,
  NO_PRIVILEGE: false,
  NOT_A_DATABASE: false,
  OWNER_CANNOT_LOGIN: false,
  UNKNOWN: false,
  WRONG_ENGINE: false,
}

/** `retryable` of an error document. @param cause what its cause says, where that is known */
export function isRetryable(code: string, exit: ExitCode, cause: boolean | null = null): boolean | null {
  return retryableByExit[exit] ?? cause ?? retryableByCode[code] ?? null
}

export interface OpsErrorOptions {
  exit?: ExitCode
  /** Whether the cause passes by itself, where a SQLSTATE or a code of the network says so. */
  retryable?: boolean | null
  /** What the operator can do next, most useful first. */
  suggestions?: readonly string[]
  cause?: unknown
}

/** `error` of the JSON document of a failure. */
export interface ErrorDocument {
  code: string
  message: string
  exitCode: number
  retryable: boolean | null
  suggestions: readonly string[]
}

/**
 * A failure that the operator can act on; anything else that is thrown is a bug.
 * `code` is stable and part of the JSON contract; the message names the object and what the server said.
 */
export class OpsError extends Error {
  readonly code: string
  readonly exitCode: ExitCode
  readonly suggestions: readonly string[]
  /** Whether the same command may succeed later with nothing changed; null: not known. */
  readonly retryable: boolean | null
  /** oclif reads this one in text mode and `exitCode` under --json: both must say the same. */
  readonly oclif: {exit: ExitCode}

  constructor(code: string, message: string, options: OpsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause})
    this.name = 'Error'
    this.code = code
    this.exitCode = options.exit ?? ExitCode.failed
    this.suggestions = options.suggestions ?? []
    this.retryable = isRetryable(code, this.exitCode, options.retryable)
    this.oclif = {exit: this.exitCode}
  }

  toJSON(): ErrorDocument {
    const {code, message, exitCode, retryable, suggestions} = this
    return {code, message, exitCode, retryable, suggestions}
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
