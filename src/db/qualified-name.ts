import {usageError} from '../errors.js'

/** The name of a relation as given; `schema` is null if only the name was given. */
export interface QualifiedName {
  schema: string | null
  name: string
}

const quoted = '"(?:[^"]|"")+"'
// An unquoted identifier of PostgreSQL: letters of any script; also digits and $ after the first character.
const bare = String.raw`[A-Za-z_\u0080-\u{10FFFF}][\w$\u0080-\u{10FFFF}]*`
const shape = new RegExp(String.raw`^\s*(${quoted}|${bare})\s*(?:\.\s*(${quoted}|${bare})\s*)?$`, 'u')

/**
 * Parses `name` or `schema.name` as PostgreSQL does: without quotes ASCII letters are folded to lower case, with quotes
 * they are kept. Names longer than 63 bytes are truncated.
 * @throws OpsError BAD_NAME
 */
export function parseQualifiedName(text: string): QualifiedName {
  const [, first, second] = text.includes('\0') ? [] : (shape.exec(text) ?? [])
  if (first === undefined)
    throw usageError('BAD_NAME', `"${text}" is not the name of a table.`, [
      'Write name or schema.name, in double quotes if it has capitals, spaces or dots: \'risk."Fills 2024"\'.',
    ])
  return second === undefined ? {schema: null, name: fold(first)} : {schema: fold(first), name: fold(second)}
}

function fold(part: string): string {
  const name = part.startsWith('"')
    ? part.slice(1, -1).replaceAll('""', '"')
    : part.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
  return cut(name)
}

/** Truncated to 63 bytes, never within a character. */
function cut(name: string): string {
  let bytes = 0
  let kept = ''
  for (const character of name) {
    bytes += Buffer.byteLength(character)
    if (bytes > 63) return kept
    kept += character
  }
  return kept
}

/** The name in the form that {@link parseQualifiedName} parses; the key of a table in all reports. */
export function formatQualifiedName(schema: string, name: string): string {
  return `${formatName(schema)}.${formatName(name)}`
}

/** The name for people, without the schema `public`. */
export function shortName(schema: string, name: string): string {
  return schema === 'public' ? formatName(name) : formatQualifiedName(schema, name)
}

/** One name, in quotes if it needs them. */
export function formatName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
