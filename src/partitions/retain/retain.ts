import type {Database} from '../../db/database.js'
import {OpsError} from '../../errors.js'
import type {Plan, Step} from '../../run/step.js'
import type {Child} from '../children.js'
import {triggerNotes} from '../commands.js'
import {count, keepSteps, notesOf, weightOf} from '../detach/detach.js'
import {finalizeDetach} from '../detach/detach-child.js'
import {countStep, mayRecord} from './detach-record.js'
import {nowOf, readMicros, stateOf} from './detached.js'
import {readGate} from '../detach/gate.js'
import {includeStep} from './include.js'
import {oldPartitions, type OldPartitions} from '../detach/old-partitions.js'
import type {PartitionRule} from '../periods.js'
import {
  readLostPublications,
  readReferences,
  referenceNotes,
  type LostPublication,
  type Reference,
} from '../references.js'
import {hasStages, readRemembered, reasonKept, type Remembered, type StagedTable} from './remembered.js'
import type {PartitionSet} from '../sets.js'
import {obstacleTo, readObstacles, type Obstacles} from './stage-obstacles.js'
import {dropStep, exportRecorded, moveStep} from './stage-steps.js'
import {dueTasks, type Stages, type StageTask} from './stages.js'

export interface RetainRequest {
  /** Qualified name of the set. */
  relation: string
  /** With stages. */
  rule: PartitionRule
  /** Names of detached tables that were not detached by qicore-db, to which the stages shall apply from now on. */
  include?: readonly string[]
  /** Maximum number of partitions that are detached, and of those that are dropped; null: no limit. */
  most?: number | null
}

/** A stage that is due and that the plan does not carry out. */
export interface Withheld {
  /** Qualified name of the partition. */
  partition: string
  task: StageTask
  /** Why, as a clause. */
  why: string
}

export interface RetainPlan {
  plan: Plan
  withheld: Withheld[]
  references: Reference[]
  publications: LostPublication[]
  /** Sentences printed before the confirmation. */
  notes: string[]
}

interface Part extends Omit<RetainPlan, 'plan'> {
  set: PartitionSet
  steps: Step[]
  cutoff: string
}

/**
 * Plans the stages of a declared retention that are due: old partitions are detached, detached ones moved and dropped.
 * A partition that cannot go does not stop the others: it is in `withheld`, with the reason.
 * @throws OpsError NO_RECORD (exit 1) if this role may not write the record, without which nothing can be dropped
 * later; the errors of {@link oldPartitions}
 */
export async function planRetain(db: Database, request: RetainRequest): Promise<RetainPlan> {
  const {relation, rule} = request
  const stages = rule.stages!
  if (db.server.hasQicoreSchema && !(await mayRecord(db))) throw noRecord(relation)
  const parts: Part[] = []
  for (const found of await oldPartitions(db, {relation, olderThan: stages.detach, timezone: rule.timezone, rule})) {
    const attached = await detachPart(db, found, request.most ?? null)
    const detached = await detachedPart(db, found, request)
    parts.push({
      ...attached,
      steps: [...detached.steps, ...attached.steps],
      withheld: [...detached.withheld, ...attached.withheld],
      notes: [...attached.notes, ...detached.notes],
    })
  }
  const steps = parts.flatMap((part) => part.steps)
  return {
    plan: {
      operation: `partitions retain ${relation}`,
      summary: summaryOf(relation, steps),
      cutoff: parts[0]?.cutoff ?? null,
      tables: parts.map(({set}) => set.relation),
      locks: [],
      steps,
    },
    withheld: parts.flatMap(({withheld}) => withheld),
    references: parts.flatMap(({references}) => references),
    publications: parts.flatMap(({publications}) => publications),
    notes: [...parts.flatMap(({notes}) => notes), ...(await triggerNotes(db, steps))],
  }
}

function noRecord(relation: string): OpsError {
  return new OpsError(
    'NO_RECORD',
    `The stages of ${relation} cannot be carried out: this role may not write qicore.detached_partition, in which ` +
      'they are recorded.',
    {suggestions: ['Grant the privileges of sql/roles.sql, or run it as another role.']},
  )
}

function summaryOf(relation: string, steps: readonly Step[]): string {
  const kinds = ['detach', 'move', 'export', 'drop'].flatMap((kind) => {
    const number = steps.filter((step) => step.kind === kind).length
    return number === 0 ? [] : [`${kind} ${count(number)}`]
  })
  return `${kinds.length === 0 ? 'the stages' : kinds.join(', ')} of ${relation}`
}

