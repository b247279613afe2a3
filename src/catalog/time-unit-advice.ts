import {declarationOf} from './declaration-line.js'
import {qualifiedName, type Table} from './table.js'
import type {UnitContradiction} from './table-clock.js'
import type {TimeUnit} from './time.js'

/**
 * Advice if the unit of an integer time column is not known: a sentence with a line for the configuration.
 */
export function timeUnitAdvice(table: Table): string {
  return `Set the unit in the configuration (s, ms, us or ns): ${timeUnitSetting(table, 'ms')}`
}

/** Advice if the declared unit is not that of the values. */
export function contradictionAdvice(table: Table, {declared, seen}: UnitContradiction): string {
  return seen === null
    ? `Correct it (s, ms, us or ns) or remove it in the configuration: ${timeUnitSetting(table, declared)}`
    : `Set it in the configuration: ${timeUnitSetting(table, seen)}`
}

/**
 * The setting of a unit as one line of YAML. The configuration has it on the hypertable: an aggregate has the unit of
 * the table it reads.
 */
export function timeUnitSetting(table: Table, unit: TimeUnit): string {
  return declarationOf('tables', qualifiedName(rootOf(table)), `timeUnit: ${unit}`)
}

/** The hypertable under an aggregate; the last readable aggregate if this role cannot see the hypertable. */
function rootOf(table: Table): Table {
  const seen = new Set<Table>()
  let at = table
  for (let source = at.aggregate?.source; source && !seen.has(source); source = at.aggregate?.source) {
    seen.add(source)
    at = source
  }
  return at
}
