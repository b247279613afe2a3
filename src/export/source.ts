import type {Db} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import type {Server} from '../db/server.js'
import {quoteLiteral, statement} from '../db/sql.js'
import {usageError} from '../errors.js'

/** What a caller names: a partition, a detached table, any table, or a chunk of a hypertable. */
export interface Subject {
  /** The name of the relation, quoted as in SQL where needed: `public.ticks_2024_01`. */
  relation: string
  /** The name under which its export is stored, if the relation was moved or renamed since. Undefined: its name. */
  storedAs?: string | undefined
  /** The table that it is or was a part of; it names the folder. Undefined: the relation itself. */
  of?: string | undefined
  /** The bounds of its time, half-open, as text; null if there is none. */
  from: string | null
  to: string | null
}

/** A relation whose rows are exported. */
export interface Source extends Subject {
  database: string
  databaseOid: number
  relationOid: number
  /**
   * The relations that hold its rows on disk, quoted as in SQL: itself or its partitions, and for a compressed chunk
   * the one with the compressed batches. Null if one of them has no row versions that can be compared: a foreign table,
   * or another access method than heap.
   */
  heaps: readonly string[] | null
  /** What LOCK TABLE takes: all of these. */
  lockable: readonly string[]
}

interface SourceRow {
  database: string
  database_oid: number
  relation_oid: number
  relation: string
  heaps: string[]
  lockable: string[]
  comparable: boolean
}

/** Reads from the catalog what an export needs to know. @throws OpsError NO_SUCH_TABLE */
export async function readSource(db: Db, {chunkCatalog, citus}: Server, subject: Subject): Promise<Source> {
  const [row] = await db.query<SourceRow>(statement(loadSql('export/source'), [subject.relation]))
  if (row === undefined)
    throw usageError('NO_SUCH_TABLE', `There is no table ${subject.relation} any more. Nothing was exported.`, [
      'Repeat the command: it plans again.',
    ])
  const parts = chunkCatalog === null ? [] : await compressedPart(db, chunkCatalog, row.relation_oid)
  // The relation of a table that Citus distributes is empty here: its row versions are on the nodes.
  const comparable = row.comparable && !(citus !== null && (await isDistributed(db, row.relation_oid)))
  return {
    ...subject,
    database: row.database,
    databaseOid: row.database_oid,
    relationOid: row.relation_oid,
    heaps: comparable ? [...row.heaps, ...parts] : null,
    lockable: [...row.lockable, ...parts],
  }
}

async function isDistributed(db: Db, relation: number): Promise<boolean> {
  const rows = await db.query(statement(loadSql('export/distributed'), [relation]))
  return rows.length > 0
}

const compressedPartSql = {names: 'export/compressed-part-names', relid: 'export/compressed-part-relid'}

async function compressedPart(db: Db, catalog: keyof typeof compressedPartSql, relation: number): Promise<string[]> {
  const rows = await db.query<{name: string}>(statement(loadSql(compressedPartSql[catalog]), [relation]))
  return rows.map(({name}) => name)
}

/** TimescaleDB then reads a compressed chunk without the rows in its compressed batches, which are read as they are. */
export const withoutDecompression = `set_config('timescaledb.enable_transparent_decompression', 'off', true)`

/**
 * An expression of one text that changes if any row version is added, removed or replaced: the number of row versions
 * of each heap, and the sum of a hash of where each one is and which transaction wrote it. Reads no values, so it takes
 * a seventh of the time of the content. It also changes if the table is rewritten, although the rows are the same.
 *
 * A query for each heap: TimescaleDB 2.29 decompresses a chunk in a UNION ALL in spite of the setting and of ONLY.
 */
export function versionExpression(heaps: readonly string[]): string {
  const parts = heaps.map(
    (heap) =>
      `(select concat(count(*), ' ', coalesce(sum(hashtextextended(concat(ctid, xmin), 0)), 0)) from only ${heap})`,
  )
  // Not concat_ws: a function takes at most 100 arguments.
  return `array_to_string(array[${parts.join(',\n  ')}], ', ')`
}

/** A statement that raises an error unless the row versions are these. Its transaction holds a lock against writers. */
export function versionGuard(heaps: readonly string[], expected: string, relation: string): string {
  return guard(relation, `perform ${withoutDecompression};`, versionExpression(heaps), expected)
}

/** The same by a query of one text, for relations whose row versions cannot be compared. */
export function contentGuard(relation: string, query: string, expected: string): string {
  return guard(relation, '', `(${query})`, expected)
}

function guard(relation: string, before: string, expression: string, expected: string): string {
  const message = `${relation} has changed since its export, so it was not dropped`
  const body = `begin
${before}
if ${expression} is distinct from ${quoteLiteral(expected)} then
  raise exception using errcode = '55000', message = ${quoteLiteral(message)},
    detail = 'Rows were written or the table was rewritten. Run the command again: it exports what changed.';
end if;
end`
  let tag = 'guard'
  for (let n = 1; body.includes(`$${tag}$`); n += 1) tag = `guard${n}`
  return `do $${tag}$\n${body}\n$${tag}$`
}
