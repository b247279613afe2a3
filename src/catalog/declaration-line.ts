import {qualifiedName, type Table} from './table.js'

/**
 * A declaration as one line of YAML that can be pasted into a configuration, which has aggregates in a section of their
 * own: `tables: {public.ticks: {retention: {after: 90 days}}}`.
 * @param fields the fields of the entry: `retention: {after: 90 days}`
 */
export function declarationLine(table: Pick<Table, 'kind' | 'schema' | 'name'>, fields: string): string {
  const section = table.kind === 'aggregate' ? 'aggregates' : 'tables'
  return declarationOf(section, qualifiedName(table), fields)
}

/** @param key `schema.table`, quoted for SQL where necessary */
export function declarationOf(section: 'tables' | 'aggregates', key: string, fields: string): string {
  return `${section}: {${yamlKey(key)}: {${fields}}}`
}

/** A key in YAML's flow style. A JSON string is also a double-quoted string of YAML. */
function yamlKey(text: string): string {
  return /^[a-z_][\w.]*$/i.test(text) ? text : JSON.stringify(text)
}
