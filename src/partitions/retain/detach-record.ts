import type {Database} from '../../db/database.js'
import {doBlock, ident, sql, type Statement} from '../../db/sql.js'
import {highest, lowest} from '../../catalog/span.js'
import {isZoned} from '../../catalog/time-key.js'
import type {Step} from '../../run/step.js'
import type {Child} from '../children.js'
import type {PartitionSet} from '../sets.js'

/**
 * The record of one attempt to detach a partition and keep its table (qicore.detached_partition). The row is written
 * before the detach, as an intention, and completed right after it; DETACH CONCURRENTLY can be in no transaction with
 * it. An intention allows nothing: if the detach fails and an operator detaches the table by hand, the row stays an
 * intention, and no stage of retention touches the table.
 */
export interface DetachRecord {
  /** Distinguishes this attempt from others: only it completes or removes its intention. */
  attempt: string
  /**
   * The first transaction whose rows the aggregates over the set may not have computed: {@link allUnseen} for all rows,
   * null if no aggregate needs them.
   */
  seen: string | null
}

/** No row counts as computed by the aggregates. */
export const allUnseen = '0'

/** Whether detached partitions can be recorded: the table exists, and the role that makes changes may write it. */
export async function mayRecord(db: Database): Promise<boolean> {
  if (!db.server.hasQicoreSchema) return false
  const role = db.target.role ?? db.server.role
  const [row] = await db.query<{may: boolean | null}>(
    sql`select has_table_privilege(${role}, t.oid, 'insert') and has_table_privilege(${role}, t.oid, 'update')
  and has_table_privilege(${role}, t.oid, 'delete') and has_table_privilege(${role}, t.oid, 'select')
  and has_schema_privilege(${role}, 'qicore', 'usage') as may
from to_regclass('qicore.detached_partition') as t (oid)`,
  )
  return row?.may === true
}

/** Records that a partition is going to be detached; a row of an earlier detach of the same table is replaced. */
export function recordIntention(set: PartitionSet, child: Child, {attempt, seen}: DetachRecord): Statement {
  return doBlock`
begin
  delete from qicore.detached_partition where relation = to_regclass(${child.relation})::oid and dropped_at is null;
  ${insertRecord(set, child, {attempt, seen})}
end`
}

function insertRecord(set: PartitionSet, child: Child, {attempt, seen}: DetachRecord): Statement {
  const {start, end, lowerText, upperText} = child.range!
  const point = (value: bigint) => (value === lowest || value === highest ? null : String(value))
  return sql`insert into qicore.detached_partition (
    set_schema, set_table, relation, schema, partition, key_column, lower_bound, upper_bound, range_start, range_end, zoned, attempt, seen
  )
  select ${set.schema}, ${set.table}, c.oid, ${child.schema}, ${child.partition}, ${set.column!}, ${lowerText}, ${upperText},
    ${point(start)}::bigint, ${point(end)}::bigint, ${isZoned(set.key!)}, ${attempt}, ${seen}
  from pg_class c where c.oid = to_regclass(${child.relation}) and c.relispartition;`
}

/** Completes the intention of this attempt, right after the detach and in the same session. */
export function recordDetached({relation}: Child, {attempt}: DetachRecord): Statement {
  return completed(relation, sql` and d.attempt = ${attempt}`)
}

/** Completes an intention of any attempt: only for the transaction that finishes a pending detach. */
export function recordFinalized({relation}: Child): Statement {
  return completed(relation, sql``)
}

function completed(relation: string, more: Statement): Statement {
  return sql`update qicore.detached_partition d
set detached_at = clock_timestamp(), counted_at = case when d.seen is null then clock_timestamp() end, detached_by = session_user,
   schema = n.nspname, partition = c.relname, detached_xid = ${keyChangedBy()}
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(${relation}) and d.relation = c.oid and d.detached_at is null and d.dropped_at is null and not c.relispartition${more}`
}

/**
 * The transaction that last changed the key column of `c`, which has the record `d`: ATTACH and DETACH write every
 * column in pg_attribute, while renames, moves, grants, VACUUM and ANALYZE write none.
 */
export function keyChangedBy(): Statement {
  return sql`(select a.xmin::text from pg_attribute a where a.attrelid = c.oid and a.attname = d.key_column)`
}

/** Removes the intention after a detach that failed. A pending detach keeps it: the next run finishes that detach. */
export function withdrawIntention({relation}: Child, {attempt}: DetachRecord): Statement {
  return sql`delete from qicore.detached_partition d
where d.relation = to_regclass(${relation})::oid and d.detached_at is null and d.attempt = ${attempt}
  and exists (select from pg_inherits i where i.inhrelid = d.relation and not i.inhdetachpending)`
}

/**
 * Records that the aggregates have computed all rows of a detached table; fails if it has rows of transactions that had
 * not ended when coverage was checked. Coverage cannot be checked after the detach, and no row is added any more
 * through the set.
 */
export function countStep(
  {relation, schema, partition}: Pick<Child, 'relation' | 'schema' | 'partition'>,
  dependsOn: readonly string[],
): Step {
  return {
    id: `count ${relation}`,
    kind: 'count',
    object: relation,
    statements: [refuseUncounted({relation, schema, partition})],
    lock: 'SHARE',
    class: 'safe',
    transaction: 'own',
    doneCheck: sql`select not exists (
  select from qicore.detached_partition d where d.relation = to_regclass(${relation})::oid and d.dropped_at is null and d.counted_at is null
) as done`,
    repeatable: true,
    dependsOn,
    relations: [relation],
    bytes: null,
  }
}

/** xmin has 32 bits: it is compared with the range of transactions since the check, as long as that is unambiguous. */
function refuseUncounted({relation, schema, partition}: Pick<Child, 'relation' | 'schema' | 'partition'>): Statement {
  return doBlock`
declare
  seen numeric := (select d.seen::numeric from qicore.detached_partition d where d.relation = to_regclass(${relation})::oid and d.dropped_at is null);
  till numeric;
begin
  lock table ${ident(schema, partition)} in share mode;
  till := pg_snapshot_xmax(pg_current_snapshot())::text::numeric;
  if till - seen > 2000000000 or exists (
    select 1 from ${ident(schema, partition)} where mod(xmin::text::numeric - mod(seen, 4294967296) + 4294967296, 4294967296) < till - seen
  ) then
    raise exception using errcode = '55000', message = format('the aggregates over the table may not have computed all rows of %s: rows were written after the check, or it was not checked', ${relation}::text),
      detail = 'Attach it again (ALTER TABLE … ATTACH PARTITION) and refresh the aggregates; the next run detaches it.';
  end if;
  update qicore.detached_partition d set counted_at = clock_timestamp() where d.relation = to_regclass(${relation})::oid and d.dropped_at is null;
end`
}
