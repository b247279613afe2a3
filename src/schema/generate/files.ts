import {can, engineNamed, type EngineKind} from '../../engines/index.js'
import type {SchemaDefinition, TableDefinition} from '../definition.js'
import {createAggregateTable, createContinuousAggregate} from './aggregate.js'
import {
  addCheck,
  addForeignKey,
  createHypertable,
  createIndex,
  createPartitions,
  createRoutine,
  createTable,
  createTrigger,
  enableCompression,
  insertRows,
  type Sql,
} from './table.js'

/**
 * The extension's functions live where it was installed: asked here, in the file itself, so that it also runs by hand
 * in psql (between BEGIN and COMMIT: the setting is the transaction's).
 */
export const findExtension: Sql =
  "select set_config('search_path', 'pg_catalog, ' || quote_ident(n.nspname), true)\n" +
  "from pg_extension e join pg_namespace n on n.oid = e.extnamespace\nwhere e.extname = 'timescaledb'"

const hypertables = ({tables}: SchemaDefinition) => tables.filter((table) => table.hypertable)
const ordinary = ({tables}: SchemaDefinition) => tables.filter((table) => !table.hypertable)
const withTable = (table: TableDefinition) => (table.checks ?? []).filter((check) => check.since === undefined)
const later = (table: TableDefinition) => (table.checks ?? []).filter((check) => check.since !== undefined)
const triggerFunctions = (schema: SchemaDefinition) => [
  ...new Set(schema.tables.flatMap((table) => (table.triggers ?? []).map((trigger) => trigger.function))),
]
const sourceOf = (schema: SchemaDefinition, {schema: of, table}: {schema: string; table: string}) =>
  schema.tables.find((candidate) => candidate.schema === of && candidate.name === table)!

/** The whole schema for one engine at once, as `schema generate sql` prints it; it wants the core stream only. */
export function wholeSchema(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  const tablesWithChecks = schema.tables.map((table) => ({
    ...table,
    checks: table.checks?.map((check) => ({...check, since: undefined})),
  }))
  const complete = {...schema, tables: tablesWithChecks}
  return [
    ...tables(complete, engine),
    ...references(complete),
    ...(can(engine, 'compression') ? hypertables(complete).flatMap(enableCompression) : []),
    ...aggregates(complete, engine),
    ...guards(complete),
    ...routines(complete),
  ]
}

function tables(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  const partitioned = engineNamed(engine).layout === 'partitions'
  const made = hypertables(schema).flatMap((table) => [
    createTable(table, withTable(table), partitioned),
    ...(partitioned ? createPartitions(table) : createHypertable(table)),
    ...(table.indexes ?? []).map((index) => createIndex(table, index)),
  ])
  return partitioned ? made : [findExtension, ...made]
}

/** Rows before the keys to them, keys before compression is enabled: after that some versions refuse them. */
function references(schema: SchemaDefinition): Sql[] {
  return [
    ...ordinary(schema).flatMap((table) => [
      createTable(table, withTable(table), false),
      ...(table.indexes ?? []).map((index) => createIndex(table, index)),
      ...insertRows(table),
    ]),
    ...schema.tables.flatMap((table) => (table.foreignKeys ?? []).map((key) => addForeignKey(table, key))),
  ]
}

function aggregates(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  if (can(engine, 'continuousAggregates')) return [findExtension, ...schema.aggregates.map(createContinuousAggregate)]
  return schema.aggregates.flatMap((aggregate) => createAggregateTable(aggregate, sourceOf(schema, aggregate.source)))
}

function guards(schema: SchemaDefinition): Sql[] {
  return [
    ...schema.tables.flatMap((table) => later(table).map((check) => addCheck(table, check))),
    ...triggerFunctions(schema).map(createRoutine),
    ...schema.tables.flatMap((table) => (table.triggers ?? []).map((trigger) => createTrigger(table, trigger))),
  ]
}

function routines({routines: files = []}: SchemaDefinition): Sql[] {
  return files.map(createRoutine)
}
