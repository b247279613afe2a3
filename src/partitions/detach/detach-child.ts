import {doBlock, ident, raw, sql, type Statement} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import type {Child} from '../children.js'
import type {PartitionSet} from '../sets.js'
import {waitForHolders, waitForPending} from '../../run/wait-for-holders.js'
import {
  recordDetached,
  recordFinalized,
  recordIntention,
  withdrawIntention,
  type DetachRecord,
} from '../retain/detach-record.js'
import {markDetached, markIntended, removeMark, requireDetached, withdrawMark} from './write-mark.js'

/** How long one attempt waits for transactions to end before the step is retried later. */
const holderTimeout = '2 seconds'

/**
 * What happens to a detached partition: its table is kept and recorded, or dropped in the next step under this mark.
 * The record is null where it cannot be written.
 */
export type Purpose = {kind: 'keep'; record: DetachRecord | null} | {kind: 'drop'; mark: string}

/** A table that is kept must not have the mark of a drop. */
function withoutMark(child: Child): Statement[] {
  return child.mark ? [removeMark(child)] : []
}

/** The statements before a detach: what is intended is written first, and takes effect only when it is completed. */
function intended(set: PartitionSet, child: Child, purpose: Purpose): Statement[] {
  if (purpose.kind === 'drop') return [markIntended(set, child, purpose.mark)]
  return [...withoutMark(child), ...(purpose.record === null ? [] : [recordIntention(set, child, purpose.record)])]
}

/** What completes the intention behind a detach, and what removes it after one that failed. */
function completion(child: Child, purpose: Purpose): Pick<Step, 'followUp' | 'cleanUp'> {
  if (purpose.kind === 'drop')
    return {followUp: markDetached(child, purpose.mark), cleanUp: withdrawMark(child, purpose.mark)}
  const {record} = purpose
  return record === null ? {} : {followUp: recordDetached(child, record), cleanUp: withdrawIntention(child, record)}
}

/**
 * Steps that detach a partition without blocking reads and writes: wait for older transactions, DETACH CONCURRENTLY,
 * and
 * FINALIZE if that was interrupted. Each can be repeated.
 * @param dependsOn steps that finish a pending detach: PostgreSQL allows one pending detach a table
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
  return [
    {
      id: `detach ${relation}`,
      kind: 'detach',
      object: relation,
      // Each statement is its own transaction: both waits come first, so a failed wait has changed nothing.
      statements: [
        waitForHolders(set.relation, holderTimeout),
        waitForPending(set.relation, relation),
        ...intended(set, child, purpose),
        sql`alter table ${parent} detach partition ${partition} concurrently`,
      ],
      ...completion(child, purpose),
      lock: set.related.length > 0 ? 'SHARE ROW EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
      class: 'undo',
      transaction: 'none',
      // Repeating the detach of a pending partition is an error, so pending counts as done: the next step finishes it.
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
 * Finishes a detach that was interrupted; does nothing if none was. The same transaction writes or removes the mark.
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
    alter table ${ident(set.schema, set.table)} detach partition ${ident(child.schema, child.partition)} finalize;${
      purpose.kind === 'keep' && purpose.record !== null
        ? sql`
    ${recordFinalized(child)};`
        : sql``
    }
  end if;
end`,
      ...(purpose.kind === 'drop' ? [markDetached(child, purpose.mark)] : keptAfterwards(child, purpose.record)),
    ],
    lock: 'ACCESS EXCLUSIVE',
    class: 'undo',
    transaction: 'own',
    // The statement itself checks whether a detach is pending.
    doneCheck: null,
    repeatable: true,
    dependsOn,
    relations: [set.relation, relation],
    bytes: null,
  }
}

/** Completes the record too if the connection was lost before the detach itself could. */
function keptAfterwards(child: Child, record: DetachRecord | null): Statement[] {
  return [...withoutMark(child), ...(record === null ? [] : [recordDetached(child, record)])]
}

/**
 * Whether CONCURRENTLY is impossible (default partition, Citus) or useless (the embedded engine has only one session).
 */
export function detachesImmediately(set: PartitionSet, server: {embedded: boolean}): boolean {
  return set.defaultPartition !== null || set.distributed || server.embedded
}

/**
 * Detaches under ACCESS EXCLUSIVE: readers and writers of the table wait while the lock is held. The record of a table
 * that is kept is written in the same transaction.
 */
export function detachAtOnce(set: PartitionSet, child: Child, record: DetachRecord | null): Step {
  const {relation} = child
  const keep: Purpose = {kind: 'keep', record}
  if (child.pending) return finalizeDetach(set, child, keep, [])
  return {
    id: `detach ${relation}`,
    kind: 'detach',
    object: relation,
    statements: [
      ...intended(set, child, keep),
      sql`alter table ${ident(set.schema, set.table)} detach partition ${ident(child.schema, child.partition)}`,
      ...(record === null ? [] : [recordDetached(child, record)]),
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
 * @param seen see {@link refuseUnseen}; null if no aggregate needs its rows, or the loss was accepted
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
    // Dropping its foreign keys removes triggers from the tables they reference.
    relations: [relation, ...set.related],
    bytes,
  }
}

/** Detaches and drops in one transaction, if detaching needs ACCESS EXCLUSIVE on the set anyway. */
export function dropAtOnce(set: PartitionSet, child: Child, seen: string | null): Step {
  const detach = detachAtOnce(set, child, null)
  // One command of Citus instead of two: each is a round trip to every node under ACCESS EXCLUSIVE.
  const first = set.distributed ? [] : detach.statements
  const guard =
    seen === null || child.kind === 'f'
      ? []
      : [sql`lock table ${ident(child.schema, child.partition)} in access exclusive mode`, refuseUnseen(child, seen)]
  return {
    ...detach,
    id: `drop ${child.relation}`,
    kind: 'drop',
    statements: [...first, ...guard, dropTable(child)],
    class: 'loss',
    doneCheck: sql`select to_regclass(${child.relation}) is null as done`,
    bytes: child.bytes,
  }
}

function dropTable({schema, partition, kind}: Pick<Child, 'schema' | 'partition' | 'kind'>): Statement {
  return sql`drop ${raw(kind === 'f' ? 'foreign table' : 'table')} ${ident(schema, partition)}`
}

/**
 * Raises an error if the table has rows of transactions that had not ended when its coverage was checked: after the
 * detach, coverage cannot be checked any more. The table is locked, so no rows are added. xmin has 32 bits; it is
 * compared with the range of transactions since the check, so that an old row is not taken for a new one.
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
      detail = 'If it is detached: attach it again (ALTER TABLE … ATTACH PARTITION), refresh the aggregates over it and repeat the drop, or use --accept-loss.';
  end if;
end`
}
