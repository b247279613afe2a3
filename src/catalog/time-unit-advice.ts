import {qualifiedName, type Table} from './table.js'
import type {UnitContradiction} from './table-clock.js'
import type {TimeUnit} from './time.js'

/**
 * What to do where the unit of an integer time column is not known: a sentence with a line that the configuration
 * takes.
 */
export function timeUnitAdvice(table: Table): string {
  return `Set the unit in the configuration (s, ms, us or ns): ${timeUnitSetting(table, 'ms')}`
}

/** The same where the declared unit is not that of the values. */
export function contradictionAdvice(table: Table, {declared, seen}: UnitContradiction): string {
  return seen === null
    ? `Correct it (s, ms, us or ns) or remove it in the configuration: ${timeUnitSetting(table, declared)}`
    : `Set it in the configuration: ${timeUnitSetting(table, seen)}`
}

/**
 * The setting of a unit, as YAML on one line. The configuration has it on the hypertable: an aggregate counts in what
 * it reads, and its own section has no unit.
 */
export function timeUnitSetting(table: Table, unit: TimeUnit): string {
  return `tables: {${yamlKey(qualifiedName(rootOf(table)))}: {timeUnit: ${unit}}}`
}

/** The hypertable at the bottom of an aggregate; the aggregate itself where that cannot be seen. */
function rootOf(table: Table): Table {
  const seen = new Set<Table>()
  let at = table
  for (let source = at.aggregate?.source; source && !seen.has(source); source = at.aggregate?.source) {
    seen.add(source)
    at = source
  }
  return at
}

/** A key of YAML's flow style; a double-quoted string of YAML takes what JSON writes. */
function yamlKey(text: string): string {
  return /^[a-z_][\w.]*$/i.test(text) ? text : JSON.stringify(text)
}
