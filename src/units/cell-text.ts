import {formatBytes} from './bytes.js'
import {formatAge, formatElapsed} from './elapsed.js'
import {formatInstant, secondsBetween, type Instant} from './instant.js'
import type {Column, MachineValue, TableContext} from './report-table.js'

/** Shown for an unknown value in every table. */
export const dash = '-'

export function bytesOr(bytes: number | null, prefix = ''): string {
  return bytes === null ? dash : `${prefix}${formatBytes(bytes)}`
}

/** Age by the server's clock; an integer whose unit is unknown is printed unchanged. */
export function ageOr(value: Instant | number | string | null, at: Instant): string {
  if (value === null) return dash
  return isInstant(value) ? formatAge(secondsBetween(value, at)) : String(value)
}

/** True for a point in time in UTC; false for a time without a zone and for an integer. */
export function isInstant(value: MachineValue): value is Instant {
  return typeof value === 'string' && /T.*Z( BC)?$/.test(value)
}

/** A cell as text for people: the column's own formatter, else the one of its type; `-` if the value is unknown. */
export function cellText<Row, Context extends TableContext>(
  column: Column<Row, Context>,
  row: Row,
  context: Context,
): string {
  if (column.text !== undefined) return column.text(row, context)
  const value = column.value(row)
  if (value === null) return column.type === 'note' ? '' : dash
  if (typeof value === 'number') return numberText(column.type, value, context)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'string') return value.join(', ') || dash
  if (column.type === 'age') return ageOr(value, context.at)
  return column.type === 'instant' ? formatInstant(value) : value
}

function numberText(type: Column<never>['type'], value: number, {at}: TableContext): string {
  switch (type) {
    case 'bytes':
      return formatBytes(value)
    case 'percent':
      return `${value.toFixed(1)}%`
    case 'ratio':
      return value.toFixed(1)
    case 'milliseconds':
      return formatElapsed(value)
    case 'seconds':
      return formatAge(value)
    case 'age':
      return ageOr(value, at)
    default:
      return String(value)
  }
}

/** A number of rows in at most five characters: `9999`, `12.3k`, `4.5M`; `-` where it is not known. */
export function countText(rows: number | null): string {
  if (rows === null) return dash
  if (rows < 10_000) return String(rows)
  return rows < 10_000_000
    ? `${(rows / 1e3).toFixed(rows < 100_000 ? 1 : 0)}k`
    : `${(rows / 1e6).toFixed(rows < 1e8 ? 1 : 0)}M`
}
