/** Parses migration files with PostgreSQL's own parser. */
import {usageError} from '../../errors.js'
import {effectOf, type Effect, type Node} from './effect.js'

/** One statement of a file: its text, position, and effect as far as the syntax tells. */
export interface ParsedStatement extends Effect {
  text: string
  line: number
}

interface Parsed {
  stmts: {stmt: Node; stmt_location?: number; stmt_len?: number}[]
}

/**
 * Splits a file into its statements.
 * @throws OpsError MIGRATION_SYNTAX with file and line
 */
export async function parseMigration(text: string, file: string): Promise<ParsedStatement[]> {
  const {stmts} = await parsed(text, file)
  // The parser's offsets are bytes.
  const bytes = Buffer.from(text)
  return stmts.map(({stmt, stmt_location: start = 0, stmt_len: length}) => {
    const piece = bytes.subarray(start, length === undefined ? undefined : start + length).toString()
    const body = piece.replace(/^\s+/, '')
    const before = bytes.subarray(0, start).toString() + piece.slice(0, piece.length - body.length)
    return {text: body.trimEnd(), line: lineOf(before, before.length), ...effectOf(stmt)}
  })
}

async function parsed(text: string, file: string): Promise<Parsed> {
  // Reserves 128 MB of WebAssembly memory, of which about 40 MB are used, so it is loaded only when needed.
  const {parse} = await import('libpg-query')
  try {
    return (await parse(text)) as unknown as Parsed
  } catch (error) {
    const {sqlDetails} = error as {sqlDetails?: {message: string; cursorPosition: number}}
    if (!sqlDetails) throw error
    const line = lineOf([...text].slice(0, sqlDetails.cursorPosition).join(''))
    throw usageError('MIGRATION_SYNTAX', `${file}:${line}: ${sqlDetails.message}`, [
      'Nothing was done. psql commands (\\i, \\set) are not SQL and cannot be used in a migration.',
    ])
  }
}

function lineOf(text: string, end = text.length): number {
  return text.slice(0, end).split('\n').length
}
