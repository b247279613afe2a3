import {usageError} from '../errors.js'
import {compareAscending} from '../units/compare.js'
import {epochMicros} from '../units/instant.js'
import type {AnyTable, MachineValue, ReportTable, TableContext} from '../units/report-table.js'

/** The order that `--sort` requests: a column, descending if it has a minus prefix. */
export interface SortOrder {
  column: string
  descending: boolean
}

/** Parses `total_bytes` or `-total_bytes`; also accepts hyphens for underscores, and the heading of the column. */
export function parseSort(text: string, {columns}: AnyTable): SortOrder {
  const descending = text.startsWith('-')
  const wanted = text.replace(/^[-+]/, '')
  const id = wanted.toLowerCase().replaceAll('-', '_')
  const column =
    columns.find((each) => each.id === id) ??
    columns.find(({heading}) => heading.toLowerCase() === wanted.toLowerCase())
  if (column === undefined)
    throw usageError('NO_SUCH_COLUMN', `There is no column "${wanted}" to sort by.`, [
      `Columns: ${columns.map((each) => each.id).join(', ')}.`,
    ])
  return {column: column.id, descending}
}

/** Sorts by the machine-readable value. Unknown values come last in both directions; the sort is stable. */
export function sortRows<Row, Context extends TableContext>(
  {columns}: ReportTable<Row, Context>,
  rows: readonly Row[],
  {column: id, descending}: SortOrder,
): Row[] {
  const column = columns.find((each) => each.id === id)!
  const keyed = rows.map((row) => ({row, key: sortKey(column.value(row))}))
  const sign = descending ? -1 : 1
  return keyed
    .sort((a, b) => {
      if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null)
      return sign * compare(a.key, b.key)
    })
    .map(({row}) => row)
}

type Key = bigint | number | string

/** Times of any year and numbers in text form are compared by value. */
function sortKey(value: MachineValue): Key | null {
  if (value === null || typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'string') return value.join(' ')
  const micros = epochMicros(value)
  if (micros !== null) return micros
  if (/^-?\d+$/.test(value)) return BigInt(value)
  return value !== '' && Number.isFinite(Number(value)) ? Number(value) : value
}

/** Numbers come before texts. */
function compare(a: Key, b: Key): number {
  if ((typeof a === 'string') !== (typeof b === 'string')) return typeof a === 'string' ? 1 : -1
  return compareAscending<Key>(a, b)
}
