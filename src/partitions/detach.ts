import type {Database} from '../db/database.js'
import type {Plan, Step} from '../run/step.js'
import type {Child} from './children.js'
import {formatBytes} from '../units/bytes.js'
import {instantInWords} from '../units/instant.js'
import {detachAtOnce, detachConcurrently, detachesImmediately, finalizeDetach} from './detach-child.js'
import {removeMark} from './write-mark.js'
import {
  readLostPublications,
  readReferences,
  referenceNotes,
  type LostPublication,
  type Reference,
} from './references.js'
import {insteadOfConcurrently, oldPartitions, requireSession, type OldRequest} from './old-partitions.js'

export interface OldPlan {
  plan: Plan
  /** Foreign keys that refer to the partitions of the plan, with the rows that use them. */
  references: Reference[]
  /** Publications that lose partitions. */
  publications: LostPublication[]
  /** Sentences printed before the confirmation. */
  notes: string[]
}

/** Plans the detach of old partitions; their tables stay, with all rows. */
export async function planDetach(db: Database, request: OldRequest): Promise<OldPlan> {
  const {set, cutoff, old, pending, kept} = await oldPartitions(db, request)
  const notes = kept ? [`${kept.relation} is older too, but it is the last partition, so it is kept.`] : []
  const immediate = detachesImmediately(set, db.server)
  if (!immediate && old.length > 0) requireSession(db)
  if (set.defaultPartition !== null && old.length > 0) notes.push(insteadOfConcurrently(set))
  const finish = pending.map((child) => finalizeDetach(set, child, {kind: 'keep'}, []))
  const pendingFirst = finish.map(({id}) => id)
  // The chains of two partitions do not depend on each other: if one fails, the others still run.
  const steps: Step[] = [
    ...finish,
    ...old.flatMap((child) => {
      if (immediate) return [detachAtOnce(set, child, child.mark ? [removeMark(child)] : [])]
      return detachConcurrently(set, child, {kind: 'keep'}, pendingFirst)
    }),
  ]
  const references = await readReferences(db, set, old)
  const publications = await readLostPublications(db, set, [...pending, ...old], false)
  notes.push(...referenceNotes(references, publications), ...weightOf(old))
  const summary = `detach ${count(old.length + pending.length)} of ${set.relation}`
  return {
    plan: {operation: `partitions detach ${set.relation}`, summary, cutoff, tables: [set.relation], locks: [], steps},
    notes,
    references,
    publications,
  }
}

export function count(partitions: number): string {
  return `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`
}

/** A note for the confirmation: number, range, bytes and rows of the partitions of a plan. */
export function weightOf(children: readonly Child[]): string[] {
  if (children.length === 0) return []
  const sum = (parts: readonly (number | null)[]) => parts.reduce<number>((total, part) => total + (part ?? 0), 0)
  const unknown = children.some(({rows}) => rows === null) ? ' or more' : ''
  const [first, last] = [children[0]!, children.at(-1)!]
  return [
    `${count(children.length)}, ${instantInWords(first.from ?? 'the beginning')} to ${instantInWords(last.to ?? 'the end')}: ${formatBytes(sum(children.map(({bytes}) => bytes)))}, about ${sum(children.map(({rows}) => rows))} rows${unknown}.`,
  ]
}
