import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {sql, statement} from '../../db/sql.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import type {Step} from '../../plan/step.js'
import type {Child} from '../../reports/partitions/children.js'
import {readLeftovers} from '../../reports/partitions/leftovers.js'
import {firstUnseen, uncovered} from './coverage.js'
import {count, weightOf, type OldPlan} from './detach.js'
import {detachAtOnce, detachConcurrently, dropDetached, dropTable, finalizeDetach, markForDrop, refuseUnseen} from './detach-child.js'
import {insteadOfConcurrently, oldPartitions, requireSession, type OldPartitions, type OldRequest} from './old-partitions.js'
import type {PartitionSet} from '../../reports/partitions/sets.js'

export interface DropRequest extends OldRequest {
  /** Also what an aggregate has not covered. */
  acceptLoss: boolean
}

/**
 * Drops partitions with their rows, and what an earlier run detached for it and could not drop.
 * @throws OpsError NOT_COVERED (exit 7) where an aggregate over the set has not seen all of their rows; DEPENDENTS where
 * a drop would fail after the detaching
 */
export async function planDrop(db: Database, request: DropRequest): Promise<OldPlan> {
  const found = await oldPartitions(db, request)
  const {set, cutoff, old, pending, kept} = found
  const {acceptLoss} = request
  // Before coverage is asked for: what is written from now on has not been asked about.
  const seenUpTo = acceptLoss ? null : await firstUnseen(db, set)
  await requireCoverage(db, found, acceptLoss)
  await requireIndependence(db, found)
  const notes = kept ? [`${kept.relation} is older too, and the last partition: it stays.`] : []
  if (set.defaultPartition === null && old.length > 0) requireSession(db)
  if (set.defaultPartition !== null && old.length > 0) notes.push(insteadOfConcurrently(set))
  const leftovers = (await readLeftovers(db, [set.relation])).filter((leftover) => isOld(leftover, found))
  const steps: Step[] = leftovers.map((leftover) => dropDetached(leftover, set, [], acceptLoss))
  let before: string[] = []
  for (const child of pending) {
    const step = finalizeDetach(set, child, before)
    steps.push(step)
    before = [step.id]
    // Pending since a run of ours that meant to drop it.
    if (isOld(child, found) && child.marked) steps.push(dropDetached(child, set, [step.id], acceptLoss))
  }
  for (const child of old) {
    if (set.defaultPartition !== null) {
      steps.push(dropAtOnce(set, child, seenUpTo))
      continue
    }
    const chain = detachConcurrently(set, child, markForDrop(set, child, seenUpTo), before)
    before = [chain.at(-1)!.id]
    steps.push(...chain, dropDetached(child, set, before, acceptLoss))
  }
  const doomed = steps.filter((step) => step.class === 'loss').length
  notes.push(...weightOf(old))
  const summary = `drop ${count(doomed)} of ${set.relation}`
  return {plan: {operation: `partitions drop ${set.relation}`, summary, cutoff, locks: [`table ${set.relation}`], steps}, notes}
}

async function requireCoverage(db: Database, {set, old}: OldPartitions, accepted: boolean): Promise<void> {
  const missing = accepted ? [] : await uncovered(db, set, old)
  if (missing.length === 0) return
  throw new OpsError('NOT_COVERED', `Rows would be lost that an aggregate has not seen; nothing was dropped.\n${missing.map(({message}) => message).join('\n')}`, {
    exit: ExitCode.refused,
    suggestions: [...missing.flatMap(({fix}) => fix ?? []).slice(0, 1).map((fix) => `Refresh the aggregate over that range first: ${fix}`), '--accept-loss drops them all the same.'],
  })
}

async function requireIndependence(db: Database, {old}: OldPartitions): Promise<void> {
  const rows = await db.query<{relation: string; dependents: string}>(statement(loadSql('catalog/partition-dependents'), [old.map(({relation}) => relation)]))
  if (rows.length === 0) return
  throw usageError('DEPENDENTS', `Nothing was dropped, because something depends on what would be.\n${rows.map(({relation, dependents}) => `${relation}: ${dependents}`).join('\n')}`, [
    'Drop what depends on it first, or take the partition out with partitions detach.',
  ])
}

function isOld({toEpoch}: Pick<Child, 'toEpoch'>, {cutoffEpoch}: OldPartitions): boolean {
  return toEpoch !== null && toEpoch <= cutoffEpoch
}

/** Beside a default partition both happen in one transaction: the lock is held either way. */
function dropAtOnce(set: PartitionSet, child: Child, seenUpTo: string | null): Step {
  const guarded = seenUpTo !== null && child.kind !== 'f'
  const detach = detachAtOnce(set, child, guarded ? [markForDrop(set, child, seenUpTo)] : [], [])
  return {
    ...detach,
    id: `drop ${child.relation}`,
    kind: 'drop',
    statements: [...detach.statements, ...(guarded ? refuseUnseen(child) : []), dropTable(child)],
    class: 'loss',
    doneCheck: sql`select to_regclass(${child.relation}) is null as done`,
    bytes: child.bytes,
  }
}
