import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {quoteIdent, statement} from '../../db/sql.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import {instantOf} from '../../catalog/time.js'
import {endOf, isZoned} from '../../catalog/time-key.js'
import type {Plan, Step} from '../../run/step.js'
import {command} from '../../units/command.js'
import {compareAscending} from '../../units/compare.js'
import {approximateDays, type Every} from '../../units/period.js'
import {readChildren, type Child} from '../children.js'
import {drainCommands, triggerNotes} from '../commands.js'
import {everyOf, localTime, mostPeriods} from '../create/create.js'
import {misplacedRows, smallBytes} from '../default-partition.js'
import {readDrained, type Drained} from './mark.js'
import {nonsenseWords, readDefaultRows, type Nonsense} from './rows.js'
import type {DrainContext, DrainTarget} from './sql.js'
import {drainAtOnce, drainSteps} from './steps.js'
import type {KeyRange} from '../key-range.js'
import {missingOf} from '../create/plan-periods.js'
import {readPeriods, type PartitionRule, type Period} from '../periods.js'
import {changeableSets, type PartitionSet} from '../sets.js'
import {newestStructure, type Structure} from '../structure.js'

export interface DrainPlan {
  plan: Plan
  /** Rows that stay in the default partition, because their time is missing or a mistake. */
  nonsense: Nonsense[]
  /** Sentences printed before the confirmation. */
  notes: string[]
}

export interface DrainRequest {
  /** What is declared about the table, or the defaults. */
  rule: Omit<PartitionRule, 'every'>
  /** Null means as long as the existing partitions. */
  every: Every | null
}

interface SetDrain {
  steps: Step[]
  nonsense: Nonsense[]
  notes: string[]
}

/**
 * Plans to move the rows of default partitions into partitions of their own, for each set that carries the time of a
 * table, and to finish what an earlier run began.
 * @throws OpsError DRAIN_REFUSED (exit 7) if rows would be lost or triggers fired; TOO_MANY, PARTITION_CONFLICT, and
 * the errors of {@link changeableSets}
 */
export async function planDrain(db: Database, {rule, every}: DrainRequest): Promise<DrainPlan> {
  const declared = {...rule, every: every ?? ('month' as const)}
  const sets = await changeableSets(db, rule.relation, declared)
  for (const set of sets)
    if (set.distributed)
      throw usageError(
        'DISTRIBUTED',
        `${set.relation} is distributed by Citus: the rows of its default partition are not moved.`,
        ['Move them with DELETE and INSERT on the distributed table.'],
      )
  const children = await readChildren(db, sets, false)
  const drained = await readDrained(
    db,
    sets.map(({relation}) => relation),
  )
  const parts: SetDrain[] = []
  for (const set of sets) {
    const own = children.filter(({parent}) => parent === set.relation)
    const ruleOf = {...declared, relation: set.relation, every: every ?? everyOf(set.relation, own)}
    const left = drained.filter(({of}) => of === set.relation)
    parts.push(await drainSet(db, ruleOf, set, own, left))
  }
  const steps = parts.flatMap((part) => part.steps)
  return {
    plan: {
      operation: `partitions drain ${rule.relation}`,
      summary: `move rows out of the default partition of ${rule.relation}`,
      cutoff: null,
      tables: sets.map(({relation}) => relation),
      locks: [],
      steps,
    },
    nonsense: parts.flatMap(({nonsense}) => nonsense),
    notes: [...parts.flatMap(({notes}) => notes), ...(await triggerNotes(db, steps, drainCommands))],
  }
}