/** The partitions of a set that are old enough to be detached. */
async function detachPart(db: Database, found: OldPartitions, most: number | null): Promise<Part> {
  const {set, old, pending, cutoff} = found
  const {missing, unseenFrom} = await readGate(db, set, old)
  const allowed = old.filter((child) => !missing.has(child.relation))
  const chosen = most === null ? allowed : allowed.slice(0, most)
  const recordOf = (child: Child) => ({attempt: cutoff, seen: unseenFrom(child)})
  const finish = pending.map((child) => finalizeDetach(set, child, {kind: 'keep', record: recordOf(child)}, []))
  const first = finish.map(({id}) => id)
  const references = await readReferences(db, set, chosen)
  const publications = await readLostPublications(db, set, [...pending, ...chosen], false)
  return {
    set,
    cutoff,
    steps: [...finish, ...chosen.flatMap((child) => keepSteps(db, set, child, recordOf(child), first))],
    withheld: [...missing].map(([partition, why]) => ({partition, task: 'detach', why})),
    references,
    publications,
    notes: [...notesOf({...found, old: chosen}), ...referenceNotes(references, publications), ...weightOf(chosen)],
  }
}

type DetachedPart = Pick<Part, 'steps' | 'withheld' | 'notes'>

/** The tables that were detached from a set earlier. */
async function detachedPart(
  db: Database,
  {set}: OldPartitions,
  {rule, include = [], most = null}: RetainRequest,
): Promise<DetachedPart> {
  const remembered = (await readRemembered(db, {relations: [set.relation], sizes: true})) ?? []
  const tables = remembered.filter(({table}) => table !== null && !table.attached)
  const now = await readMicros(db)
  const stages = rule.stages!
  const work = tables
    .filter(hasStages)
    .map((each) => ({each, tasks: dueTasks(stages, stateOf(each), nowOf(each, rule, now))}))
    .filter(({tasks}) => tasks.length > 0)
  const obstacles = await readObstacles(db, set, stages, work, now)
  const parts = work.map(({each, tasks}) => stepsFor(db, set, stages, each, tasks, obstacles))
  const drops = parts.filter(({steps}) => steps.some(({kind}) => kind === 'drop'))
  const beyondLimit = most === null ? [] : drops.slice(most)
  const included = await includeStep(db, set, tables, include)
  const kept = tables.filter((each) => !hasStages(each) && !included.names.has(each.table!.relation))
  return {
    steps: [
      ...included.steps,
      ...parts.flatMap((part) =>
        beyondLimit.includes(part) ? part.steps.filter(({kind}) => kind !== 'drop') : part.steps,
      ),
    ],
    withheld: parts.flatMap(({withheld}) => withheld),
    notes: kept.map(
      (each) =>
        `${each.table!.relation} is kept: ${reasonKept(each)}. To apply the stages to it: --include ` +
        `${each.table!.relation}`,
    ),
  }
}

function stepsFor(
  db: Database,
  set: PartitionSet,
  stages: Stages,
  each: StagedTable,
  tasks: readonly StageTask[],
  obstacles: Obstacles,
): Pick<Part, 'steps' | 'withheld'> {
  const {table} = each
  const steps: Step[] = []
  const withheld: Withheld[] = []
  const foreign = table.mayChange ? null : `this role is not the owner of ${table.relation}`
  // An export is looked up again before a drop: it finds what is exported, and exports what changed since.
  const again = tasks.includes('drop') && stages.archive?.export && !tasks.includes('export') ? ['export' as const] : []
  for (const task of [...again, ...tasks]) {
    const missing = task === 'drop' ? withheld.find((other) => other.task !== 'move')?.why : undefined
    const why = foreign ?? missing ?? obstacleTo(db, set, each, task, obstacles)
    const before = steps.map(({id}) => id)
    if (why === null) steps.push(stepOf(set, stages, each, task, obstacles, before))
    else withheld.push({partition: table.relation, task, why})
  }
  return {steps, withheld}
}

function stepOf(
  set: PartitionSet,
  stages: Stages,
  each: Remembered,
  task: StageTask,
  {moves}: Obstacles,
  dependsOn: readonly string[],
): Step {
  if (task === 'count') return countStep(each.table!, [])
  const to = stages.archive?.export ?? null
  if (task === 'export') return exportRecorded(each, to!)
  // Behind the export, which reads the table by its name.
  if (task === 'move') return moveStep(each, stages.archive!, moves.get(each.oid)!, dependsOn)
  return dropStep(each, set, to, dependsOn)
}
