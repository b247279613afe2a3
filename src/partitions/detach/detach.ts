import type {Database} from '../../db/database.js'
import type {Plan, Step} from '../../run/step.js'
import type {Child} from '../children.js'
import {formatBytes} from '../../units/bytes.js'
import {instantInWords} from '../../units/instant.js'
import {triggerNotes} from '../commands.js'
import {detachAtOnce, detachConcurrently, detachesImmediately, finalizeDetach} from './detach-child.js'
import {allUnseen, countStep, mayRecord, type DetachRecord} from '../retain/detach-record.js'
import {readGate} from './gate.js'
import type {PartitionSet} from '../sets.js'
import {
  readLostPublications,
  readReferences,
  referenceNotes,
  type LostPublication,
  type Reference,
} from '../references.js'
import {insteadOfConcurrently, oldPartitions, type OldPartitions, type OldRequest} from './old-partitions.js'

export interface OldPlan {
  plan: Plan
  /** Foreign keys that refer to the partitions of the plan, with the rows that use them. */
  references: Reference[]
  /** Publications that lose partitions. */
  publications: LostPublication[]
  /** Sentences printed before the confirmation. */
  notes: string[]
}

/** The part of a plan that concerns one set. */
export interface SetPlan extends Omit<OldPlan, 'plan'> {
  found: OldPartitions
  steps: Step[]
  /** The number of partitions that go. */
  partitions: number
}

/** Plans the detach of old partitions; their tables stay, with all rows, and are recorded. */
export async function planDetach(db: Database, request: OldRequest): Promise<OldPlan> {
  const parts: SetPlan[] = []
  const recorded = await mayRecord(db)
  for (const found of await oldPartitions(db, request)) parts.push(await detachOf(db, found, recorded))
  const planned = joinPlans('detach', request.relation, parts)
  return {...planned, notes: [...planned.notes, ...(await triggerNotes(db, planned.plan.steps))]}
}

/** One plan for the sets that carry the time of a table. */
export function joinPlans(verb: 'detach' | 'drop', relation: string, parts: readonly SetPlan[]): OldPlan {
  const total = parts.reduce((sum, {partitions}) => sum + partitions, 0)
  return {
    plan: {
      operation: `partitions ${verb} ${relation}`,
      summary: `${verb} ${count(total)} of ${relation}`,
      cutoff: parts[0]?.found.cutoff ?? null,
      tables: parts.map(({found}) => found.set.relation),
      locks: [],
      steps: parts.flatMap(({steps}) => steps),
    },
    notes: parts.flatMap(({notes}) => notes),
    references: parts.flatMap(({references}) => references),
    publications: parts.flatMap(({publications}) => publications),
  }
}

/** The notes about a set and its old partitions. */
export function notesOf({set, old, kept}: OldPartitions): string[] {
  const notes = kept ? [`${kept.relation} is older too, but it is the last partition, so it is kept.`] : []
  if (old.length > 0) notes.push(...insteadOfConcurrently(set))
  return notes
}

async function detachOf(db: Database, found: OldPartitions, recorded: boolean): Promise<SetPlan> {
  const {set, old, pending, cutoff} = found
  const notes = notesOf(found)
  const gate = recorded ? await readGate(db, set, old) : null
  const recordOf = (child: Child) => gate && {attempt: cutoff, seen: gate.unseenFrom(child)}
  const finish = pending.map((child) => finalizeDetach(set, child, {kind: 'keep', record: recordOf(child)}, []))
  const pendingFirst = finish.map(({id}) => id)
  // The chains of two partitions do not depend on each other: if one fails, the others still run.
  const steps: Step[] = [...finish, ...old.flatMap((child) => keepSteps(db, set, child, recordOf(child), pendingFirst))]
  const references = await readReferences(db, set, old)
  const publications = await readLostPublications(db, set, [...pending, ...old], false)
  notes.push(...referenceNotes(references, publications), ...weightOf(old), ...unrecordedNotes(db, found, recorded))
  return {found, steps, notes, references, publications, partitions: old.length + pending.length}
}

/**
 * The steps that detach one partition, keep its table and record it. @param pendingFirst see {@link detachConcurrently}
 */
export function keepSteps(
  {server}: Pick<Database, 'server'>,
  set: PartitionSet,
  child: Child,
  record: DetachRecord | null,
  pendingFirst: readonly string[],
): Step[] {
  const chain = detachesImmediately(set, server)
    ? [detachAtOnce(set, child, record)]
    : detachConcurrently(set, child, {kind: 'keep', record}, pendingFirst)
  const isCountable = record !== null && record.seen !== null && record.seen !== allUnseen && child.kind !== 'f'
  return isCountable ? [...chain, countStep(child, [chain.at(-1)!.id])] : chain
}

function unrecordedNotes({server}: Database, {set, old}: OldPartitions, recorded: boolean): string[] {
  if (recorded || old.length === 0 || !server.hasQicoreSchema) return []
  return [
    `The partitions of ${set.relation} are not recorded as detached, because this role may not write ` +
      'qicore.detached_partition: partitions detached does not know their age.',
  ]
}

export function count(partitions: number): string {
  return `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`
}

/** A note for the confirmation: number, range, bytes and rows of the partitions of a plan. */
export function weightOf(children: readonly Child[]): string[] {
  if (children.length === 0) return []
  const [first, last] = [children[0]!, children.at(-1)!]
  const size = sumOf(
    children.map(({bytes}) => bytes),
    {all: formatBytes, some: (bytes) => `${formatBytes(bytes)} or more`, none: 'size unknown'},
  )
  const rows = sumOf(
    children.map((child) => child.rows),
    {all: (n) => `about ${n} rows`, some: (n) => `about ${n} rows or more`, none: 'number of rows unknown'},
  )
  return [
    `${count(children.length)}, ${instantInWords(first.from ?? 'the beginning')} to ` +
      `${instantInWords(last.to ?? 'the end')}: ${size}, ${rows}.`,
  ]
}

/** A sum in words: of all parts, of those that are known, or of none. */
function sumOf(
  parts: readonly (number | null)[],
  words: {all: (sum: number) => string; some: (sum: number) => string; none: string},
): string {
  const known = parts.filter((part) => part !== null)
  if (known.length === 0) return words.none
  const sum = known.reduce((total, part) => total + part, 0)
  return known.length === parts.length ? words.all(sum) : words.some(sum)
}