async function drainSet(
  db: Database,
  rule: PartitionRule,
  set: PartitionSet,
  children: readonly Child[],
  left: readonly Drained[],
): Promise<SetDrain> {
  const rest = children.find(({isDefault}) => isDefault)
  if (rest === undefined)
    return {steps: [], nonsense: [], notes: [`${set.relation} has no default partition.`, ...left.map(orphanWords)]}
  const {nonsense, ends} = await readDefaultRows(db, set, rest.relation, rule)
  const resumed = left.flatMap((drain) => resumedOf(set, drain))
  const notes = nonsense.map((each) => nonsenseWords(each, rule))
  const parts = ends === null ? [] : await partsBetween(db, rule, set, children, resumed, ends)
  const counted = await misplacedRows(db, set, [...resumed, ...parts].sort(byStart))
  const begun = resumed.map((part) => ({part, stray: counted.find(({period}) => period === part)}))
  const fresh = counted.filter(({period}) => !resumed.includes(period)).map((stray) => ({part: stray.period, stray}))
  if (begun.length + fresh.length === 0) return {steps: [], nonsense, notes}
  const {context, facts} = await contextOf(db, set, rest)
  const structure = set.subpartitioned ? await newestStructure(db, children) : null
  const weight = {bytes: set.defaultBytes, rows: counted.reduce((sum, {rows}) => sum + rows, 0)}
  const inOneStep = set.defaultBytes !== null && set.defaultBytes <= smallBytes
  if (!inOneStep || begun.length > 0) notes.push(...visibilityNotes(set, facts))
  const steps = [
    ...begun.flatMap(({part, stray}) => drainSteps(context, targetOf(part, stray, structure, weight), true)),
    ...fresh.flatMap(({part, stray}) => {
      const target = targetOf(part, stray, structure, weight)
      return inOneStep ? [drainAtOnce(context, target)] : drainSteps(context, target, false)
    }),
  ]
  return {steps, nonsense, notes}
}

/** A table that a drain fills: a part of the calendar, or one that an earlier run made. */
type Part = Pick<Period, 'schema' | 'partition' | 'range'>
type Counted = Awaited<ReturnType<typeof misplacedRows<Part>>>[number]

const byStart = (a: Part, b: Part) => compareAscending(a.range.start, b.range.start)

function resumedOf({key}: PartitionSet, {schema, partition, lower, upper}: Drained): Part[] {
  const [start, end] = [endOf(key!, lower), endOf(key!, upper)]
  if (start === null || end === null) return []
  return [{schema, partition, range: {start, end, lowerText: lower, upperText: upper}}]
}

function orphanWords({relation, of, lower, upper}: Drained): string {
  return (
    `${relation} has rows that a drain moved, and the default partition is gone. To see them again: alter table ` +
    `${of} attach partition ${relation} for values from ('${lower}') to ('${upper}')`
  )
}

/** What no partition covers of the periods between two points, without the tables that an earlier run made. */
async function partsBetween(
  db: Database,
  rule: PartitionRule,
  set: PartitionSet,
  children: readonly Child[],
  resumed: readonly Part[],
  {start, end}: {start: bigint; end: bigint},
): Promise<Part[]> {
  const days = Number((end - start) / 1_000_000n) / 86_400
  if (days / approximateDays(rule.every) > mostPeriods)
    throw usageError(
      'TOO_MANY',
      `The rows of the default partition of ${set.relation} reach from ${instantOf(start)} to ${instantOf(end)}: ` +
        `more than ${mostPeriods} periods (every: ${rule.every}).`,
      [`Exclude the oldest with tables.${rule.relation}.partitions.earliest, or give longer periods with every.`],
    )
  // The points of a key without a time zone are local times already.
  const zone = isZoned(set.key!) ? rule.timezone : 'UTC'
  const [first, last] = [await localTime(db, instantOf(start)!, zone), await localTime(db, instantOf(end)!, zone)]
  const periods = await readPeriods(db, [{...rule, first, last, ahead: 0}])
  const begun = resumed.map(({range}): KeyRange => range)
  const request = {set, children, periods, fill: 'parts', timezone: rule.timezone, taken: begun} as const
  const {missing, conflicts} = await missingOf(db, request)
  if (conflicts.length > 0) throw usageError('PARTITION_CONFLICT', conflicts.join('\n'), ['Nothing was changed.'])
  if (missing.length > 0 && set.subpartitioned && set.belowUnfit !== null)
    throw usageError('PARTITION_KEY', set.belowUnfit)
  return missing
}

