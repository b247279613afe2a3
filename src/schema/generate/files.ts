import {can, engineNamed, type EngineKind} from '../../engines/index.js'
import type {SchemaDefinition, TableDefinition} from '../definition.js'
import {distributable} from '../distributable.js'
import {createAggregateTable, createContinuousAggregate} from './aggregate.js'
import {distributeTables} from './distribution.js'
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
 * Finds the schema of the extension when the file runs, so that it also works in psql (between BEGIN and COMMIT,
 * because the setting is local to the transaction).
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

/** The whole schema for one engine, as `schema generate sql` prints it; it requires only the schema qicore. */
export function wholeSchema(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  const tablesWithChecks = schema.tables.map((table) => ({
    ...table,
    checks: table.checks?.map((check) => ({...check, since: undefined})),
  }))
  const withChecks = {...schema, tables: tablesWithChecks}
  const complete = can(engine, 'distribution') ? distributable(withChecks) : withChecks
  return [
    ...tables(complete, engine),
    ...references(complete, engine),
    ...(can(engine, 'compression') ? hypertables(complete).flatMap(enableCompression) : []),
    ...aggregates(complete, engine),
    ...guards(complete, triggerFunctions(schema)),
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

/**
 * Rows before the foreign keys to them; foreign keys before compression is enabled, because some versions reject them
 * afterwards.
 */
function references(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  return [
    ...ordinary(schema).flatMap((table) => [
      createTable(table, withTable(table), false),
      ...(table.indexes ?? []).map((index) => createIndex(table, index)),
      ...insertRows(table),
    ]),
    ...(can(engine, 'distribution') ? distributeTables(schema) : []),
    ...schema.tables.flatMap((table) => (table.foreignKeys ?? []).map((key) => addForeignKey(table, key))),
  ]
}

function aggregates(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  if (can(engine, 'continuousAggregates')) return [findExtension, ...schema.aggregates.map(createContinuousAggregate)]
  // A function in SQL with parameters cannot read a distributed table, one in PL/pgSQL can.
  const language = can(engine, 'distribution') ? 'plpgsql' : 'sql'
  return schema.aggregates.flatMap((aggregate) =>
    createAggregateTable(aggregate, sourceOf(schema, aggregate.source), language),
  )
}

/** Functions of triggers are routines of their own, also where an engine has no triggers. */
function guards(schema: SchemaDefinition, functions: readonly string[]): Sql[] {
  return [
    ...schema.tables.flatMap((table) => later(table).map((check) => addCheck(table, check))),
    ...functions.map(createRoutine),
    ...schema.tables.flatMap((table) => (table.triggers ?? []).map((trigger) => createTrigger(table, trigger))),
  ]
}

function routines({routines: files = []}: SchemaDefinition): Sql[] {
  return files.map(createRoutine)
}
