import type {Database} from '../db/database.js'
import {shortName} from '../db/qualified-name.js'
import type {Step} from '../run/step.js'
import {holds, overlapping, rangeWords, readChildren, type Child} from './children.js'
import {guardSteps, misplacedRows} from './default-partition.js'
import {makeChild} from './make-child.js'
import {periodName, type Period} from './periods.js'
import type {PartitionSet} from './sets.js'
import {command} from '../units/command.js'

/** Something that the planner found and does not change. */
export interface PartitionFinding {
  /** `public.crypto_prices`. */
  relation: string
  /** `left alone` is no failure; `pending` and `stray` need the operator; `conflict`: a period cannot be created. */
  kind: 'left alone' | 'pending' | 'conflict' | 'stray' | 'range'
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

/**
 * The steps that create the missing periods of one set.
 * @param within a larger partition that covers the whole period counts as the period
 */
export async function planPeriods(
  db: Database,
  set: PartitionSet,
  periods: readonly Period[],
  {within}: {within: boolean},
): Promise<PeriodPlan> {
  const findings: PartitionFinding[] = []
  const find = (kind: PartitionFinding['kind'], message: string) =>
    void findings.push({relation: set.relation, kind, message})
  const absent = periods.filter(({state}) => state !== 'present')
  const children = absent.length > 0 ? await readChildren(db, [set.relation], false) : []
  const missing = absent.filter((period) => {
    const child = overlapping(children, period)
    if (child && !child.pending && (sameRange(child, period) || (within && holds(child, period)))) return false
    const reason = conflictOf(set, period, child)
    if (reason === null) return true
    find('conflict', reason)
    return false
  })
  for (const partition of set.pending)
    find(
      'pending',
      `${partition} is pending detach, because a detach was interrupted: finish it with \`${command('partitions detach', [shortName(set.schema, set.table)])}\``,
    )
  const misplaced = await misplacedRows(db, set, missing)
  for (const {period, rows, oldest, newest} of misplaced) {
    const what = `${rows} ${rows === 1 ? 'row' : 'rows'} of ${periodName(period)} (${oldest}${rows === 1 ? '' : ` to ${newest}`})`
    find(
      'stray',
      `The default partition ${set.defaultPartition} holds ${what}: move ${rows === 1 ? 'it' : 'them'} out, then ${period.partition} can be created.`,
    )
  }
  const wanted = missing.filter((period) => !misplaced.some((rowsOf) => rowsOf.period === period))
  const guard = guardSteps(set, wanted)
  const before = {steps: guard.before.slice(-1).map(({id}) => id), statements: guard.each}
  const steps = [...guard.before, ...wanted.map((period) => makeChild(db, set, period, before)), ...guard.after]
  return {steps, findings}
}

function sameRange(child: Child, period: Period): boolean {
  return child.fromEpoch === period.fromEpoch && child.toEpoch === period.toEpoch
}

function conflictOf(
  set: PartitionSet,
  {schema, partition, state, from, to}: Period,
  child: Child | undefined,
): string | null {
  const name = `${schema}.${partition}`
  if (child?.pending)
    return `${child.relation} is pending detach and still has ${rangeWords(child)}: ${name} cannot be created before the detach is finished.`
  if (child) return `${child.relation} (${rangeWords(child)}) overlaps ${from} to ${to}: ${name} cannot be created.`
  if (state === 'taken')
    return `${name} exists already and is not a partition of ${set.relation}: attach, rename or drop it.`
  if (state === 'other') return `${name} is a partition of ${set.relation} with other bounds than ${from} to ${to}.`
  return null
}
