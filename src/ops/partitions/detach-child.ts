import {doBlock, ident, literal, raw, sql, type Statement} from '../../db/sql.js'
import type {Step} from '../../plan/step.js'
import type {Child} from '../../reports/partitions/children.js'
import {dropMark} from '../../reports/partitions/leftovers.js'
import type {PartitionSet} from '../../reports/partitions/sets.js'
import {waitForHolders} from './wait-for-holders.js'

/** How long one look waits for transactions to end before the step is given back to be tried again. */
const patience = '2 seconds'

/**
 * Takes a partition out while everybody goes on working, in steps that can each be repeated: look that no old
 * transaction is in the way, DETACH CONCURRENTLY, and FINALIZE where that was broken off in the middle.
 * @param mark what is written on the partition first, so that a run that was killed is understood later
 */
export function detachConcurrently(set: PartitionSet, child: Child, mark: Statement | null, dependsOn: readonly string[]): Step[] {
  const {relation} = child
  const [parent, partition] = [ident(set.schema, set.table), ident(child.schema, child.partition)]
  if (child.pending) return [finalizeDetach(set, child, dependsOn)]
  return [
    {
      id: `detach ${relation}`,
      kind: 'detach',
      object: relation,
      // Each by itself: what waits again after a failure has waited before anything was begun.
      statements: [waitForHolders(set.relation, patience), ...(mark ? [mark] : []), sql`alter table ${parent} detach partition ${partition} concurrently`],
      lock: set.related.length > 0 ? 'SHARE ROW EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
      class: 'undo',
      transaction: 'none',
      // A pending one is half done: doing it again is an error, and the next step finishes it.
      doneCheck: sql`select not exists (
  select from pg_inherits where inhrelid = to_regclass(${relation}) and inhparent = to_regclass(${set.relation}) and not inhdetachpending
) as done`,
      repeatable: true,
      dependsOn,
      relations: [set.relation, relation, ...set.related],
      bytes: null,
    },
    finalizeDetach(set, child, [`detach ${relation}`]),
  ]
}

/** Finishes a detach that was broken off; does nothing where there is none. */
export function finalizeDetach(set: PartitionSet, child: Child, dependsOn: readonly string[]): Step {
  const {relation} = child
  return {
    id: `finalize ${relation}`,
    kind: 'finalize',
    object: relation,
    statements: [
      doBlock`
begin
  if exists (select from pg_inherits where inhrelid = to_regclass(${relation}) and inhdetachpending) then
    alter table ${ident(set.schema, set.table)} detach partition ${ident(child.schema, child.partition)} finalize;
  end if;
end`,
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    // It asks by itself: where nothing is pending it is done at once.
    doneCheck: null,
    repeatable: true,
    dependsOn,
    relations: [set.relation, relation],
    bytes: null,
  }
}

/** With a default partition PostgreSQL refuses CONCURRENTLY: everybody waits for as long as the lock is held. */
export function detachAtOnce(set: PartitionSet, child: Child, before: readonly Statement[], dependsOn: readonly string[]): Step {
  const {relation} = child
  if (child.pending) return finalizeDetach(set, child, dependsOn)
  return {
    id: `detach ${relation}`,
    kind: 'detach',
    object: relation,
    statements: [...before, sql`alter table ${ident(set.schema, set.table)} detach partition ${ident(child.schema, child.partition)}`],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    doneCheck: sql`select not exists (select from pg_inherits where inhrelid = to_regclass(${relation}) and inhparent = to_regclass(${set.relation})) as done`,
    repeatable: true,
    dependsOn,
    relations: [set.relation, relation, set.defaultPartition!, ...set.related],
    bytes: null,
  }
}

/**
 * Drops a table that is no partition any more.
 * @param acceptLoss also where rows came after its coverage was asked for
 */
export function dropDetached(child: Pick<Child, 'relation' | 'schema' | 'partition' | 'kind' | 'bytes'>, set: PartitionSet, dependsOn: readonly string[], acceptLoss: boolean): Step {
  const {relation, kind, bytes} = child
  return {
    id: `drop ${relation}`,
    kind: 'drop',
    object: relation,
    statements: [...(acceptLoss || kind === 'f' ? [] : refuseUnseen(child)), dropTable(child)],
    lock: 'ACCESS EXCLUSIVE',
    class: 'loss',
    transaction: 'own',
    doneCheck: sql`select to_regclass(${relation}) is null as done`,
    repeatable: true,
    dependsOn,
    // Its foreign keys have triggers on the tables they refer to.
    relations: [relation, ...set.related],
    bytes,
  }
}

export function dropTable({schema, partition, kind}: Pick<Child, 'schema' | 'partition' | 'kind'>): Statement {
  return sql`drop ${raw(kind === 'f' ? 'foreign table' : 'table')} ${ident(schema, partition)}`
}

/**
 * Written on a partition before it is detached to be dropped; a later run finds what an earlier one left by it, and
 * the drop itself which rows nobody has asked about.
 * @param seenUpTo the first transaction whose rows may have come after coverage was asked for; null: no aggregate needs them
 */
export function markForDrop(set: PartitionSet, child: Child, seenUpTo: string | null): Statement {
  const range = `from ${child.from ?? '-infinity'} to ${child.to ?? 'infinity'}`
  const seen = seenUpTo === null ? '' : `, rows seen up to transaction ${seenUpTo}`
  return sql`comment on ${raw(child.kind === 'f' ? 'foreign table' : 'table')} ${ident(child.schema, child.partition)} is ${literal(`${dropMark}${set.relation}, ${range}${seen}`)}`
}

/**
 * Raises where a table that was marked has rows of transactions that were not through when its coverage was asked for:
 * once it is detached, no aggregate can be asked about it any more. Nobody writes to it from here on. The 32 bits of
 * xmin are compared within the few transactions since then, so that an ancient row is not taken for a new one.
 */
export function refuseUnseen({relation, schema, partition}: Pick<Child, 'relation' | 'schema' | 'partition'>): Statement[] {
  const table = ident(schema, partition)
  return [
    sql`lock table ${table} in access exclusive mode`,
    doBlock`
declare
  seen numeric := substring(obj_description(to_regclass(${relation}), 'pg_class') from 'rows seen up to transaction ([0-9]+)$')::numeric;
  till numeric := pg_snapshot_xmax(pg_current_snapshot())::text::numeric;
  unseen boolean;
begin
  if seen is not null then
    select exists (select from ${table} where mod(xmin::text::numeric - mod(seen, 4294967296) + 4294967296, 4294967296) < till - seen) into unseen;
    if unseen then
      raise exception using errcode = '55000', message = format('rows were written to %s after its coverage was asked for, so it was not dropped', ${relation}::text),
        detail = 'Where it is detached already: attach it again (ALTER TABLE … ATTACH PARTITION), refresh the aggregates over it, drop again; or --accept-loss.';
    end if;
  end if;
end`,
  ]
}

/** Takes such a mark away: what is detached to be kept must not be dropped by a later run. */
export function unmark(child: Child): Statement {
  return sql`comment on ${raw(child.kind === 'f' ? 'foreign table' : 'table')} ${ident(child.schema, child.partition)} is null`
}
