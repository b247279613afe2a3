import {readOnlySettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, raw, sql, statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {countedRows, mostCounted} from './drain/default-rows.js'
import type {Child} from './children.js'
import type {PartitionSet} from './sets.js'

/** A foreign key that refers to a partition; PostgreSQL refuses to detach the partition while rows use the key. */
export interface Reference {
  partition: string
  foreignKey: string
  /** The table that has the foreign key. */
  table: string
  /** Rows that refer to the partition, counted up to 10 001; null if they could not be counted. */
  rows: number | null
}

/** A publication that does not send the changes of a partition any more after the plan has run. */
export interface LostPublication {
  partition: string
  publication: string
}

interface Key {
  name: string
  table: string
  schema: string
  relation: string
  columns: string[]
  referenced: string[]
}

/** Milliseconds for all counts of one plan: a preview must not take longer than the change. */
const budget = 5_000

/**
 * The foreign keys that refer to each partition, and the number of referring rows. Waits for no lock: `rows` is null if
 * a table is locked or not readable, or if counting takes too long.
 */
export async function readReferences(
  db: Database,
  set: PartitionSet,
  children: readonly Child[],
): Promise<Reference[]> {
  if (children.length === 0) return []
  const keys = await db.query<Key>(statement(loadSql('partitions/references'), [set.relation]))
  const until = performance.now() + budget
  const found: Reference[] = []
  for (const child of children)
    for (const key of keys)
      found.push({
        partition: child.relation,
        foreignKey: key.name,
        table: key.table,
        rows: await countReferring(db, key, child, until),
      })
  return found
}

async function countReferring(db: Database, key: Key, child: Child, until: number): Promise<number | null> {
  const left = Math.floor(until - performance.now())
  if (left <= 0 || child.locked) return null
  const same = key.columns
    .map((column, n) => sql`k.${ident(column)} = p.${ident(key.referenced[n]!)}`)
    .reduce((all, one) => sql`${all} and ${one}`)
  const count = sql`select count(*) as rows from (
  select 1 from ${ident(key.schema, key.relation)} k join ${ident(child.schema, child.partition)} p on ${same} limit ${raw(String(mostCounted + 1))}
) as referring`
  try {
    return (await db.query<{rows: number}>(count, {...readOnlySettings, statementTimeout: left}))[0]!.rows
  } catch (error) {
    // Locked, too large or no privilege: the plan continues without the number.
    if (isConnectionLost(error)) throw error
    return null
  }
}

/** @param dropped if false, the tables are kept, and stay in publications that list them by name */
export async function readLostPublications(
  db: Database,
  set: PartitionSet,
  children: readonly Child[],
  dropped: boolean,
): Promise<LostPublication[]> {
  if (children.length === 0) return []
  const rows = await db.query<LostPublication & {by_name: boolean}>(
    statement(loadSql('partitions/publications'), [set.relation, children.map(({relation}) => relation)]),
  )
  return rows
    .filter(({by_name: byName}) => dropped || !byName)
    .map(({partition, publication}) => ({partition, publication}))
}

/** Notes about foreign keys and publications for the confirmation. */
export function referenceNotes(
  references: readonly Reference[],
  lost: readonly LostPublication[],
  dropped = false,
): string[] {
  const publications = [...new Set(lost.map(({publication}) => publication))]
  return [
    ...references.flatMap(referenceNote),
    ...unusedKeys(references),
    ...publications.map((name) => {
      const partitions = lost.filter(({publication}) => publication === name).map(({partition}) => partition)
      const rest = dropped
        ? 'the drop is not sent, so subscribers keep the rows.'
        : `later changes of ${partitions.length === 1 ? 'that table' : 'those tables'} are not sent to subscribers.`
      return `Publication ${name} loses ${formatSome(partitions)}: ${rest}`
    }),
  ]
}

function referenceNote({partition, foreignKey, table, rows}: Reference): string[] {
  if (rows === 0) return []
  const key = `foreign key ${foreignKey} of ${table}`
  if (rows === null)
    return [
      `${partition}: it is unknown whether rows refer to it by ${key}, because they could not be counted. ` +
        'PostgreSQL refuses to detach it while one does.',
    ]
  const count = `${countedRows(rows)} ${rows === 1 ? 'refers' : 'refer'}`
  return [
    `${partition}: ${count} to it by ${key}. PostgreSQL refuses to detach it until these rows of ${table} are ` +
      'deleted or changed; the other partitions are not affected.',
  ]
}

/** Notes about keys by which no row refers to a partition of the plan: one line a key. */
function unusedKeys(references: readonly Reference[]): string[] {
  const keys = new Map<string, boolean>()
  for (const {foreignKey, table, rows} of references) {
    const key = `${foreignKey} of ${table}`
    keys.set(key, (keys.get(key) ?? true) && rows === 0)
  }
  return [...keys]
    .filter(([, unused]) => unused)
    .map(([key]) => `No row refers to these partitions by foreign key ${key}.`)
}

function formatSome(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}
