import type {Instant} from '../units/instant.js'
import {microsIn, type TableClock} from './table-clock.js'
import type {Table} from './table.js'
import {exactNumber, instantOf, pointWords} from './time.js'

/**
 * A point of a table's ranges as JSON says it and as --from and --to take it: an instant; of a column without a time
 * zone what it holds, without one; an integer whose unit is not known as it is.
 */
export function formatInteger(value: bigint | null, table: Table, clock: TableClock): Instant | number | string | null {
  if (value === null) return null
  if (table.time === 'timestamp' || table.time === 'date') return pointWords(value, table.time)
  return endShown(value, table, clock)
}

/** The time of a row as an instant, whose age can be told. */
export function endShown(value: bigint | null, table: Table, clock: TableClock): Instant | number | string | null {
  if (value === null) return null
  const micros = microsIn(value, table, clock)
  if (micros !== null) return instantOf(micros)
  return table.time === 'integer' ? exactNumber(value) : pointWords(value, table.time)
}
