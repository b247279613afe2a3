import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {formatQualifiedName, parseQualifiedName, type QualifiedName} from '../db/qualified-name.js'
import {statement} from '../db/sql.js'
import {redact} from '../db/redact.js'
import {OpsError, usageError} from '../errors.js'
import {qualifiedName, type Table} from './table.js'
import {command} from '../units/command.js'
import {slips} from '../units/similar.js'

export interface RelationRow {
  schema: string
  name: string
  kind: 'r' | 'p' | 'v' | 'm' | 'f'
  is_partition: boolean
  parent_schema: string | null
  parent: string | null
}

/**
 * The table with this name. Without a schema, every schema is searched.
 * @throws OpsError BAD_NAME, NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS
 */
export async function resolveTable(db: Database, tables: readonly Table[], text: string): Promise<Table> {
  const wanted = parseQualifiedName(text)
  const means = ({schema, name}: {schema: string; name: string}) =>
    name === wanted.name && (wanted.schema === null || schema === wanted.schema)
  const found = tables.filter((table) => means(table))
  if (found.length === 1) return found[0]!
  if (found.length > 1) throw ambiguous(text, found.map(qualifiedName).sort())
  const storage = tables.find((table) => means(table.storage))
  if (storage !== undefined) return storage
  const relations = await findRelations(db, wanted)
  if (relations.length > 0) throw notATimeSeriesTable(relations[0]!, tables)
  throw noSuchTable(db, text, similar(wanted, tables.map(qualifiedName)))
}

/** Why no time-series table has this name: that there is none, or what the relation is. */
export async function whyNotTable(db: Database, tables: readonly Table[], name: string): Promise<OpsError> {
  try {
    const {schema, name: aggregate} = await resolveTable(db, tables, name)
    return usageError('NO_SUCH_TABLE', `${name} stores the rows of an aggregate.`, [
      `Use the name of the aggregate: ${formatQualifiedName(schema, aggregate)}.`,
    ])
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
}

/** Every table, view and partition with this name. */
export function findRelations(db: Database, {schema, name}: QualifiedName): Promise<RelationRow[]> {
  return db.query<RelationRow>(statement(loadSql('catalog/relation-by-name'), [name, schema]))
}

export function ambiguous(text: string, candidates: readonly string[]): OpsError {
  return usageError('AMBIGUOUS', `More than one table is named ${text}.`, [
    `Use the name with its schema: ${candidates.join(', ')}.`,
  ])
}

export function noSuchTable(db: Database, text: string, near: readonly string[]): OpsError {
  return usageError('NO_SUCH_TABLE', `There is no table ${text} in this database (${calledByUser(db)}).`, [
    ...(near.length > 0 ? [`Did you mean ${near.join(' or ')}?`] : []),
    `List the tables: ${command('stats')}`,
  ])
}

const words = {
  r: 'an ordinary table',
  p: 'a partitioned table',
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
} as const

function parentOf({parent_schema, parent}: RelationRow): string | null {
  return parent === null || parent_schema === null ? null : formatQualifiedName(parent_schema, parent)
}

function notATimeSeriesTable(row: RelationRow, tables: readonly Table[]): OpsError {
  const name = formatQualifiedName(row.schema, row.name)
  const chunkOf = tables.find(({storage}) => storage.schema === row.parent_schema && storage.name === row.parent)
  const parent = chunkOf ? qualifiedName(chunkOf) : parentOf(row)
  if (row.is_partition || chunkOf !== undefined)
    return usageError('NOT_A_HYPERTABLE', `${name} is a ${row.is_partition ? 'partition' : 'chunk'} of ${parent}.`, [
      `Name the table itself: ${parent}.`,
    ])
  return usageError(
    'NOT_A_HYPERTABLE',
    `${name} is ${words[row.kind]}: neither a hypertable, nor an aggregate, nor partitioned.`,
    [`List the tables: ${command('stats')}`],
  )
}

/** Up to three names that differ in case or by one or two typing errors. */
function similar({name}: QualifiedName, keys: readonly string[]): string[] {
  const bare = (key: string) =>
    key
      .slice(key.lastIndexOf('.') + 1)
      .replaceAll('"', '')
      .toLowerCase()
  const wanted = name.toLowerCase()
  return keys
    .map((key) => ({key, distance: slips(wanted, bare(key))}))
    .filter(({distance}) => distance <= Math.max(1, Math.floor(wanted.length / 4)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({key}) => key)
}

/**
 * The target's name, else the database. The embedded engine calls every database template1, so it shows the address.
 */
function calledByUser({target, server}: Database): string {
  return target.name ?? (server.embedded ? redact(target.url) : server.database)
}
