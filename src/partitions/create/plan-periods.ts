import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {isZoned} from '../../catalog/time-key.js'
import {instantOf} from '../../catalog/time.js'
import {compareAscending} from '../../units/compare.js'
import {sql, statement} from '../../db/sql.js'
import {shortName} from '../../db/qualified-name.js'
import type {Step} from '../../run/step.js'
import {overlapping, rangeWords, type Child} from '../children.js'
import {guardSteps, misplacedRows} from '../default-partition.js'
import {readDrained, type Drained} from '../drain/mark.js'
import {makeChild} from './make-child.js'
import {epochsOf, sameRange, uncoveredParts, type KeyRange} from '../key-range.js'
import {suffixedName} from './partition-name.js'
import {newestStructure} from '../structure.js'
import {periodName, type Period} from '../periods.js'
import type {PartitionSet} from '../sets.js'
import {command} from '../../units/command.js'

/** Something that the planner found and does not change. */
export interface PartitionFinding {
  /** `public.crypto_prices`. */
  relation: string
  /**
   * `left alone` does not count as a failure; `pending` and `stray` need the operator; `conflict`: a period cannot be created;
   * `period`: from when on partitions have another length.
   */
  kind: 'left alone' | 'pending' | 'conflict' | 'stray' | 'range' | 'period'
  /** Code of the error if the whole set cannot be managed: `PARTITION_KEY`. */
  code?: string
  /** The exit code of that error. */
  exitCode?: number
  message: string
}

export interface PeriodPlan {
  steps: Step[]
  findings: PartitionFinding[]
}

export interface PeriodRequest {
  set: PartitionSet
  /** The partitions of the set. */
  children: readonly Child[]
  periods: readonly Period[]
  /** `parts`: what partitions do not cover of a period is created, so that ranges join without a gap. */
  fill: 'parts' | 'whole'
  timezone: string
  /** Further ranges that are taken: those of tables that a drain has not attached. */
  taken?: readonly KeyRange[]
}

/** The steps that create the missing periods of one set. */
export async function planPeriods(db: Database, request: PeriodRequest): Promise<PeriodPlan> {
  const {set, children} = request
  const findings: PartitionFinding[] = []
  const find = (kind: PartitionFinding['kind'], message: string) =>
    void findings.push({relation: set.relation, kind, message})
  const {missing, conflicts} = await missingOf(db, request)
  for (const message of conflicts) find('conflict', message)
  for (const partition of set.pending)
    find(
      'pending',
      `${partition} is pending detach, because a detach was interrupted: finish it with ` +
        `\`${command('partitions detach', [shortName(set.schema, set.table)])}\``,
    )
  const misplaced = await misplacedRows(db, set, missing)
  for (const {period, rows, oldest, newest} of misplaced) {
    const what =
      `${rows} ${rows === 1 ? 'row' : 'rows'} of ${periodName(period)} ` +
      `(${oldest}${rows === 1 ? '' : ` to ${newest}`})`
    find(
      'stray',
      `The default partition ${set.defaultPartition} holds ${what}: ` +
        `\`${command('partitions drain', [shortName(set.schema, set.table)])}\` moves ${rows === 1 ? 'it' : 'them'} ` +
        `into ${period.partition}.`,
    )
  }
  const wanted = missing.filter((period) => !misplaced.some((rowsOf) => rowsOf.period === period))
  if (wanted.length > 0 && set.subpartitioned && set.belowUnfit !== null) {
    find('conflict', set.belowUnfit)
    return {steps: [], findings}
  }
  const structure = wanted.length > 0 && set.subpartitioned ? await newestStructure(db, children) : null
  const guard = guardSteps(set, wanted)
  const before = {steps: guard.before.slice(-1).map(({id}) => id), statements: guard.each}
  const made = wanted.map((period) => makeChild(db, set, {...period, structure}, before))
  return {steps: [...guard.before, ...made, ...guard.after], findings}
}

interface Missing {
  missing: Period[]
  conflicts: string[]
}

