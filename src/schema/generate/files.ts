import type {EngineKind} from '../../db/server.js'
import type {SchemaDefinition, TableDefinition} from '../definition.js'
import {createAggregateTable, createContinuousAggregate} from './aggregate.js'
import {
  addCheck, addForeignKey, createHypertable, createIndex, createPartitions, createRoutine, createTable, createTrigger, enableCompression, insertRows,
  type Sql,
} from './table.js'

/** A migration as it is committed. */
export interface MigrationFile {
  /** Below sql/migrations: `qicore/0001_tables.postgres.sql`. */
  path: string
  text: string
}

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
const triggerFunctions = (schema: SchemaDefinition) =>
  [...new Set(schema.tables.flatMap((table) => (table.triggers ?? []).map((trigger) => trigger.function)))]
const sourceOf = (schema: SchemaDefinition, {schema: of, table}: {schema: string; table: string}) =>
  schema.tables.find((candidate) => candidate.schema === of && candidate.name === table)!

/** What the schema qicore has on every engine, for all streams. */
export const coreRoutines = ['create_partition', 'refresh_aggregate', 'maintain']

/** Gated retention, on every engine; what the others call comes first. */
export const retentionRoutines = [
  'retain_settings', 'retention_hash', 'retain_literal', 'retain_scale', 'retain_pieces', 'own_coverage', 'coverage', 'retain_gap', 'retain_obstacle',
  'retain_drop', 'retain_range', 'retain',
]

/** What a schedule outside of our daemons calls, pg_cron's above all. */
export const scheduleRoutines = ['begin_job', 'refresh', 'ensure_partitions', 'prune_history', 'run_sql']

/** The migrations of QiCore, one after the other; not written any more once they are released. */
export function migrationFiles(schema: SchemaDefinition): MigrationFile[] {
  const file = (path: string, version: string, description: string, statements: readonly Sql[]): MigrationFile => ({
    path,
    text: `-- version: ${version}\n-- description: ${description}\n\n${statements.map((statement) => `${statement};\n`).join('\n')}`,
  })
  const qicore = 'qicore/'
  return [
    file('core/0003_routines.sql', '1.2.0', 'Partitions, refresh, maintenance', coreRoutines.map(createRoutine)),
    file('core/0004_retention.sql', '1.3.0', 'Gated retention: what was agreed to, and only what every aggregate has covered', retentionRoutines.map(createRoutine)),
    file('core/0011_schedules.sql', '1.11.0', 'Jobs as procedures, for pg_cron', scheduleRoutines.map(createRoutine)),
    file(`${qicore}0001_tables.sql`, '1.0.0', 'Four time-series tables', tables(schema, 'timescaledb')),
    file(`${qicore}0001_tables.postgres.sql`, '1.0.0', 'Four time-series tables, partitioned', tables(schema, 'postgres')),
    file(`${qicore}0002_exchanges.sql`, '1.1.0', 'Exchanges, foreign keys', references(schema)),
    file(`${qicore}0003_compression.timescaledb.sql`, '1.2.0', 'Compression settings', hypertables(schema).flatMap(enableCompression)),
    file(`${qicore}0004_aggregates.timescaledb.sql`, '1.3.0', 'Continuous aggregates', aggregates(schema, 'timescaledb')),
    file(`${qicore}0004_aggregates.sql`, '1.3.0', 'Aggregates as tables under views', aggregates(schema, 'postgres')),
    file(`${qicore}0005_checks.sql`, '1.4.0', 'Checks, guard of crypto_prices', guards(schema)),
    file(`${qicore}0006_routines.sql`, '1.5.0', 'Routines and views in public', routines(schema)),
  ]
}

/** The whole schema for one engine at once, as `schema generate sql` prints it; it wants the core stream only. */
export function wholeSchema(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  const tablesWithChecks = schema.tables.map((table) => ({...table, checks: table.checks?.map((check) => ({...check, since: undefined}))}))
  const complete = {...schema, tables: tablesWithChecks}
  return [
    ...tables(complete, engine),
    ...references(complete),
    ...(engine === 'timescaledb' ? hypertables(complete).flatMap(enableCompression) : []),
    ...aggregates(complete, engine),
    ...guards(complete),
    ...routines(complete),
  ]
}

function tables(schema: SchemaDefinition, engine: EngineKind): Sql[] {
  const made = hypertables(schema).flatMap((table) => [
    createTable(table, withTable(table), engine === 'postgres'),
    ...(engine === 'postgres' ? createPartitions(table) : createHypertable(table)),
    ...(table.indexes ?? []).map((index) => createIndex(table, index)),
  ])
  return engine === 'postgres' ? made : [findExtension, ...made]
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
  if (engine === 'timescaledb') return [findExtension, ...schema.aggregates.map(createContinuousAggregate)]
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
