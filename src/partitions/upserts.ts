import type {Database} from '../db/database.js'
import {ident, sql} from '../db/sql.js'
import {upsertsIn} from '../db/sql-upserts.js'
import {isConnectionLost, serverMessage} from '../db/sqlstate.js'
import {usageError} from '../errors.js'
import {command} from '../units/command.js'
import type {Child} from './children.js'
import type {PartitionSet} from './sets.js'

interface Upserts {
  /** Statements of the database that change the set or one of its partitions by INSERT … ON CONFLICT. */
  statements: string[]
  /** Why statements may be missing, as a clause; null if all were read that pg_stat_statements has. */
  unchecked: string | null
}

/** The upserts into a set that pg_stat_statements has counted. */
async function readUpserts(db: Database, set: PartitionSet, children: readonly Child[]): Promise<Upserts> {
  const schema = db.server.pgStatStatementsSchema
  if (schema === null) return {statements: [], unchecked: 'pg_stat_statements is not installed in this database'}
  try {
    const rows = await db.query<{query: string; hidden: boolean}>(
      sql`select distinct query, queryid is null or query = '<insufficient privilege>' as hidden
from ${ident(schema, 'pg_stat_statements')}
where dbid = (select oid from pg_database where datname = current_database())
  and (queryid is null or query = '<insufficient privilege>' or query ~* 'on\\s+conflict')`,
    )
    const found = await Promise.all(
      rows.map(async ({query, hidden}) => (!hidden && (await changes(query, set, children)) ? [query] : [])),
    )
    const isHidden = rows.some(({hidden}) => hidden)
    return {
      statements: found.flat(),
      unchecked: isHidden ? 'this role may not read the statements of other roles in pg_stat_statements' : null,
    }
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return {statements: [], unchecked: `pg_stat_statements cannot be read: ${serverMessage(error)}`}
  }
}

/**
 * Upserts fail as soon as they reach a columnar partition, so that rows would be lost to the application.
 * @returns a note if statements may have been missed
 * @throws OpsError NOT_CONVERTIBLE
 */
export async function requireNoUpserts(
  db: Database,
  set: PartitionSet,
  children: readonly Child[],
  allowUpserts: boolean | undefined,
): Promise<string[]> {
  if (allowUpserts) return []
  const {statements, unchecked} = await readUpserts(db, set, children)
  const [first, ...more] = statements.map((text) => text.replace(/\s+/g, ' ').slice(0, 200))
  if (first !== undefined)
    throw usageError(
      'NOT_CONVERTIBLE',
      `Partitions of ${set.relation} cannot be columnar: INSERT … ON CONFLICT fails on them, and ` +
        `pg_stat_statements shows ${first}${more.length > 0 ? ` and ${more.length} more` : ''}. Nothing was ` +
        'changed.',
      [
        'If its rows are always younger than the partitions: ' +
          `${command('chunks compress', [set.relation], {'older-than': '1y', 'allow-upserts': true})}`,
      ],
    )
  if (unchecked === null) return []
  return [`Not checked whether INSERT … ON CONFLICT writes into ${set.relation}: ${unchecked}.`]
}

/** A name without a schema may be that of the set: the search path of the statement is not known. */
async function changes(query: string, set: PartitionSet, children: readonly Child[]): Promise<boolean> {
  const names = [
    {schema: set.schema, table: set.table},
    ...children.map((c) => ({schema: c.schema, table: c.partition})),
  ]
  const targets = await upsertsIn(query)
  return targets.some((target) =>
    names.some((name) => name.table === target.table && (target.schema === null || target.schema === name.schema)),
  )
}