/** The periods, or parts of periods, that can be created, and why others cannot. */
export async function missingOf(db: Database, request: PeriodRequest): Promise<Missing> {
  const absent = request.periods.filter(({state}) => state !== 'present')
  const wanted = request.fill === 'parts' ? await partsOf(db, request, absent) : absent
  const found: Missing = {missing: [], conflicts: []}
  const drained = wanted.some(({state}) => state === 'taken') ? await readDrained(db, [request.set.relation]) : []
  for (const period of wanted) {
    const child = overlapping(request.children, period.range)
    if (child?.range && !child.pending && sameRange(child.range, period.range)) continue
    const reason = conflictOf(request.set, period, child, drained)
    if (reason === null) found.missing.push(period)
    else found.conflicts.push(reason)
  }
  return found
}

/** What the partitions of a set do not cover of its periods. A period that waits for a pending detach stays whole. */
async function partsOf(
  db: Database,
  {set, children, timezone, taken = []}: PeriodRequest,
  periods: readonly Period[],
): Promise<Period[]> {
  const ranges = children.flatMap(({range, pending}): KeyRange[] => (range === null || pending ? [] : [range]))
  const cut: {period: Period; range: KeyRange}[] = []
  ranges.push(...taken)
  const whole: Period[] = []
  for (const period of periods)
    for (const range of uncoveredParts(period.range, ranges))
      if (sameRange(range, period.range)) whole.push({...period, range})
      else cut.push({period, range})
  const own = new Set(children.flatMap(({partition, pending}) => (pending ? [] : [partition])))
  const named = [...whole, ...(await namedParts(db, set, cut, timezone))].map((period) =>
    own.has(period.partition) ? namedByInstant(set, period) : period,
  )
  const stated = await withState(db, set, named)
  return stated.sort((a, b) => compareAscending(a.range.start, b.range.start))
}

/** Parts of periods, as periods, which are named after the day, the hour or the minute at which they begin. */
async function namedParts(
  db: Database,
  set: PartitionSet,
  parts: readonly {period: Period; range: KeyRange}[],
  timezone: string,
): Promise<Period[]> {
  if (parts.length === 0) return []
  const zone = isZoned(set.key!) ? timezone : 'UTC'
  const rows = await db.query<{suffix: string}>(
    statement(loadSql('partitions/part-suffixes'), [
      parts.map(({range}) => instantOf(range.start)!),
      zone,
      parts.map(({period, range}) => String(range.start === period.range.start)),
    ]),
  )
  return parts.map(({period, range}, index): Period => {
    const partition = suffixedName(set.table, rows[index]!.suffix)
    return {...period, partition, range, ...epochsOf(range), from: instantOf(range.start)!, to: instantOf(range.end)!}
  })
}

/**
 * The period under a name by the instant of its start in UTC. After a change of the time zone, another partition of the
 * set may begin at the same local time of the former zone.
 */
function namedByInstant(set: PartitionSet, period: Period): Period {
  const [, year, month, day, hour, minute] = /^(\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(period.from)!
  return {...period, partition: suffixedName(set.table, `_y${year}m${month}d${day}h${hour}${minute}z`)}
}

/** The periods with whether a relation has their name. */
async function withState(db: Database, set: PartitionSet, periods: readonly Period[]): Promise<Period[]> {
  if (periods.length === 0) return []
  const taken = await db.query<{name: string}>(
    sql`select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = ${set.schema} and c.relname = any(${periods.map(({partition}) => partition)})`,
  )
  const names = new Set(taken.map(({name}) => name))
  return periods.map((period): Period => ({...period, state: names.has(period.partition) ? 'taken' : 'missing'}))
}

function conflictOf(
  set: PartitionSet,
  {schema, partition, state, from, to}: Period,
  child: Child | undefined,
  drained: readonly Drained[],
): string | null {
  const name = `${schema}.${partition}`
  if (child?.pending)
    return (
      `${child.relation} is pending detach and still has ${rangeWords(child)}: ${name} cannot be created before ` +
      'the detach is finished.'
    )
  if (child) return `${child.relation} (${rangeWords(child)}) overlaps ${from} to ${to}: ${name} cannot be created.`
  if (state === 'taken' && drained.some((drain) => drain.schema === schema && drain.partition === partition))
    return (
      `${name} has rows that a drain moved and did not attach: ` +
      `\`${command('partitions drain', [shortName(set.schema, set.table)])}\` finishes it.`
    )
  if (state === 'taken')
    return `${name} exists already and is not a partition of ${set.relation}: attach, rename or drop it.`
  if (state === 'other') return `${name} is a partition of ${set.relation} with other bounds than ${from} to ${to}.`
  return null
}
