import type {AggregateDefinition, ColumnDefinition, SchemaDefinition, TableDefinition} from './definition.js'
import {addCheck, columnSql, createIndex, relation, type Sql} from './generate/table.js'
import {isSerial, readType} from './types.js'
import {name} from './names.js'

/** The difference between two versions of the definitions: generated SQL, and changes that a person must write. */
export interface DefinitionDifference {
  statements: Sql[]
  /** One sentence per change, with its path in the definitions. */
  cannot: string[]
}

/** Generates SQL for added columns, indexes and checks; every other change is listed in `cannot`. */
export function diffDefinitions(before: SchemaDefinition, after: SchemaDefinition): DefinitionDifference {
  const result: DefinitionDifference = {statements: [], cannot: []}
  for (const [key, {was, is}] of paired(before.tables, after.tables, relation)) {
    if (!was) result.cannot.push(`table ${key} is new: write its CREATE TABLE (schema generate sql prints it)`)
    else if (!is) result.cannot.push(`table ${key} is no longer defined: dropping it would lose its rows`)
    else diffTable(key, was, is, result)
  }
  for (const [key, {was, is}] of paired(before.aggregates, after.aggregates, relation))
    diffAggregate(key, was, is, result)
  if (!same(before.routines, after.routines))
    result.cannot.push('the routines changed: write CREATE OR REPLACE for them')
  return result
}

function diffTable(
  key: string,
  was: TableDefinition,
  is: TableDefinition,
  {statements, cannot}: DefinitionDifference,
): void {
  for (const [column, {was: old, is: now}] of paired(was.columns, is.columns, (entry) => entry.name)) {
    if (!now) cannot.push(`column ${key}.${column} was removed: dropping it would lose its values`)
    else if (old && !same(withoutDoc(old), withoutDoc(now)))
      cannot.push(`column ${key}.${column} changed (${columnSql(old)} became ${columnSql(now)})`)
    else if (!old) addColumn(key, is, now, statements, cannot)
  }
  for (const [index, {was: old, is: now}] of paired(was.indexes ?? [], is.indexes ?? [], (entry) => entry.name)) {
    if (!old && now) statements.push(createIndex(is, now))
    else if (!now) cannot.push(`index ${index} of ${key} was removed: write DROP INDEX if it is no longer needed`)
    else if (!same(old, now))
      cannot.push(`index ${index} of ${key} changed: create the new index under another name, and drop the old one`)
  }
  for (const [check, {was: old, is: now}] of paired(was.checks ?? [], is.checks ?? [], (entry) => entry.name)) {
    if (!old && now) statements.push(addCheck(is, now))
    else if (!now) cannot.push(`check ${check} of ${key} was removed: write DROP CONSTRAINT if it is no longer needed`)
    else if (old!.expression !== now.expression)
      cannot.push(`check ${check} of ${key} changed: existing rows must be checked first`)
  }
  for (const part of ['primaryKey', 'uniques', 'foreignKeys', 'triggers', 'rows', 'distribution'] as const)
    if (!same(was[part], is[part])) cannot.push(`${part} of ${key} changed`)
  // Policies and the chunk interval are not changed by migrations; the rest of a hypertable is fixed at creation.
  if (was.hypertable?.time !== is.hypertable?.time)
    cannot.push(`hypertable of ${key} changed: its time column is fixed at creation`)
  if (!same(was.hypertable?.space, is.hypertable?.space))
    cannot.push(`hypertable.space of ${key} changed: it is fixed when the hypertable is created`)
  const settings = ({compression}: TableDefinition) => compression && [compression.segmentBy, compression.orderBy]
  if (!same(settings(was), settings(is)))
    cannot.push(
      `compression of ${key} changed: policies apply changes it and reports which chunks keep the old settings`,
    )
}

function addColumn(
  key: string,
  table: TableDefinition,
  column: ColumnDefinition,
  statements: Sql[],
  cannot: string[],
): void {
  const type = readType(column.type)
  if (type && isSerial(type.base))
    return void cannot.push(
      `column ${key}.${column.name} is ${column.type}: numbering the existing rows rewrites the table`,
    )
  if (!column.nullable && column.default === undefined)
    return void cannot.push(
      `column ${key}.${column.name} is NOT NULL without a default: existing rows have no value for it`,
    )
  statements.push(`alter table ${relation(table)} add column ${name(column.name)} ${columnSql(column)}`)
}

function diffAggregate(
  key: string,
  was: AggregateDefinition | undefined,
  is: AggregateDefinition | undefined,
  {cannot}: DefinitionDifference,
): void {
  if (!was) cannot.push(`aggregate ${key} is new: write its CREATE (schema generate sql prints it)`)
  else if (!is) cannot.push(`aggregate ${key} is no longer defined: dropping it would lose its history`)
  else {
    // Changes of policies and descriptions need no migration.
    const query = ({source, time, bucket, groupBy, where, columns}: AggregateDefinition) => ({
      source,
      time,
      bucket,
      groupBy,
      where,
      columns,
    })
    if (!same(query(was), query(is)))
      cannot.push(`aggregate ${key} changed: recreating it loses history whose raw data has been dropped`)
  }
}

function paired<T>(
  before: readonly T[],
  after: readonly T[],
  key: (entry: T) => string,
): Map<string, {was?: T; is?: T}> {
  const pairs = new Map<string, {was?: T; is?: T}>()
  for (const entry of after) pairs.set(key(entry), {is: entry})
  for (const entry of before) pairs.set(key(entry), {...pairs.get(key(entry)), was: entry})
  return pairs
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function withoutDoc({name: column, type, nullable = false, default: value}: ColumnDefinition) {
  return {column, type, nullable, value}
}
