/** The exit codes of every command. Tests compare docs/reference.md and the README with this. */
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

/** The meaning of each code, for help texts and the generated reference. */
export const exitCodeMeaning: Record<keyof typeof ExitCode, string> = {
  done: 'done, or nothing to do',
  failed: 'failed',
  usage: 'wrong usage or configuration; nothing was changed',
  found: 'a check found something; the report is on stdout',
  cannotConnect: 'cannot connect, or the target is not a usable database',
  lockHeld: 'another session holds the lock; the message names it',
  partial: 'some steps succeeded, others did not',
  refused: 'refused: data would be lost, a confirmation is missing, or the plan is stale',
  interrupted: 'interrupted',
}

/**
 * Whether the same command may succeed if it is repeated after a pause with nothing changed: determined by the exit
 * code, unless the error's code or its cause is more specific. Null: unknown.
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
  // Finished steps are kept, and the next run continues.
  [ExitCode.interrupted]: true,
}

/** Codes with exit 1 or 4 for which the answer is known. */
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

/**
 * The `retryable` field of an error document.
 * @param cause whether its cause is retryable, if known
 */
export function isRetryable(code: string, exit: ExitCode, cause: boolean | null = null): boolean | null {
  return retryableByExit[exit] ?? cause ?? retryableByCode[code] ?? null
}

export interface OpsErrorOptions {
  exit?: ExitCode
  /** Whether the cause is temporary, if a SQLSTATE or a network error code tells. */
  retryable?: boolean | null
  /** What the operator can do next, most useful first. */
  suggestions?: readonly string[]
  cause?: unknown
}

/** The `error` field of the JSON document of a failure. */
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
  /** Whether the same command may succeed later with nothing changed; null: unknown. */
  readonly retryable: boolean | null
  /** oclif reads this in text mode and `exitCode` under --json, so both hold the same code. */
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

/** The message and the first suggestion, for where an error is one line: the ledger, a log. */
export function withAdvice({message, suggestions}: Pick<OpsError, 'message' | 'suggestions'>): string {
  return [message, suggestions[0]].filter(Boolean).join(' ')
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
