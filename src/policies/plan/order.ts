import {readOrdered} from '../../schema/names.js'

/** One column of an orderBy, with direction and place of nulls. */
export interface OrderColumn {
  column: string
  desc: boolean
  nullsFirst: boolean
}

/** Parses `time desc nulls last`; null if it does not name one of the columns. */
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

/** The text without what is the default, as read-hypertables.ts and a configuration write it. */
export function orderText({column, desc, nullsFirst}: OrderColumn): string {
  const nulls = nullsFirst ? ' nulls first' : ' nulls last'
  return `${column}${desc ? ' desc' : ''}${nullsFirst === desc ? '' : nulls}`
}

export function sameList(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && a.every((entry, index) => entry === b[index])
}
