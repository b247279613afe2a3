import type {Database} from '../../db/database.js'
import type {Plan, Step} from '../../plan/step.js'
import type {Child} from '../../reports/partitions/children.js'
import {formatBytes} from '../../units/bytes.js'
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
  notes.push(...weightOf(old))
  const summary = `detach ${count(old.length + pending.length)} of ${set.relation}`
  return {plan: {operation: `partitions detach ${set.relation}`, summary, cutoff, locks: [`table ${set.relation}`], steps}, notes}
}

export function count(partitions: number): string {
  return `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`
}

/** What the partitions of a plan hold together, for who is asked to say yes. */
export function weightOf(children: readonly Child[]): string[] {
  if (children.length === 0) return []
  const sum = (parts: readonly (number | null)[]) => parts.reduce<number>((total, part) => total + (part ?? 0), 0)
  const unknown = children.some(({rows}) => rows === null) ? ' or more' : ''
  const [first, last] = [children[0]!, children.at(-1)!]
  return [`${count(children.length)}, ${first.from ?? 'the beginning'} to ${last.to ?? 'the end'}: ${formatBytes(sum(children.map(({bytes}) => bytes)))}, about ${sum(children.map(({rows}) => rows))} rows${unknown}.`]
}
