import {readOrdered} from '../schema/names.js'

/** One column of an orderBy with everything said. */
export interface OrderColumn {
  column: string
  desc: boolean
  nullsFirst: boolean
}

/** Reads `time desc nulls last` against the columns there are; null where it names none of them. */
export function readOrder(text: string, columns: readonly string[]): OrderColumn | null {
  const [, head, place] = /^(.*\S)\s+nulls\s+(first|last)\s*$/is.exec(text) ?? []
  const ordered =
    head !== undefined && !columns.includes(text)
      ? readOrdered(head, columns)
      : (readOrdered(text, columns) ?? readOrdered(text.trim(), columns))
  if (ordered === null) return null
  const desc = ordered.direction === 'desc'
  return {column: ordered.column, desc, nullsFirst: place === undefined ? desc : place.toLowerCase() === 'first'}
}

/** With what differs from the default only, as the catalogue's reader and a configuration write it. */
export function orderText({column, desc, nullsFirst}: OrderColumn): string {
  const nulls = nullsFirst ? ' nulls first' : ' nulls last'
  return `${column}${desc ? ' desc' : ''}${nullsFirst === desc ? '' : nulls}`
}

export function sameList(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && a.every((entry, index) => entry === b[index])
}
