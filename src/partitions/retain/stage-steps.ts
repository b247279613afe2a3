import {doBlock, ident, raw, sql, type Statement} from '../../db/sql.js'
import {formatQualifiedName, parseQualifiedName} from '../../db/qualified-name.js'
import {instantOf} from '../../catalog/time.js'
import type {ExportSettings} from '../../export/settings.js'
import type {Subject} from '../../export/source.js'
import {exportStep, fileBytes, requireExported} from '../../export/steps.js'
import type {Step} from '../../run/step.js'
import {keyChangedBy} from './detach-record.js'
import type {Remembered} from './remembered.js'
import type {PartitionSet} from '../sets.js'
import type {ArchiveStage} from './stages.js'

/** What a move changes, from sql/partitions/move-facts.sql; names are qualified and quoted as in SQL. */
export interface MoveFacts {
  /** The table and its sub-partitions that are in another schema, the deepest first. */
  relations: string[]
  /** Tables with storage in another tablespace. */
  tables: string[]
  indexes: string[]
  /** Why the move would fail; null if nothing is known. */
  problem: string | null
}

/**
 * Moves a detached table with its indexes: privileges, indexes, defaults and comments stay. A schema changes only the
 * catalog; a tablespace copies the files, under ACCESS EXCLUSIVE on this table alone.
 */
export function moveStep(
  each: Remembered,
  {schema, tablespace}: ArchiveStage,
  {relations, tables, indexes}: MoveFacts,
  dependsOn: readonly string[],
): Step {
  const table = each.table!
  const copies = tables.length + indexes.length > 0
  return {
    id: `move ${table.relation}`,
    kind: 'move',
    object: table.relation,
    statements: [
      ...locked(each),
      requireRecorded(each),
      ...tables.map((name) => sql`alter table ${named(name)} set tablespace ${ident(tablespace!)}`),
      ...indexes.map((name) => sql`alter index ${named(name)} set tablespace ${ident(tablespace!)}`),
      // Last: until then every name is that of the plan.
      ...relations.map(
        (name) =>
          sql`alter ${tableWord(name === table.relation ? table.kind : 'r')} ${named(name)} set schema ${ident(schema!)}`,
      ),
      sql`update qicore.detached_partition d set moved_at = clock_timestamp() where d.id = ${each.id}`,
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    doneCheck: sql`select to_regclass(${table.relation}) is distinct from ${each.oid}::oid::regclass as done`,
    repeatable: true,
    dependsOn,
    relations: [table.relation],
    bytes: copies ? table.bytes : null,
  }
}

/** Exports a detached table, or finds that its verified export has the rows that it has now, and records the file. */
export function exportRecorded(each: Remembered, settings: ExportSettings): Step {
  return exportStep({
    ...subjectOf(each),
    settings,
    bytes: each.table!.bytes,
    dependsOn: [],
    record: ({manifest, location}) => [
      requireRecorded(each),
      sql`update qicore.detached_partition d
set exported_at = clock_timestamp(), exported_to = ${location}, exported_rows = ${manifest.rows}, checksum = ${manifest.content.checksum},
  exported_bytes = ${fileBytes(manifest)}
where d.id = ${each.id}`,
    ],
  })
}

/** Its export is stored under the name that it had when it was detached: a later move does not change that. */
function subjectOf({table, set, recorded, start, end}: Remembered): Subject {
  return {
    relation: table!.relation,
    storedAs: formatQualifiedName(recorded.schema, recorded.partition),
    of: formatQualifiedName(set.schema, set.table),
    from: start === null ? null : instantOf(start),
    to: end === null ? null : instantOf(end),
  }
}

/**
 * Drops a detached table and records it.
 * @param to where its rows must have been exported to, verified and not changed since; null if no export is declared
 */
export function dropStep(
  each: Remembered,
  set: PartitionSet,
  to: ExportSettings | null,
  dependsOn: readonly string[],
): Step {
  const table = each.table!
  return {
    id: `drop ${table.relation}`,
    kind: 'drop',
    object: table.relation,
    ...(to !== null && {work: requireExported([subjectOf(each)], to)}),
    statements: [
      ...locked(each),
      requireRecorded(each),
      requireCounted(each),
      sql`drop ${tableWord(table.kind)} ${ident(table.schema, table.partition)}`,
      sql`update qicore.detached_partition d set dropped_at = clock_timestamp() where d.id = ${each.id}`,
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'loss',
    transaction: 'own',
    doneCheck: sql`select exists (select from qicore.detached_partition d where d.id = ${each.id} and d.dropped_at is not null) as done`,
    repeatable: true,
    dependsOn,
    // Dropping its foreign keys removes triggers from the tables they reference.
    relations: [table.relation, ...set.related],
    bytes: table.bytes,
  }
}

const tableWord = (kind: 'r' | 'p' | 'f') => raw(kind === 'f' ? 'foreign table' : 'table')

/** A foreign table cannot be locked by LOCK TABLE. */
function locked({table}: Remembered): Statement[] {
  const {schema, partition, kind} = table!
  return kind === 'f' ? [] : [sql`lock table ${ident(schema, partition)} in access exclusive mode`]
}

/**
 * Raises an error unless the name is that of the recorded table and it was not attached, detached or altered since: an
 * operator may have decided to keep its rows.
 */
function requireRecorded({id, oid, table}: Remembered): Statement {
  return doBlock`
begin
  if not exists (
    select from qicore.detached_partition d
    join pg_class c on c.oid = d.relation and not c.relispartition
    where d.id = ${id} and d.detached_at is not null and d.dropped_at is null and c.oid = ${oid}::oid
      and c.oid = to_regclass(${table!.relation})::oid and d.detached_xid = ${keyChangedBy()}
  ) then
    raise exception using errcode = '55000', message = format('%s is not the table that was detached, or it was attached, detached or altered since: it is kept', ${table!.relation}::text);
  end if;
end`
}

function requireCounted({id, table}: Remembered): Statement {
  return doBlock`
begin
  if not exists (select from qicore.detached_partition d where d.id = ${id} and d.counted_at is not null) then
    raise exception using errcode = '55000', message = format('the aggregates may not have computed all rows of %s: it is kept', ${table!.relation}::text);
  end if;
end`
}

function named(relation: string) {
  const {schema, name} = parseQualifiedName(relation)
  return ident(schema!, name)
}
