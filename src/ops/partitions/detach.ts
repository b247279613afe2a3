import type {Database} from '../../db/database.js'
import type {Plan, Step} from '../../plan/step.js'
import {detachAtOnce, detachConcurrently, finalizeDetach, unmark} from './detach-child.js'
import {insteadOfConcurrently, oldPartitions, requireSession, type OldRequest} from './old-partitions.js'

export interface OldPlan {
  plan: Plan
  /** What the operator should know before saying yes. */
  notes: string[]
}

/** Takes partitions out of their set; their tables stay, with all rows. */
export async function planDetach(db: Database, request: OldRequest): Promise<OldPlan> {
  const {set, cutoff, old, pending, kept} = await oldPartitions(db, request)
  const notes = kept ? [`${kept.relation} is older too, and the last partition: it stays.`] : []
  if (set.defaultPartition === null && old.length > 0) requireSession(db)
  if (set.defaultPartition !== null && old.length > 0) notes.push(insteadOfConcurrently(set))
  const steps: Step[] = []
  // Each needs the one before it finished: while one is pending, no other can be detached concurrently.
  let before: string[] = []
  for (const child of pending) {
    const step = finalizeDetach(set, child, before)
    steps.push(step)
    before = [step.id]
  }
  for (const child of old) {
    const clean = child.marked ? unmark(child) : null
    if (set.defaultPartition !== null) {
      steps.push(detachAtOnce(set, child, clean ? [clean] : [], []))
      continue
    }
    const chain = detachConcurrently(set, child, clean, before)
    steps.push(...chain)
    before = [chain.at(-1)!.id]
  }
  const summary = `detach ${count(old.length + pending.length)} of ${set.relation} older than ${cutoff}`
  return {plan: {operation: `partitions detach ${set.relation}`, summary, cutoff, locks: [`table ${set.relation}`], steps}, notes}
}

export function count(partitions: number): string {
  return `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`
}
