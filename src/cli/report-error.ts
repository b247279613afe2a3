import {redact} from '../db/redact.js'
import {ExitCode, messageOf, OpsError} from '../errors.js'
import {withInvocation} from './invocation.js'
import {wrap} from './render/text.js'
import {stderrStatus} from './status-line.js'
import {stderrWidth} from './terminal.js'

/** The errors that oclif throws for a wrong flag or argument, or to exit with a code. */
interface Thrown extends Error {
  code?: string
  oclif?: {exit?: number}
  suggestions?: readonly string[]
}

/**
 * Prints an error for people on stderr.
 * @returns the exit code
 */
export function reportError(error: unknown): number {
  const thrown = error as Thrown
  const exit = thrown.oclif?.exit ?? ExitCode.failed
  if (thrown.code !== 'EEXIT') stderrStatus.print(withInvocation(renderError(thrown, stderrWidth()), process.stderr))
  return exit
}

/**
 * The message, its stable code, the causes that add information, and the suggestions; commands are on lines of their
 * own and never wrapped. Has no passwords.
 * @param width null if the width is unlimited
 */
export function renderError(error: Thrown, width: number | null): string {
  if (!(error instanceof OpsError) && error.oclif?.exit === undefined)
    return redact(`This is a bug in qicore-db. Please report it with these lines:\n${error.stack ?? messageOf(error)}`)
  const code = error.code ?? (error.oclif?.exit === ExitCode.usage ? 'USAGE' : null)
  const message = redact(error.message).replace('\nSee more help with --help', '')
  const suggestions = (error.suggestions ?? []).map(redact)
  return [
    ...paragraphs(`Error: ${message}`, width),
    ...causes(error, message).flatMap((text) => paragraphs(`Caused by: ${text}`, width)),
    ...(code === null ? [] : [`Code: ${code}`]),
    ...advice(suggestions, width),
  ].join('\n')
}

function advice(suggestions: readonly string[], width: number | null): string[] {
  if (suggestions.length === 1) return paragraphs(`Try this: ${suggestions[0]}`, width)
  const list = suggestions.flatMap((text) => paragraphs(`  * ${text}`, width))
  return list.length === 0 ? [] : ['Try this:', ...list]
}

/** Each line of a text separately; the continuation lines of a wrapped line are indented. */
function paragraphs(text: string, width: number | null): string[] {
  return text.split('\n').flatMap((line) => wrap(line, width).split('\n'))
}

function causes(error: Error, message: string): string[] {
  const found: string[] = []
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    if (!message.includes(cause.message)) found.push(redact(cause.message))
  return found
}