function targetOf(
  {schema, partition, range}: Part,
  stray: Counted | undefined,
  structure: Structure | null,
  {bytes, rows}: {bytes: number | null; rows: number},
): DrainTarget {
  const own = stray?.rows ?? 0
  return {
    schema,
    partition,
    range,
    structure,
    rows: own,
    bytes: bytes === null || rows === 0 ? null : Math.round((bytes * own) / rows),
    blocks: stray === undefined ? null : {first: stray.firstBlock, last: stray.lastBlock},
  }
}

interface DrainFacts {
  kind: string
  filtered: boolean
  columns: string[]
  foreign_keys: string[]
  referencing: string[]
  on_delete: string[]
  on_insert: string[]
  adopted: boolean
  publications: string[]
}

async function contextOf(
  db: Database,
  set: PartitionSet,
  {relation: rest}: Child,
): Promise<{context: DrainContext; facts: DrainFacts}> {
  const [facts] = await db.query<DrainFacts>(statement(loadSql('partitions/drain-facts'), [set.relation, rest]))
  if (!facts) throw usageError('NO_SUCH_TABLE', `There is no table ${rest} any more.`)
  const reason = obstacleWords(set.relation, rest, facts)
  if (reason !== null)
    throw new OpsError('DRAIN_REFUSED', `Nothing was moved out of ${rest}: ${reason.message}`, {
      exit: ExitCode.refused,
      suggestions: [reason.suggestion],
    })
  const context = {
    db,
    set,
    rest,
    columns: facts.columns,
    foreignKeys: facts.foreign_keys,
    redirects: facts.on_insert.length === 0,
  }
  return {context, facts}
}

/** Why rows cannot be moved by deleting them there and inserting them elsewhere; null if they can. */
function obstacleWords(set: string, rest: string, facts: DrainFacts): {message: string; suggestion: string} | null {
  if (facts.kind !== 'r')
    return {
      message: `it is ${facts.kind === 'f' ? 'a foreign table' : 'partitioned itself'}.`,
      suggestion: 'Only the rows of an ordinary table are moved.',
    }
  if (facts.filtered)
    return {
      message: 'row-level security hides rows of it from this role.',
      suggestion: 'Connect as a role with BYPASSRLS, or as the owner if row security is not forced.',
    }
  if (facts.referencing.length > 0)
    return {
      message:
        `foreign keys refer to its rows (${facts.referencing.join(', ')}): a row that moves would be deleted for ` +
        'a moment, and ON DELETE would act.',
      suggestion: 'Drop these foreign keys first, and add them again afterwards.',
    }
  if (facts.adopted)
    return {
      message: `${set} was adopted and its old table is kept, so each row that moves would be recorded as changed.`,
      suggestion:
        `Drop the old table first: ${command('partitions adopt', [set], {finish: true})}; or go back to it: ` +
        command('partitions adopt', [set], {undo: true}),
    }
  if (facts.on_delete.length > 0)
    return {
      message: `the triggers ${facts.on_delete.join(', ')} would run for each row that is moved, as if it were deleted.`,
      suggestion:
        `Disable them on this partition for the time of the drain: alter table ${rest} disable trigger ` +
        quoteIdent(facts.on_delete[0]!),
    }
  if (facts.publications.length > 0)
    return {
      message:
        `the publications ${facts.publications.join(', ')} would send the deletes, but not the inserts into a ` +
        'table that is not attached yet: subscribers would lose the rows.',
      suggestion:
        'Exclude deletes for the time of the drain (alter publication … set (publish = …)), or move the rows on ' +
        'both sides.',
    }
  return null
}

function visibilityNotes({relation}: PartitionSet, {on_insert: triggers}: DrainFacts): string[] {
  const notes = [
    `Rows are moved one partition at a time: until its partition is attached, queries on ${relation} do not see them.`,
  ]
  if (triggers.length > 0)
    notes.push(
      'Before a partition is attached, rows of its time are refused while the default partition is checked, ' +
        `because the triggers ${triggers.join(', ')} run after an insert.`,
    )
  return notes
}
