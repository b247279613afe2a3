import {loadSql} from '../../db/load-sql.js'
import {quoteLiteral} from '../../db/sql.js'
import {durationInWords, parseDuration} from '../../units/duration.js'
import {gridOf} from '../../units/period.js'
import type {
  CheckDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  PartitionPeriod,
  TableDefinition,
  TriggerDefinition,
  UniqueDefinition,
} from '../definition.js'
import {name, names, qualified, readOrdered} from '../names.js'
import {isSerial, readType, typeSql} from '../types.js'

/** Statements without a semicolon; the caller that joins them adds it. */
export type Sql = string

/** Partitioning on plain PostgreSQL, unless a definition specifies it. */
export const defaultPartitions: {period: PartitionPeriod; ahead: number} = {period: 'month', ahead: 3}

/** @param checks checks that are created with the table */
export function createTable(table: TableDefinition, checks: readonly CheckDefinition[], partitioned: boolean): Sql {
  const lines = [
    ...table.columns.map((column) => `${name(column.name)} ${columnSql(column)}`),
    `constraint ${name(`${table.name}_pkey`)} primary key (${names(table.primaryKey)})`,
    ...(table.uniques ?? []).map(uniqueSql),
    ...checks.map(checkSql),
  ]
  const suffix = partitioned && table.hypertable ? ` partition by range (${name(table.hypertable.time)})` : ''
  return `create table ${relation(table)} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n)${suffix}`
}

export function columnSql({type, nullable, default: value}: TableDefinition['columns'][number]): Sql {
  const read = readType(type)
  const serial = read !== null && isSerial(read.base)
  const missing = nullable || serial ? '' : ' not null'
  return `${read ? typeSql(read) : type}${missing}${value === undefined ? '' : ` default ${value}`}`
}

export function uniqueSql({name: key, columns}: UniqueDefinition): Sql {
  return `constraint ${name(key)} unique (${names(columns)})`
}

export function checkSql({name: check, expression}: CheckDefinition): Sql {
  return `constraint ${name(check)} check (${expression})`
}

/** Unqualified: the file puts the extension's schema on the search path. */
export function createHypertable(table: TableDefinition): Sql[] {
  const {hypertable} = table
  if (!hypertable) return []
  const relationText = quoteLiteral(relation(table))
  const range = `by_range(${quoteLiteral(hypertable.time)}, ${interval(hypertable.chunkInterval)})`
  const create = `select create_hypertable(${relationText}, ${range}, create_default_indexes => false)`
  if (!hypertable.space) return [create]
  const {column, partitions} = hypertable.space
  const count = `coalesce(nullif(current_setting('qicore.space_partitions', true), ''), '${partitions}')::integer`
  return [
    create,
    `select add_dimension(${relationText}, by_hash(${quoteLiteral(column)}, ${count}))\nwhere ${count} > 0`,
  ]
}

/** Creates the current partition and those ahead of it; earlier ones are created on request. */
export function createPartitions(table: TableDefinition): Sql[] {
  const {hypertable} = table
  if (!hypertable) return []
  const {period, ahead} = hypertable.partitions ?? defaultPartitions
  return [
    `select qicore.create_partition(${quoteLiteral(relation(table))}, '${period}', now() + ` +
      `${stepOf(period)})\nfrom generate_series(0, ${ahead}) n`,
  ]
}

/** `n` periods from now on. Whole days keep the local time of day across a clock change. */
function stepOf(period: PartitionPeriod): Sql {
  const {months, hours} = gridOf(period)
  const times = (count: number) => (count === 1 ? 'n' : `n * ${count}`)
  if (months > 0) return `make_interval(months => ${times(months)})`
  return hours % 24 === 0 ? `make_interval(days => ${times(hours / 24)})` : `make_interval(hours => ${times(hours)})`
}

export function createIndex(table: TableDefinition, index: IndexDefinition): Sql {
  const columns = table.columns.map((column) => column.name)
  const keys = index.columns.map((text) => {
    const {column, direction} = readOrdered(text, columns) ?? {column: text, direction: 'asc'}
    return direction === 'desc' ? `${name(column)} desc` : name(column)
  })
  return `create index ${name(index.name)} on ${relation(table)} (${keys.join(', ')})`
}

export function addForeignKey(table: TableDefinition, {name: key, columns, references}: ForeignKeyDefinition): Sql {
  const target = `${qualified(references.schema, references.table)} (${names(references.columns)})`
  return (
    `alter table ${relation(table)} add constraint ${name(key)}\n  foreign key (${names(columns)}) references ` +
    `${target}`
  )
}

export function addCheck(table: TableDefinition, check: CheckDefinition): Sql {
  return `alter table ${relation(table)} add ${checkSql(check)}`
}

export function insertRows({rows, ...table}: TableDefinition): Sql[] {
  if (!rows) return []
  const values = rows.values.map((row) => `  (${row.map(quoteLiteral).join(', ')})`)
  return [`insert into ${relation(table)} (${names(rows.columns)}) values\n${values.join(',\n')}`]
}

export function createTrigger(table: TableDefinition, trigger: TriggerDefinition): Sql {
  const sets = [
    trigger.oldRows && `old table as ${name(trigger.oldRows)}`,
    trigger.newRows && `new table as ${name(trigger.newRows)}`,
  ].filter(Boolean)
  const referencing = sets.length > 0 ? `\n  referencing ${sets.join(' ')}` : ''
  return (
    `create trigger ${name(trigger.name)} after ${trigger.event} on ${relation(table)}${referencing}\n  for each ` +
    `statement execute function ${qualified('qicore', trigger.function)}()`
  )
}

/** Settings only: a policy triggers compression, and migrations create no policies. */
export function enableCompression(table: TableDefinition): Sql[] {
  if (!table.compression) return []
  const {segmentBy, orderBy} = table.compression
  const columns = table.columns.map((column) => column.name)
  const order = orderBy.map((text) => {
    const {column, direction} = readOrdered(text, columns) ?? {column: text, direction: 'asc'}
    return `${name(column)} ${direction.toUpperCase()}`
  })
  return [
    `alter table ${relation(table)} set (\n  timescaledb.compress,\n  timescaledb.compress_segmentby = ` +
      `${quoteLiteral(names(segmentBy))},\n` +
      `  timescaledb.compress_orderby = ${quoteLiteral(order.join(', '))}\n)`,
  ]
}

/** The statement in a routine's file that installs it. */
export function createRoutine(file: string): Sql {
  return loadSql(`routines/${file}`).trim().replace(/;$/, '')
}

export function relation({schema, name: table}: {schema: string; name: string}): string {
  return qualified(schema, table)
}

/** An interval constant that every version of PostgreSQL reads in the same way. */
export function interval(text: string): Sql {
  return `interval '${durationInWords(parseDuration(text))}'`
}
