import type {AggregateDefinition, TableDefinition} from './definition.js'
import {dataTable, windowFunction} from './generate/aggregate.js'
import {longestName, tooLong} from './names.js'
import type {Problem} from './problem.js'

/** System columns, which every table has. */
const systemColumns = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])

/** Why PostgreSQL would reject or truncate a name; null if it is valid. */
function wrongWith(name: string): string | null {
  if (name.includes('\0')) return `${JSON.stringify(name)} has a NUL character, which names cannot contain`
  if (!name.isWellFormed()) return `${JSON.stringify(name)} has half of a surrogate pair`
  return tooLong(name) ? `"${name}" is longer than ${longestName} bytes` : null
}

/** Errors in the names of one table. */
export function tableNameProblems(table: TableDefinition): Problem[] {
  const list = (path: string, entries: readonly {name: string}[] | undefined) =>
    (entries ?? []).map(({name}, index) => ({path: `${path}[${index}].name`, name}))
  const all = [
    {path: 'schema', name: table.schema},
    {path: 'name', name: table.name},
    ...list('columns', table.columns),
    ...list('uniques', table.uniques),
    ...list('checks', table.checks),
    ...list('indexes', table.indexes),
    ...list('foreignKeys', table.foreignKeys),
    ...list('triggers', table.triggers),
    {path: 'primaryKey', name: primaryKeyName(table)},
  ]
  return [
    ...all.flatMap(({path, name}) => problem(path, wrongWith(name))),
    ...reservedSchema(table.schema),
    ...table.columns.flatMap(({name}, index) =>
      problem(`columns[${index}].name`, systemColumns.has(name) ? `"${name}" is a system column of every table` : null),
    ),
  ]
}

export function aggregateNameProblems(aggregate: AggregateDefinition): Problem[] {
  return [
    ...problem('schema', wrongWith(aggregate.schema)),
    ...reservedSchema(aggregate.schema),
    ...problem('name', wrongWith(aggregate.name)),
    ...[`${dataTable(aggregate)}_bucket_idx`, windowFunction(aggregate)]
      .filter(() => !tooLong(aggregate.name))
      .flatMap((made) =>
        problem(
          'name',
          tooLong(made) ? `"${made}", which is derived from it, is longer than ${longestName} bytes` : null,
        ),
      ),
    ...aggregate.columns.flatMap(({name}, index) => problem(`columns[${index}].name`, wrongWith(name))),
  ]
}

function problem(path: string, message: string | null): Problem[] {
  return message === null ? [] : [{path, message}]
}

function reservedSchema(schema: string): Problem[] {
  return problem(
    'schema',
    schema.startsWith('pg_') ? `"${schema}": schema names that start with pg_ are reserved by PostgreSQL` : null,
  )
}

function primaryKeyName({name}: TableDefinition): string {
  return `${name}_pkey`
}

/** Tables, aggregates and indexes share a namespace within a schema. */
export function sharedNameProblems(
  tables: readonly {value: TableDefinition; index: number}[],
  aggregates: readonly {value: AggregateDefinition; index: number}[],
): Problem[] {
  const taken = new Set<string>()
  const takes = (schema: string, name: string) => {
    const key = `${schema}\0${name}`
    const free = !taken.has(key)
    taken.add(key)
    return free
  }
  const relations = [
    ...tables.map((entry) => ({...entry, path: 'tables'})),
    ...aggregates.map((entry) => ({...entry, path: 'aggregates'})),
  ]
  const repeated = relations.filter(({value: {schema, name}}) => !takes(schema, name))
  // If a table is defined twice, so are its indexes.
  const others = tables.filter(({value}) => repeated.every((relation) => relation.value !== value))
  return [
    ...repeated.map(({value: {schema, name}, path, index}) => ({
      path: `${path}[${index}].name`,
      message: `${schema}.${name} is defined twice`,
    })),
    ...others.flatMap(({value, index}) =>
      indexNames(value)
        .filter(({name}) => !takes(value.schema, name))
        .map(({path, name}) => ({
          path: `tables[${index}].${path}`,
          message:
            `"${name}" is taken: indexes share their names with the tables and the other indexes of ` +
            `${value.schema}`,
        })),
    ),
  ]
}

function indexNames(table: TableDefinition): {path: string; name: string}[] {
  return [
    {path: 'primaryKey', name: primaryKeyName(table)},
    ...(table.uniques ?? []).map(({name}, index) => ({path: `uniques[${index}].name`, name})),
    ...(table.indexes ?? []).map(({name}, index) => ({path: `indexes[${index}].name`, name})),
  ]
}
