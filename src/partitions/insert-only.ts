import type {Database} from '../db/database.js'
import {ident, sql} from '../db/sql.js'
import {changedTables} from '../db/sql-changes.js'
import {isConnectionLost, serverMessage} from '../db/sqlstate.js'
import {usageError} from '../errors.js'
import {command} from '../units/command.js'
import type {Child} from './children.js'
import type {PartitionSet} from './sets.js'

/** What fails on a columnar partition, and on the whole table unless its WHERE excludes such partitions. */
export const refusedByColumnar = 'UPDATE, DELETE, MERGE, SELECT … FOR UPDATE or SHARE, and INSERT … ON CONFLICT'

export interface RefusedStatements {
  /** Statements of the database that fail on columnar partitions. */
  statements: string[]
  /** Why statements may be missing, as a clause; null if all were read that pg_stat_statements has. */
  unchecked: string | null
}

interface Row {
  /** Null if pg_stat_statements has no such statement, or has lost its text. */
  query: string | null
  state: 'none' | 'hidden' | 'lost' | 'readable'
  /** pg_stat_statements.track. */
  track: string | null
}

/**
 * Columnar partitions accept only INSERT, so that other statements of the application would fail from then on. The
 * statements are those of pg_stat_statements: it forgets the rarest ones, and by default has none that functions run.
 * @param partitions that become columnar
 * @param allowed whether such statements are known not to reach these partitions
 * @returns a note if statements may have been missed
 * @throws OpsError NOT_CONVERTIBLE
 */
export async function requireInsertOnly(
  db: Database,
  set: PartitionSet,
  partitions: readonly Child[],
  allowed: boolean,
): Promise<string[]> {
  if (allowed) return []
  const {statements, unchecked} = await readRefusedStatements(db, [
    {schema: set.schema, table: set.table},
    ...partitions.map((child) => ({schema: child.schema, table: child.partition})),
  ])
  if (statements.length > 0)
    throw usageError(
      'NOT_CONVERTIBLE',
      `Partitions of ${set.relation} cannot be columnar without allowUpdates: they accept only INSERT, and ` +
        `pg_stat_statements shows ${statementsInWords(statements)}. Nothing was changed.`,
      [
        'If such statements exclude these partitions by their WHERE: ' +
          `${command('chunks compress', [set.relation], {'older-than': '1y', 'allow-updates': true})}`,
        `For a policy: allowUpdates: true in its compression in the configuration, then ${command('policies apply')}`,
      ],
    )
  if (unchecked === null) return []
  return [`Not checked whether statements change rows of these partitions of ${set.relation}: ${unchecked}.`]
}

/** Unquoted, as in the catalog. */
interface TableName {
  schema: string
  table: string
}

/** The statements of pg_stat_statements that would fail on columnar partitions, and name one of these tables. */
export async function readRefusedStatements(db: Database, names: readonly TableName[]): Promise<RefusedStatements> {
  const schema = db.server.pgStatStatementsSchema
  if (schema === null) return {statements: [], unchecked: 'pg_stat_statements is not installed in this database'}
  try {
    const rows = await db.query<Row>(
      sql`select distinct s.query, current_setting('pg_stat_statements.track', true) as track,
  case
    when s.dbid is null then 'none'
    when s.queryid is null or s.query = '<insufficient privilege>' then 'hidden'
    when s.query is null then 'lost'
    else 'readable'
  end as state
from (select) one left join ${ident(schema, 'pg_stat_statements')} s
  on s.dbid = (select oid from pg_database where datname = current_database())
  and (s.queryid is null or s.query is null or s.query = '<insufficient privilege>'
    or s.query ~* '\\m(update|delete|merge|share|conflict)\\M')`,
    )
    const found = await Promise.all(
      rows.map(async ({query, state}) =>
        query !== null && state === 'readable' && (await changes(query, names)) ? [query] : [],
      ),
    )
    return {statements: found.flat(), unchecked: whyUnchecked(rows)}
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return {statements: [], unchecked: `pg_stat_statements cannot be read: ${serverMessage(error)}`}
  }
}

/** The first statement, shortened, and how many more there are. @param statements at least one */
export function statementsInWords([first, ...more]: readonly string[]): string {
  return `${first!.replace(/\s+/g, ' ').slice(0, 200)}${more.length > 0 ? ` and ${more.length} more` : ''}`
}

function whyUnchecked(rows: readonly Row[]): string | null {
  if (rows.some(({track}) => track === 'none')) return 'pg_stat_statements.track is none'
  if (rows.some(({state}) => state === 'hidden'))
    return 'this role may not read the statements of other roles in pg_stat_statements'
  if (rows.some(({state}) => state === 'lost')) return 'pg_stat_statements has lost the texts of its statements'
  return null
}

/** A name without a schema may be that of the set: the search path of the statement is not known. */
async function changes(query: string, names: readonly TableName[]): Promise<boolean> {
  const found = await changedTables(query)
  return found.some(({schema, table}) =>
    names.some((name) => name.table === table && (schema === null || schema === name.schema)),
  )
}
