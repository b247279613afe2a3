import {plural} from '../units/plural.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {sql, statement, type Statement} from '../db/sql.js'
import {qualifiedName, type Chunk, type Table} from '../catalog/table.js'
import {formatChunkNames} from './hypertable.js'

/** Publications and slots that send the changes of a hypertable's chunks to subscribers. */
export interface LogicalReaders {
  /** Publications by oid of the chunk or hypertable that they include. */
  published: ReadonlyMap<number, readonly string[]>
  /** The publications that send deletes. */
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

/** Whether a subscriber would get DELETEs for the rows that compression deletes from this chunk. */
export function sendsDeletes(
  {published, deleting, decodesAll}: LogicalReaders,
  {relation}: Pick<Chunk, 'relation'>,
): boolean {
  return decodesAll.length > 0 || (published.get(relation) ?? []).some((name) => deleting.has(name))
}

/** Whether compression must truncate the copied rows, which no subscriber sees, and never delete them. */
export function mustTruncate(readers: LogicalReaders, table: Table, chunk: Chunk): boolean {
  return readers.slots.length > 0 || sendsDeletes(readers, chunk) || sendsDeletes(readers, table)
}

/**
 * Sets how compress_chunk removes the copied rows. Decided in the transaction that compresses, since a publication may
 * have been created after the plan.
 * - `truncate_only` if the chunk is published: subscribers would get every DELETE and lose the rows.
 * - `truncate_disabled` if another session uses the chunk: `truncate_or_delete` would first try to truncate for 5 s,
 *   and block writers for that time.
 * - Otherwise `truncate_or_delete`, which does not queue for the lock. `truncate_only` does: an UPDATE that has locked
 *   the chunk for planning and waits for the copy can then deadlock with it.
 *
 * Prepared, because parsing and planning it for each chunk took 0.4 ms, as long as its execution.
 */
export function truncateBehaviour(table: Table, name: string): Statement {
  const hypertable = qualifiedName({schema: table.storage.schema, name: table.storage.name})
  const query = sql`select set_config('timescaledb.compress_truncate_behaviour', case when exists (
  select from pg_replication_slots where slot_type = 'logical' and database = current_database()
) or exists (
  select from pg_publication p cross join lateral pg_get_publication_tables(p.pubname) as t
  where p.pubdelete and t.relid in (to_regclass(${hypertable}), to_regclass(${name}))
) then 'truncate_only' when exists (
  select from pg_locks where locktype = 'relation' and relation = to_regclass(${name}) and pid is distinct from pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())
) then 'truncate_disabled' else 'truncate_or_delete' end, true)`
  return {...query, name: 'qicore:truncate-behaviour'}
}

/** The publications and slots in words: `publication p, replication slot s`. */
export function readersInWords(readers: LogicalReaders, chunks: readonly Chunk[]): string {
  const publications = new Set(chunks.flatMap(({relation}) => readers.published.get(relation) ?? []))
  return [
    ...[...publications].map((name) => `publication ${name}`),
    ...readers.decodesAll.map((name) => `replication slot ${name}`),
  ].join(', ')
}

/** Notes about publications that include some but not all chunks: rows of the others reach no subscriber. */
export function partlyPublished({published}: LogicalReaders, table: Table, chunks: readonly Chunk[]): string[] {
  const names = new Set([...published.values()].flat())
  return [...names].flatMap((name) => {
    const count = chunks.filter(({relation}) => published.get(relation)?.includes(name)).length
    if (count === 0 || count === chunks.length) return []
    return [
      `Publication ${name} has ${count} of ${plural(chunks.length, 'chunk')} of ${qualifiedName(table)}, so ` +
        `changes of the others are not sent. To add them: alter publication ${name} add table …`,
    ]
  })
}

/** Notes about the chunks that publications lose by a drop. */
export function publishedDropNotes(readers: LogicalReaders, chunks: readonly Chunk[]): string[] {
  const names = [...new Set(chunks.flatMap(({relation}) => readers.published.get(relation) ?? []))]
  return names.map((name) => {
    const lost = chunks.filter(({relation}) => readers.published.get(relation)?.includes(name))
    return (
      `Publication ${name} has ${formatChunkNames(lost)}: the drop removes ${lost.length === 1 ? 'it' : 'them'} ` +
      'from the publication; subscribers keep the rows.'
    )
  })
}
