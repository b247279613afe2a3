import type {AggregateDefinition, TableDefinition} from './definition.js'
import {dataTable, windowFunction} from './generate/aggregate.js'
import {longestName, tooLong} from './names.js'
import type {Problem} from './problem.js'

/** Every table has them, so no column can be called so. */
const systemColumns = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])

/** What is wrong with a name as PostgreSQL would take it; null where nothing is. */
function wrongWith(name: string): string | null {
  if (name.includes('\0')) return `${JSON.stringify(name)} holds a NUL, which no name can`
  if (!name.isWellFormed()) return `${JSON.stringify(name)} holds half of a character`
  return tooLong(name) ? `"${name}" is longer than ${longestName} bytes` : null
}

/** What the names of one table get wrong by themselves. */
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
      problem(
        `columns[${index}].name`,
        systemColumns.has(name) ? `every table has a column "${name}" of PostgreSQL's own` : null,
      ),
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
        problem('name', tooLong(made) ? `"${made}", which is made of it, is longer than ${longestName} bytes` : null),
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
    schema.startsWith('pg_') ? `"${schema}": schemas that begin with pg_ are PostgreSQL's own` : null,
  )
}

function primaryKeyName({name}: TableDefinition): string {
  return `${name}_pkey`
}

/** Tables, aggregates and indexes of one schema share their names. */
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
  // Of a table that is there twice, its indexes are too.
  const others = tables.filter(({value}) => repeated.every((relation) => relation.value !== value))
  return [
    ...repeated.map(({value: {schema, name}, path, index}) => ({
      path: `${path}[${index}].name`,
      message: `there are two of the name ${schema}.${name}`,
    })),
    ...others.flatMap(({value, index}) =>
      indexNames(value)
        .filter(({name}) => !takes(value.schema, name))
        .map(({path, name}) => ({
          path: `tables[${index}].${path}`,
          message: `"${name}" is taken: indexes share their names with the tables and the other indexes of ${value.schema}`,
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
