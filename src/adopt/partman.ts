import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {doBlock, ident, inline, sql, statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {parseEvery, type Every} from '../units/period.js'
import {adoptStep} from './shadow.js'
import type {Source} from './source.js'

/** The row of a set in pg_partman's part_config. */
export interface PartmanRow {
  /** Name of the configuration table, as SQL writes it. */
  config: string
  schema: string
  parent: string
  /** PostgreSQL's interval, or a number for integer keys. */
  interval: string
  premake: number | null
  retention: string | null
  keepsTables: boolean | null
  template: string | null
}

/** @returns null if pg_partman is not installed or does not manage the set */
export async function readPartman(db: Database, {schema, table}: Source): Promise<PartmanRow | null> {
  const [extension] = await db.query<{schema: string}>(statement(loadSql('adopt/partman')))
  if (extension === undefined) return null
  // Versions differ in their columns, so the row is read as a document.
  const rows = await db.query<{row: Record<string, string | number | boolean | null>}>(
    sql`select to_jsonb(c) as row from ${ident(extension.schema, 'part_config')} c where parent_table = ${`${schema}.${table}`}`,
  )
  const row = rows[0]?.row
  if (row === undefined) return null
  return {
    config: formatQualifiedName(extension.schema, 'part_config'),
    schema: extension.schema,
    parent: String(row.parent_table),
    interval: String(row.partition_interval),
    premake: row.premake === null || row.premake === undefined ? null : Number(row.premake),
    retention: row.retention === null || row.retention === undefined ? null : String(row.retention),
    keepsTables: typeof row.retention_keep_table === 'boolean' ? row.retention_keep_table : null,
    template: row.template_table ? String(row.template_table) : null,
  }
}

/** Removes the row, so that pg_partman does not maintain the set any more. The partitions stay as they are. */
export function leavePartman({relation}: Source, {config, schema, parent}: PartmanRow): Step {
  const row = sql`delete from ${ident(schema, 'part_config')} where parent_table = ${parent}`
  return {
    ...adoptStep,
    id: `remove ${relation} from ${config}`,
    kind: 'adopt partman',
    object: relation,
    statements: [
      doBlock`
begin
  delete from ${ident(schema, 'part_config_sub')} where sub_parent = ${parent};
  ${row};
end`,
    ],
    lock: 'ROW EXCLUSIVE',
    doneCheck: sql`select not exists (select 1 from ${ident(schema, 'part_config')} where parent_table = ${parent}::text) as done`,
    dependsOn: [],
    relations: [config],
  }
}

/** What pg_partman did for the set, and the declaration that does the same here. */
export function partmanNotes({relation}: Source, row: PartmanRow): string[] {
  const every = everyOf(row.interval)
  const ahead = row.premake === null ? '' : `, ahead: ${row.premake}`
  const retention = row.retention === null ? '' : `, retention: {after: ${row.retention}}`
  return [
    `pg_partman manages ${relation} by the row '${row.parent}' of ${row.config} (interval ${row.interval}). By hand it is removed with: ${inline(sql`DELETE FROM ${ident(row.schema, 'part_config')} WHERE parent_table = ${row.parent}`)}`,
    every === null
      ? `Declare the set, so that its partitions are kept ahead: tables.${relation}.partitions. Its interval ${row.interval} is no period of this program.`
      : `Declare the set, so that its partitions are kept ahead: tables: {${relation}: {partitions: {every: ${every}${ahead}}${retention}}}`,
    ...(row.retention !== null && row.keepsTables === true
      ? [
          'pg_partman kept the tables of old partitions: use `partitions detach` and not `partitions drop` for the same.',
        ]
      : []),
    ...(row.template === null
      ? []
      : [
          `${row.template}, pg_partman's template, is not used any more: what is only on the template, such as unique indexes, is not on new partitions.`,
        ]),
  ]
}

/** The period of an interval; null if there is none. `1 mon`, `7 days`, `01:00:00`. */
export function everyOf(interval: string): Every | null {
  const names: Record<string, Every> = {
    hourly: 'hour',
    daily: 'day',
    weekly: 'week',
    monthly: 'month',
    quarterly: 'quarter',
    yearly: 'year',
    '7 days': 'week',
    '3 mons': 'quarter',
    '3 months': 'quarter',
  }
  const known = names[interval]
  if (known !== undefined) return known
  const [, hours] = /^(\d\d):00:00$/.exec(interval) ?? []
  try {
    return parseEvery(hours === undefined ? interval : `${Number(hours)} hours`)
  } catch {
    return null
  }
}
