import type {JobOptions} from '../../config/jobs.js'
import {usageError} from '../../errors.js'
import {parseMigration, type ParsedStatement} from '../../schema/migrate/parse.js'

/** Where the text of a job comes from, for messages. */
export function sqlSource(name: string, {file}: JobOptions['sql']): string {
  return file ?? `jobs.${name}.statement`
}

/**
 * Cuts the text of a `sql` job into its statements.
 * @throws OpsError what its syntax shows to be wrong, with file and line
 */
export async function readStatements(name: string, options: JobOptions['sql']): Promise<ParsedStatement[]> {
  const file = sqlSource(name, options)
  const parsed = await parseMigration(options.statement ?? '', file)
  if (parsed.length === 0) throw usageError('NO_STATEMENT', `${file} has no statement.`)
  const control = parsed.find(({controlsSession}) => controlsSession)
  if (control)
    throw usageError(
      'TRANSACTION_CONTROL',
      `${file}:${control.line}: BEGIN, COMMIT, DISCARD and their like have no place in a job.`,
      ['"transaction: none" runs one statement outside of any transaction.'],
    )
  if (options.transaction === 'none' && parsed.length > 1)
    throw usageError(
      'ONE_STATEMENT',
      `${file} has ${parsed.length} statements, and outside of a transaction it may be one.`,
    )
  return parsed
}
