import {usageError} from '../errors.js'

/** A relation as it was named; `schema` is null where only the name was given. */
export interface QualifiedName {
  schema: string | null
  name: string
}

const quoted = '"(?:[^"]|"")+"'
// What PostgreSQL's own reader takes without quotes: letters of any script, digits and $ after the first.
const bare = String.raw`[A-Za-z_\u0080-\u{10FFFF}][\w$\u0080-\u{10FFFF}]*`
const shape = new RegExp(String.raw`^\s*(${quoted}|${bare})\s*(?:\.\s*(${quoted}|${bare})\s*)?$`, 'u')

/**
 * Reads `name` or `schema.name` as PostgreSQL does: without quotes ASCII capitals fold, what is longer than 63 bytes
 * is cut; with quotes it is as written.
 * @throws OpsError BAD_NAME
 */
export function parseQualifiedName(text: string): QualifiedName {
  const [, first, second] = text.includes('\0') ? [] : (shape.exec(text) ?? [])
  if (first === undefined)
    throw usageError('BAD_NAME', `"${text}" is not the name of a table.`, [
      'Write name or schema.name; in double quotes where it has capitals, spaces or dots: \'risk."Fills 2024"\'.',
    ])
  return second === undefined ? {schema: null, name: fold(first)} : {schema: fold(first), name: fold(second)}
}

function fold(part: string): string {
  const name = part.startsWith('"')
    ? part.slice(1, -1).replaceAll('""', '"')
    : part.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
  return cut(name)
}

/** At 63 bytes, never inside a character. */
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

/** The name in the form that {@link parseQualifiedName} reads back; the key of a table everywhere in reports. */
export function formatQualifiedName(schema: string, name: string): string {
  return `${formatName(schema)}.${formatName(name)}`
}

/** As people write it: `public` goes without saying. */
export function shortName(schema: string, name: string): string {
  return schema === 'public' ? formatName(name) : formatQualifiedName(schema, name)
}

/** One name, in quotes where it needs them. */
export function formatName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
