import type {TableDefinition} from '../schema/definition.js'
import {usageError} from '../errors.js'
import {contentOf, type Source} from './bytes.js'
import {csvRows} from './csv.js'
import {jsonRows} from './ndjson.js'
import type {AsOf} from './row-rule.js'
import {check, checkProperties, type Validated} from './validator.js'

export type FileFormat = 'ndjson' | 'csv'

/** One thing that is wrong with a file. */
export interface FileError {
  line: number
  /** Null where the line is no row at all. */
  path: string | null
  message: string
  /** Only where a program may want to know which demand it is. */
  code?: 'stale'
}

export interface FileSummary {
  format: FileFormat
  valid: number
  invalid: number
  /** Of the first invalid rows. */
  errors: FileError[]
}

export interface FileOptions {
  /** Found out by looking where it is not said. */
  format?: FileFormat | undefined
  asOf: AsOf
  /** Of how many invalid rows the errors are kept. */
  limit: number
  onProgress?: ((state: {bytes: number; valid: number; invalid: number}) => void) | undefined
}

/**
 * Validates a stream row by row; it needs the memory of one row.
 * @throws OpsError NO_FILE, BAD_FILE, BAD_CSV for a header that does not fit
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
      // A column that could not be read was left out of the row, and is not missing.
      const unread = new Set(problems.map(({path}) => path))
      for (const {path, ...error} of [...problems, ...errors.filter((error) => !unread.has(error.path))])
        summary.errors.push({line, path: path === '' ? null : path, ...error})
    }
    options.onProgress?.({bytes, valid: summary.valid, invalid: summary.invalid})
  }
  if (summary.valid + summary.invalid === 0)
    throw usageError('BAD_FILE', `There is not a single row in ${source.name}.`)
  return summary
}

/** What the first character says: a brace is NDJSON. */
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
    throw usageError('BAD_FILE', `${source.name} begins with a bracket: one JSON list cannot be read row by row.`, [
      "Write one object a line: jq -c '.[]'",
    ])
  return {format: given ?? (first === '{' ? 'ndjson' : 'csv'), whole}
}
