import type {Statement, Value} from './sql.js'

/**
 * Encodings of databases that lack the ellipsis, the only character outside ASCII in the SQL and the texts of this
 * program that reach a server. Such a server refuses a statement that has it, even in a comment (22P05).
 */
const withoutEllipsis = /^(LATIN\d+|ISO_8859_\d|KOI8[RU])$/

/**
 * How a statement is sent to a database with this encoding: with `...` for an ellipsis if the encoding has none. Such a
 * database has no name and no row with an ellipsis, so the statement still means the same. SQL of the user is sent as it
 * is: the server refuses what it cannot store.
 * @param encoding as the server reports it (server_encoding); null if it did not
 */
export function encoderFor(encoding: string | null): (statement: Statement) => Statement {
  if (encoding === null || !withoutEllipsis.test(encoding)) return (statement) => statement
  return (statement) => {
    const {text, values} = statement
    return statement.verbatim ? statement : {...statement, text: plain(text), values: values.map(plainValue)}
  }
}

function plain(text: string): string {
  return text.replaceAll('…', '...')
}

function plainValue(value: Value): Value {
  if (typeof value === 'string') return plain(value)
  return Array.isArray(value) ? (value.map(plainValue) as unknown as Value) : value
}
