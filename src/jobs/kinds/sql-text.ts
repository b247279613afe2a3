import type {JobOptions} from '../../config/jobs.js'
import {usageError} from '../../errors.js'
import {parseMigration, type ParsedStatement} from '../../schema/migrate/parse.js'

/** The source of a job's SQL, for messages: its file or its path in the configuration. */
export function sqlSource(name: string, {file}: JobOptions['sql']): string {
  return file ?? `jobs.${name}.statement`
}

/**
 * Splits the SQL of a `sql` job into statements.
 * @throws OpsError for errors that the parser finds, with file and line
 */
export async function readStatements(name: string, options: JobOptions['sql']): Promise<ParsedStatement[]> {
  const file = sqlSource(name, options)
  const parsed = await parseMigration(options.statement ?? '', file)
  if (parsed.length === 0) throw usageError('NO_STATEMENT', `${file} has no statement.`)
  const control = parsed.find(({controlsSession}) => controlsSession)
  if (control)
    throw usageError(
      'TRANSACTION_CONTROL',
      `${file}:${control.line}: BEGIN, COMMIT, DISCARD and similar statements are not allowed in a job.`,
      ['"transaction: none" runs a single statement outside a transaction block.'],
    )
  if (options.transaction === 'none' && parsed.length > 1)
    throw usageError(
      'ONE_STATEMENT',
      `${file} has ${parsed.length} statements, but "transaction: none" allows only one.`,
    )
  return parsed
}
