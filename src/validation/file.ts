import type {TableDefinition} from '../schema/definition.js'
import {usageError} from '../errors.js'
import {contentOf, type Source} from './bytes.js'
import {csvRows} from './csv.js'
import {jsonRows} from './ndjson.js'
import type {AsOf} from './row-rule.js'
import {check, checkProperties, type Validated} from './validator.js'

export type FileFormat = 'ndjson' | 'csv'

/** One error found in a file. */
export interface FileError {
  line: number
  /** The column; null if the line is not a row at all. */
  path: string | null
  message: string
  /** Set only for errors that a program may want to treat differently. */
  code?: 'stale'
}

export interface FileSummary {
  format: FileFormat
  valid: number
  invalid: number
  /** Errors of the first invalid rows. */
  errors: FileError[]
}

export interface FileOptions {
  /** Default: detected from the first character. */
  format?: FileFormat | undefined
  asOf: AsOf
  /** Number of invalid rows whose errors are kept. */
  limit: number
  onProgress?: ((state: {bytes: number; valid: number; invalid: number}) => void) | undefined
}

/**
 * Validates a stream row by row, with one row in memory at a time.
 * @throws OpsError NO_FILE, BAD_FILE, BAD_CSV for a header that does not match the table
 */
export async function validateFile<Row>(
  source: Source,
  of: Validated<Row>,
  definition: TableDefinition,
  options: FileOptions,
): Promise<FileSummary> {
  let bytes = 0
  const content = contentOf(source, (read) => (bytes = read))
  const {format, whole} = await formatOf(source, content, options.format)
  const summary: FileSummary = {format, valid: 0, invalid: 0, errors: []}
  const batches = format === 'ndjson' ? jsonRows(whole) : csvRows(source.name, whole, definition, of.properties)
  for await (const batch of batches) {
    for (const {line, row, names, problems, broken} of batch) {
      const errors = broken
        ? []
        : (names === null
            ? check(of, row, options.asOf)
            : checkProperties(of, row as Record<string, unknown>, options.asOf, names)
          ).errors
      if (errors.length === 0 && problems.length === 0) {
        summary.valid += 1
        continue
      }
      summary.invalid += 1
      if (summary.invalid > options.limit) continue
      // A column that could not be read was left out of the row; it must not be reported as missing too.
      const unread = new Set(problems.map(({path}) => path))
      for (const {path, ...error} of [...problems, ...errors.filter((error) => !unread.has(error.path))])
        summary.errors.push({line, path: path === '' ? null : path, ...error})
    }
    options.onProgress?.({bytes, valid: summary.valid, invalid: summary.invalid})
  }
  if (summary.valid + summary.invalid === 0) throw usageError('BAD_FILE', `${source.name} has no rows.`)
  return summary
}

/** Decides by the first character: a brace means NDJSON. */
async function formatOf(
  source: Source,
  content: AsyncGenerator<Buffer>,
  given: FileFormat | undefined,
): Promise<{format: FileFormat; whole: AsyncGenerator<Buffer>}> {
  const {value, done} = await content.next()
  if (done) throw usageError('BAD_FILE', `${source.name} is empty.`)
  const whole = (async function* () {
    yield value
    yield* content
  })()
  const first = value.subarray(0, 1024).toString('latin1').trimStart()[0]
  if (first === '[' && given !== 'csv')
    throw usageError('BAD_FILE', `${source.name} begins with a bracket: a JSON array cannot be read row by row.`, [
      "Write one object per line: jq -c '.[]'",
    ])
  return {format: given ?? (first === '{' ? 'ndjson' : 'csv'), whole}
}
