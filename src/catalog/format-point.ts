import type {Instant} from '../units/instant.js'
import {microsIn, type TableClock} from './table-clock.js'
import type {Table} from './table.js'
import {exactNumber, instantOf, pointWords} from './time.js'

/**
 * A point on a table's scale as JSON prints it and --from and --to accept it: an instant; a local time without zone
 * for a column without a time zone; the integer itself if its unit is not known.
 */
export function formatInteger(value: bigint | null, table: Table, clock: TableClock): Instant | number | string | null {
  if (value === null) return null
  if (table.time === 'timestamp' || table.time === 'date') return pointWords(value, table.time)
  return endShown(value, table, clock)
}

/** The time of a row as an instant; the stored value if that is not known (no unit, or no time zone). */
export function endShown(value: bigint | null, table: Table, clock: TableClock): Instant | number | string | null {
  if (value === null) return null
  const micros = microsIn(value, table, clock)
  if (micros !== null) return instantOf(micros)
  return table.time === 'integer' ? exactNumber(value) : pointWords(value, table.time)
}
