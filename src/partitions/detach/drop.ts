import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import type {Step} from '../../run/step.js'
import type {Child} from '../children.js'
import {readLeftovers, type Leftover} from './leftovers.js'
import {detachCommands, triggerNotes} from '../commands.js'
import {firstUnseen, uncovered} from '../coverage.js'
import {joinPlans, notesOf, weightOf, type OldPlan, type SetPlan} from './detach.js'
import {detachConcurrently, detachesImmediately, dropAtOnce, dropDetached, finalizeDetach} from './detach-child.js'
import {mayRecord} from '../retain/detach-record.js'
import {oldPartitions, type OldPartitions, type OldRequest} from './old-partitions.js'
import {readLostPublications, readReferences, referenceNotes} from '../references.js'
import type {PartitionSet} from '../sets.js'
import {markOf} from './write-mark.js'

export interface DropRequest extends OldRequest {
  /** Also drop rows that an aggregate has not covered. */
  acceptLoss: boolean
}

/**
 * Plans the drop of old partitions with their rows, and of tables that an earlier run detached and did not drop. Tables
 * that were detached by hand are never dropped.
 * @throws OpsError NOT_COVERED (exit 7) if an aggregate over the set has not covered all of their rows; DEPENDENTS if
 * the drop would fail after the detach
 */
export async function planDrop(db: Database, request: DropRequest): Promise<OldPlan> {
  const parts: SetPlan[] = []
  for (const found of await oldPartitions(db, request)) parts.push(await dropOf(db, found, request.acceptLoss))
  const planned = joinPlans('drop', request.relation, parts)
  // One step detaches and drops.
  const immediate = parts.some(({found: {set, old}}) => old.length > 0 && detachesImmediately(set, db.server))
  const triggers = await triggerNotes(db, planned.plan.steps, immediate ? detachCommands : [])
  return {...planned, notes: [...planned.notes, ...triggers]}
}

async function dropOf(db: Database, found: OldPartitions, acceptLoss: boolean): Promise<SetPlan> {
  const {set, old, pending} = found
  // Read before coverage: rows of later transactions may be missing from the check.
  const seenUpTo = acceptLoss ? null : await firstUnseen(db, set)
  if (seenUpTo !== null && set.distributed) throw uncheckable(set)
  await requireCoverage(db, found, acceptLoss)
  await requireIndependence(db, found)
  const notes = notesOf(found)
  const immediate = detachesImmediately(set, db.server)
  const leftovers = (await readLeftovers(db, [set.relation])).filter(({mark}) => isOld({toEpoch: mark.end}, found))
  notes.push(...leftovers.filter(({detachedToDrop}) => !detachedToDrop).map(keptByHand))
  const recorded = pending.length > 0 && (await mayRecord(db))
  const finish = pending.flatMap((child) => finishPending(child, found, acceptLoss, recorded))
  const pendingFirst = finish.filter(({kind}) => kind === 'finalize').map(({id}) => id)
  const steps: Step[] = [
    ...leftovers
      .filter(({detachedToDrop}) => detachedToDrop)
      .map((table) => dropDetached(table, set, table.mark.text, acceptLoss ? null : table.mark.seen, [])),
    ...finish,
    // The chains of two partitions do not depend on each other: if one fails, the others still run.
    ...old.flatMap((child) =>
      immediate ? [dropAtOnce(set, child, seenUpTo)] : detachAndDrop(child, found, seenUpTo, pendingFirst),
    ),
  ]
  const references = await readReferences(db, set, old)
  const publications = await readLostPublications(db, set, old, true)
  notes.push(...referenceNotes(references, publications, true), ...weightOf(old))
  const partitions = steps.filter((step) => step.class === 'loss').length
  return {found, steps, notes, references, publications, partitions}
}

async function requireCoverage(db: Database, {set, old}: OldPartitions, accepted: boolean): Promise<void> {
  const missing = accepted ? [] : await uncovered(db, set, old)
  if (missing.length === 0) return
  throw new OpsError(
    'NOT_COVERED',
    'The drop would lose rows that an aggregate has not computed; nothing was ' +
      `dropped.\n${missing.map(({child, why}) => `${child.relation}: ${why}`).join('\n')}`,
    {
      exit: ExitCode.refused,
      suggestions: [
        ...missing
          .flatMap(({fix}) => fix ?? [])
          .slice(0, 1)
          .map((fix) => `Refresh the aggregate over that range first: ${fix}`),
        '--accept-loss drops them anyway.',
      ],
    },
  )
}

/** Rows that are written between the check and the drop are found by xmin, and each node of Citus counts its own. */
function uncheckable({relation}: PartitionSet): OpsError {
  return new OpsError(
    'NOT_COVERED',
    `An aggregate reads ${relation}, which Citus distributes: whether it has computed all rows cannot be checked ` +
      'up to the drop. Nothing was dropped.',
    {exit: ExitCode.refused, suggestions: ['After checking the aggregate, --accept-loss drops them.']},
  )
}

async function requireIndependence(db: Database, {old}: OldPartitions): Promise<void> {
  const rows = await db.query<{relation: string; dependents: string}>(
    statement(loadSql('catalog/dependents'), [old.map(({relation}) => relation)]),
  )
  if (rows.length === 0) return
  throw usageError(
    'DEPENDENTS',
    'Nothing was dropped, because other objects depend on these ' +
      `partitions.\n${rows.map(({relation, dependents}) => `${relation}: ${dependents}`).join('\n')}`,
    ['Drop the dependent objects first, or detach the partitions and keep their tables: partitions detach.'],
  )
}

function isOld({toEpoch}: Pick<Child, 'toEpoch'>, {cutoffEpoch}: OldPartitions): boolean {
  return toEpoch !== null && toEpoch <= cutoffEpoch
}

/** Finishes a pending detach; the table is dropped only if the run that began the detach intended to drop it. */
function finishPending(
  child: Child,
  {set, cutoff, cutoffEpoch}: OldPartitions,
  acceptLoss: boolean,
  recorded: boolean,
): Step[] {
  const {mark} = child
  if (mark === null || mark.obsolete || child.toEpoch === null || child.toEpoch > cutoffEpoch)
    return [finalizeDetach(set, child, {kind: 'keep', record: recorded ? {attempt: cutoff, seen: null} : null}, [])]
  const finalize = finalizeDetach(set, child, {kind: 'drop', mark: mark.text}, [])
  return [finalize, dropDetached(child, set, mark.text, acceptLoss ? null : mark.seen, [finalize.id])]
}

function detachAndDrop(
  child: Child,
  {set, cutoff}: OldPartitions,
  seenUpTo: string | null,
  dependsOn: readonly string[],
): Step[] {
  const mark = markOf(set, child, cutoff, seenUpTo)
  const chain = detachConcurrently(set, child, {kind: 'drop', mark}, dependsOn)
  return [...chain, dropDetached(child, set, mark, seenUpTo, [chain.at(-1)!.id])]
}

/** The note about a table with the mark of a drop that did not detach it. */
export function keptByHand({relation, kind}: Pick<Leftover, 'relation' | 'kind'>): string {
  return (
    `${relation} has the mark of a drop, but that drop did not detach it, or it was changed since: it is kept. ` +
    `After checking its rows: COMMENT ON ${kind === 'f' ? 'FOREIGN TABLE' : 'TABLE'} ${relation} IS NULL, or DROP ` +
    'TABLE.'
  )
}
