import {createHash} from 'node:crypto'

/** PostgreSQL's longest name, in bytes. */
const longest = 63

/**
 * The name of a table with a suffix. If it is longer than 63 bytes, the name of the table is cut between two characters
 * and eight digits of its hash follow, which distinguish long names with the same beginning.
 */
export function suffixedName(table: string, suffix: string): string {
  if (Buffer.byteLength(table + suffix) <= longest) return table + suffix
  const rest = `_${createHash('md5').update(table).digest('hex').slice(0, 8)}${suffix}`
  const characters = [...table]
  while (Buffer.byteLength(characters.join('') + rest) > longest) characters.pop()
  return characters.join('') + rest
}
