import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {literal, sql, statement, type Statement} from '../db/sql.js'
import {qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import {formatChunkNames, pluralize} from './hypertable.js'

/** Who is sent, row by row, what is written to a hypertable's chunks. */
export interface LogicalReaders {
  /** Chunks and the hypertable itself, by oid, with the publications that have them. */
  published: ReadonlyMap<number, readonly string[]>
  /** Those of the publications that send deletes. */
  deleting: ReadonlySet<string>
  /** Logical replication slots of this database. */
  slots: readonly string[]
  /** Slots whose plugin decodes every table. */
  decodesAll: readonly string[]
}

interface ReaderRow {
  publication: string | null
  slot: string | null
  relation: number | null
  deletes: boolean
}

export async function readLogicalReaders(
  db: Database,
  table: Table,
  chunks: readonly Chunk[],
): Promise<LogicalReaders> {
  const rows = await db.query<ReaderRow>(
    statement(loadSql('chunks/logical-readers'), [[table.relation, ...chunks.map(({relation}) => relation)]]),
  )
  const published = new Map<number, string[]>()
  for (const {publication, relation} of rows)
    if (publication !== null && relation !== null)
      published.set(relation, [...(published.get(relation) ?? []), publication])
  const slots = rows.filter(({slot}) => slot !== null)
  const deleting = new Set(
    rows.flatMap(({publication, deletes}) => (publication !== null && deletes ? [publication] : [])),
  )
  return {
    published,
    deleting,
    slots: slots.map(({slot}) => slot!),
    decodesAll: slots.filter(({deletes}) => deletes).map(({slot}) => slot!),
  }
}

/** Whether rows that compression deletes from this chunk would reach a subscriber as DELETEs. */
export function sendsDeletes(
  {published, deleting, decodesAll}: LogicalReaders,
  {relation}: Pick<Chunk, 'relation'>,
): boolean {
  return decodesAll.length > 0 || (published.get(relation) ?? []).some((name) => deleting.has(name))
}

/** Whether the copied rows must be truncated, which is sent to no subscriber, and never deleted. */
export function mustTruncate(readers: LogicalReaders, table: Table, chunk: Chunk): boolean {
  return readers.slots.length > 0 || sendsDeletes(readers, chunk) || sendsDeletes(readers, table)
}

/**
 * Sets how compress_chunk removes the copied rows. Asked by the transaction that compresses: a publication may have
 * been created since the plan.
 * - Subscribers would be sent every DELETE and lose the rows: such chunks are only ever truncated.
 * - Where another session uses the chunk, the rows are deleted at once: `truncate_or_delete` would try to truncate for
 *   5 s first, and writers wait for that long.
 * - Otherwise `truncate_or_delete`, which waits for no lock in a queue. `truncate_only` would: an UPDATE that holds the
 *   chunk for its planning and waits for the copy can then end in a deadlock.
 */
export function truncateBehaviour(table: Table, name: string): Statement {
  return sql`select set_config('timescaledb.compress_truncate_behaviour', case when exists (
  select from pg_replication_slots where slot_type = 'logical' and database = current_database()
) or exists (
  select from pg_publication p cross join lateral pg_get_publication_tables(p.pubname) as t
  where p.pubdelete and t.relid in (to_regclass(${literal(qualifiedName({schema: table.storage.schema, name: table.storage.name}))}), to_regclass(${literal(name)}))
) then 'truncate_only' when exists (
  select from pg_locks where locktype = 'relation' and relation = to_regclass(${literal(name)}) and pid is distinct from pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())
) then 'truncate_disabled' else 'truncate_or_delete' end, true)`
}

/** Whose subscribers these are: `publication p`, `slot s`. */
export function readersInWords(readers: LogicalReaders, chunks: readonly Chunk[]): string {
  const publications = new Set(chunks.flatMap(({relation}) => readers.published.get(relation) ?? []))
  return [
    ...[...publications].map((name) => `publication ${name}`),
    ...readers.decodesAll.map((name) => `replication slot ${name}`),
  ].join(', ')
}

/** Publications that have some of a hypertable's chunks but not all: rows of the others are sent to no subscriber. */
export function partlyPublished({published}: LogicalReaders, table: Table, chunks: readonly Chunk[]): string[] {
  const names = new Set([...published.values()].flat())
  return [...names].flatMap((name) => {
    const count = chunks.filter(({relation}) => published.get(relation)?.includes(name)).length
    if (count === 0 || count === chunks.length) return []
    return [
      `Publication ${name} has ${count} of ${pluralize(chunks.length, 'chunk')} of ${qualifiedName(table)}: changes of the others are not sent. alter publication ${name} add table … adds them.`,
    ]
  })
}

/** What a drop takes from publications. */
export function publishedDropNotes(readers: LogicalReaders, chunks: readonly Chunk[]): string[] {
  const names = [...new Set(chunks.flatMap(({relation}) => readers.published.get(relation) ?? []))]
  return names.map((name) => {
    const lost = chunks.filter(({relation}) => readers.published.get(relation)?.includes(name))
    return `Publication ${name} has ${formatChunkNames(lost)}: with the drop it loses ${lost.length === 1 ? 'it' : 'them'}; subscribers keep the rows.`
  })
}
