import type {Database} from '../db/database.js'
import {loadQicoreSql} from '../db/load-qicore-sql.js'
import {loadSql} from '../db/load-sql.js'
import {parseQualifiedName} from '../db/qualified-name.js'
import type {Server} from '../db/server.js'
import {ident, sql, statement} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'
import type {Instant} from '../units/instant.js'
import {parseIntervalText} from './interval.js'
import {newTable, type Table} from './table.js'
import {microsOf, timeKindOf} from './time.js'

interface EmulatedAggregateRow {
  schema: string
  name: string
  storage_schema: string
  storage_name: string
  relation: number
  owner: number
  time_type: string
  source: string
  bucket: string
  watermark: Instant | null
}

/** Emulated aggregates, before their sources are known. */
export type EmulatedAggregates = readonly EmulatedAggregateRow[]

/** Empty without the schema qicore. */
export async function readEmulatedAggregates(db: Database): Promise<EmulatedAggregates> {
  return db.server.hasQicoreSchema ? readQicoreRows<EmulatedAggregateRow>(db, 'catalog/own-aggregates') : []
}

/**
 * Emulated aggregates as tables: on engines without continuous aggregates, a view over a table in the schema qicore.
 * @param others the tables that they may read
 */
export function emulatedTables(rows: EmulatedAggregates, others: readonly Table[]): Table[] {
  const tables = rows.map((row) =>
    newTable({
      kind: 'aggregate',
      schema: row.schema,
      name: row.name,
      storage: {schema: row.storage_schema, name: row.storage_name},
      relation: row.relation,
      owner: row.owner,
      timeColumn: 'bucket',
      time: timeKindOf(row.time_type),
      aggregate: {
        source: null,
        watermark: row.watermark === null ? null : microsOf(row.watermark),
        bucketWidth: parseIntervalText(row.bucket),
        variableBuckets: false,
      },
    }),
  )
  rows.forEach(({source}, index) => {
    tables[index]!.aggregate!.source = findByName([...others, ...tables], source)
  })
  return tables
}

/**
 * The table with this name; the name is quoted as in SQL and defaults to schema public. Null: no such table or name.
 */
export function findByName(tables: readonly Table[], text: string): Table | null {
  try {
    const {schema, name} = parseQualifiedName(text)
    return tables.find((table) => table.name === name && table.schema === (schema ?? 'public')) ?? null
  } catch {
    return null
  }
}

/** Rows of a table in the schema qicore; empty if this role may not read it or an older schema does not have it. */
export async function readQicoreRows<R extends object>(db: Database, name: string): Promise<R[]> {
  try {
    return await db.query<R>(statement(loadQicoreSql(db.server, name)))
  } catch (error) {
    const state = sqlState(error)
    if (state === SqlState.noPrivilege || state === SqlState.undefinedTable || state === SqlState.undefinedColumn)
      return []
    throw error
  }
}

/** The note of a report in which policies are unknown, see {@link mayReadPolicies}. */
export function unreadableNote({role}: Server): string {
  const grant =
    sql`grant usage on schema qicore to ${ident(role)}; grant select on all tables in schema qicore to ${ident(role)}`
      .text
  return (
    "This role may not read the schema qicore: its policies are unknown, and QiCore's own tables show as not " +
    `declared. As its owner: ${grant}`
  )
}

/** Whether this role may read qicore.policies. If not, it is not known whether there are policies. */
export async function mayReadPolicies(db: Database): Promise<boolean> {
  if (!db.server.hasQicoreSchema) return true
  const [row] = await db.query<{may: boolean}>(statement(loadSql('catalog/own-readable')))
  return row?.may ?? true
}
