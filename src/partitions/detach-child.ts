import {doBlock, ident, raw, sql, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {Child} from './children.js'
import type {PartitionSet} from './sets.js'
import {waitForHolders, waitForPending} from '../run/wait-for-holders.js'
import {markDetached, markIntended, removeMark, requireDetached, withdrawMark} from './write-mark.js'

/** How long one attempt waits for transactions to end before the step is put back to be retried later. */
const holderTimeout = '2 seconds'

/** What becomes of a partition that is taken out: its table is kept, or is dropped next under this mark. */
export type Purpose = {kind: 'keep'} | {kind: 'drop'; mark: string}

/** A table that is kept must not carry the mark of a drop. */
function withoutMark(child: Child): Statement[] {
  return child.mark ? [removeMark(child)] : []
}

/**
 * Takes a partition out while its table is read and written, in steps that can each be repeated: wait until no old
 * transaction is in the way, DETACH CONCURRENTLY, and FINALIZE where that was interrupted.
 * @param dependsOn what finishes a partition that is pending already: PostgreSQL detaches no second one concurrently
 */
export function detachConcurrently(
  set: PartitionSet,
  child: Child,
  purpose: Purpose,
  dependsOn: readonly string[],
): Step[] {
  const {relation} = child
  const [parent, partition] = [ident(set.schema, set.table), ident(child.schema, child.partition)]
  if (child.pending) return [finalizeDetach(set, child, purpose, [])]
  const before = purpose.kind === 'drop' ? [markIntended(set, child, purpose.mark)] : withoutMark(child)
  return [
    {
      id: `detach ${relation}`,
      kind: 'detach',
      object: relation,
      // Each by itself: what waits again after a failure has waited before anything was begun.
      statements: [
        waitForHolders(set.relation, holderTimeout),
        waitForPending(set.relation, relation),
        ...before,
        sql`alter table ${parent} detach partition ${partition} concurrently`,
      ],
      ...(purpose.kind === 'drop' && {
        followUp: markDetached(child, purpose.mark),
        cleanUp: withdrawMark(child, purpose.mark),
      }),
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
    finalizeDetach(set, child, purpose, [`detach ${relation}`]),
  ]
}

/**
 * Finishes a detach that was interrupted; does nothing where there is none. What the purpose asks of the mark happens
 * in
 * the same transaction.
 */
export function finalizeDetach(set: PartitionSet, child: Child, purpose: Purpose, dependsOn: readonly string[]): Step {
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
      ...(purpose.kind === 'drop' ? [markDetached(child, purpose.mark)] : withoutMark(child)),
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

/** Whether CONCURRENTLY is impossible (a default partition), or pointless (the embedded engine has one session). */
export function detachesImmediately(set: PartitionSet, server: {embedded: boolean}): boolean {
  return set.defaultPartition !== null || server.embedded
}

/** Under ACCESS EXCLUSIVE: readers and writers of the table wait for as long as the lock is held. */
export function detachAtOnce(set: PartitionSet, child: Child, before: readonly Statement[]): Step {
  const {relation} = child
  if (child.pending) return finalizeDetach(set, child, {kind: 'keep'}, [])
  return {
    id: `detach ${relation}`,
    kind: 'detach',
    object: relation,
    statements: [
      ...before,
      sql`alter table ${ident(set.schema, set.table)} detach partition ${ident(child.schema, child.partition)}`,
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    doneCheck: sql`select not exists (select from pg_inherits where inhrelid = to_regclass(${relation}) and inhparent = to_regclass(${set.relation})) as done`,
    repeatable: true,
    dependsOn: [],
    relations: [
      set.relation,
      relation,
      ...(set.defaultPartition === null ? [] : [set.defaultPartition]),
      ...set.related,
    ],
    bytes: null,
  }
}

type Dropped = Pick<Child, 'relation' | 'schema' | 'partition' | 'kind' | 'bytes'>

/**
 * Drops a table that a drop has detached.
 * @param seen see {@link refuseUnseen}; null: no aggregate needs its rows, or the loss was accepted
 */
export function dropDetached(
  child: Dropped,
  set: PartitionSet,
  mark: string,
  seen: string | null,
  dependsOn: readonly string[],
): Step {
  const {relation, kind, bytes} = child
  return {
    id: `drop ${relation}`,
    kind: 'drop',
    object: relation,
    statements: [
      ...(kind === 'f' ? [] : [sql`lock table ${ident(child.schema, child.partition)} in access exclusive mode`]),
      requireDetached(child, mark),
      ...(seen === null || kind === 'f' ? [] : [refuseUnseen(child, seen)]),
      dropTable(child),
    ],
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

/** Detaches and drops in one transaction, where ACCESS EXCLUSIVE is held on the set either way. */
export function dropAtOnce(set: PartitionSet, child: Child, seen: string | null): Step {
  const detach = detachAtOnce(set, child, [])
  const guard =
    seen === null || child.kind === 'f'
      ? []
      : [sql`lock table ${ident(child.schema, child.partition)} in access exclusive mode`, refuseUnseen(child, seen)]
  return {
    ...detach,
    id: `drop ${child.relation}`,
    kind: 'drop',
    statements: [...detach.statements, ...guard, dropTable(child)],
    class: 'loss',
    doneCheck: sql`select to_regclass(${child.relation}) is null as done`,
    bytes: child.bytes,
  }
}

function dropTable({schema, partition, kind}: Pick<Child, 'schema' | 'partition' | 'kind'>): Statement {
  return sql`drop ${raw(kind === 'f' ? 'foreign table' : 'table')} ${ident(schema, partition)}`
}

/**
 * Raises where a table has rows of transactions that were not finished when its coverage was checked: once it is
 * detached, no aggregate can be asked about it any more. The table is locked, so that no rows are added. The 32 bits of
 * xmin are compared within the few transactions since then, so that an ancient row is not taken for a new one.
 * @param seen the first transaction whose rows may be newer than the check
 */
function refuseUnseen({relation, schema, partition}: Dropped, seen: string): Statement {
  return doBlock`
declare
  seen numeric := ${seen}::numeric;
  till numeric := pg_snapshot_xmax(pg_current_snapshot())::text::numeric;
begin
  if exists (select 1 from ${ident(schema, partition)} where mod(xmin::text::numeric - mod(seen, 4294967296) + 4294967296, 4294967296) < till - seen) then
    raise exception using errcode = '55000', message = format('rows were written to %s after its coverage was checked, so it was not dropped', ${relation}::text),
      detail = 'Where it is detached already: attach it again (ALTER TABLE … ATTACH PARTITION), refresh the aggregates over it, drop again; or --accept-loss.';
  end if;
end`
}
