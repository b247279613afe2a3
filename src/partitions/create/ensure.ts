import {overlaps} from '../../catalog/span.js'
import type {Database} from '../../db/database.js'
import {ExitCode, messageOf, OpsError, usageError} from '../../errors.js'
import type {Plan, Step} from '../../run/step.js'
import {findPartitioned} from '../find-table.js'
import {notStored} from './create.js'
import {readChildren, type Child} from '../children.js'
import {sameRange} from '../key-range.js'
import {planPeriods, type PartitionFinding, type PeriodPlan} from './plan-periods.js'
import {readPeriods, type PartitionRule, type Period} from '../periods.js'
import {nameKey, obstacleOf, readSets, type PartitionSet} from '../sets.js'

export interface EnsurePlan {
  plan: Plan
  findings: PartitionFinding[]
}

/**
 * Plans the missing partitions, for now and ahead, of all tables. If none is missing, it sends only one query. A set
 * that cannot be managed is a finding and does not stop the others.
 */
export async function planEnsure(db: Database, rules: readonly PartitionRule[]): Promise<EnsurePlan> {
  const periods = await readPeriods(
    db,
    rules.map((rule) => ({...rule, first: null, last: null})),
  )
  const doubtful = rules.filter((_, index) => isDoubtful(periods.filter((period) => period.index === index)))
  const sets =
    doubtful.length === 0
      ? []
      : await readSets(
          db,
          doubtful.map(({relation}) => relation),
          doubtful,
        )
  const children = await readChildren(
    db,
    sets.filter(({unfit}) => unfit === null),
    false,
  )
  const findings: PartitionFinding[] = []
  const steps: Step[] = []
  const tables: string[] = []
  for (const rule of doubtful)
    for (const set of await setsOf(db, rule, sets, periods, findings)) {
      const wanted = periods.filter(({index, schema, table}) => rules[index] === rule && isSet(set, schema, table))
      const own = children.filter(({parent}) => parent === set.relation)
      const result = await planSet(db, rule, set, own, wanted)
      findings.push(...result.findings)
      steps.push(...result.steps)
      if (result.steps.length > 0) tables.push(set.relation)
    }
  const summary = `keep the partitions of ${rules.length} ${rules.length === 1 ? 'table' : 'tables'} ahead`
  return {plan: {operation: 'partitions ensure', summary, cutoff: null, tables, locks: [], steps}, findings}
}

/** Whether more has to be read about a set: something is missing or unusual, or nothing is known about it. */
function isDoubtful(periods: readonly Period[]): boolean {
  return (
    periods.length === 0 ||
    periods.some(({state, guarded, detaching, sane}) => state !== 'present' || guarded || detaching || !sane)
  )
}

/** The sets that carry the time of a declared table and may be changed; the others are findings. */
async function setsOf(
  db: Database,
  rule: PartitionRule,
  sets: readonly PartitionSet[],
  periods: readonly Period[],
  findings: PartitionFinding[],
): Promise<PartitionSet[]> {
  const root = sets.find(({relation}) => nameKey(relation) === nameKey(rule.relation))
  const below = root === undefined ? [] : sets.filter(({relation}) => root.levels.includes(relation))
  const checked = below.length > 0 ? below : [root]
  const fit: PartitionSet[] = []
  for (const set of checked) {
    const hasPeriods = set !== undefined && periods.some(({schema, table}) => isSet(set, schema, table))
    const trouble = await troubleOf(db, rule, set, hasPeriods)
    if (trouble === null) fit.push(set!)
    else findings.push(trouble)
  }
  return fit
}

function isSet(set: PartitionSet, schema: string, table: string): boolean {
  return set.schema === schema && set.table === table
}

async function planSet(
  db: Database,
  rule: PartitionRule,
  set: PartitionSet,
  children: readonly Child[],
  wanted: readonly Period[],
): Promise<PeriodPlan> {
  const sane = wanted.filter((period) => period.sane)
  const result = await planPeriods(db, {set, children, periods: sane, fill: 'parts', timezone: rule.timezone})
  const findings: PartitionFinding[] = []
  if (sane.length < wanted.length)
    findings.push({relation: set.relation, kind: 'range', message: outside(rule, wanted)})
  const change = periodChange(rule, set, children, sane)
  if (change !== null) findings.push({relation: set.relation, kind: 'period', message: change})
  return {steps: result.steps, findings: [...findings, ...result.findings]}
}

/**
 * From when on partitions have the declared length, if partitions of another length cover a wanted period or a part of
 * it; null if none does, or if their end is open.
 */
function periodChange(
  {every}: PartitionRule,
  {relation}: PartitionSet,
  children: readonly Child[],
  wanted: readonly Period[],
): string | null {
  const other = children.filter(
    ({range, pending, isDefault}) =>
      range !== null &&
      !pending &&
      !isDefault &&
      wanted.some((period) => overlaps(range, period.range)) &&
      !wanted.some((period) => sameRange(range, period.range)),
  )
  const last = other.at(-1)
  // A partition that ends where a period begins or ends, and begins inside of it, is the first of the new length.
  if (!last?.to || wanted.some(({range}) => range.end === last.range!.end && range.start < last.range!.start))
    return null
  return `${relation}: existing partitions reach ${last.to}; from there on the length of a partition is ${every}.`
}

async function troubleOf(
  db: Database,
  rule: PartitionRule,
  set: PartitionSet | undefined,
  hasPeriods: boolean,
): Promise<PartitionFinding | null> {
  const relation = set?.relation ?? rule.relation
  const reason = set
    ? (obstacleOf(set) ?? (hasPeriods ? null : notStored(set, rule.every)))
    : await findPartitioned(db, rule.relation).then(unfit, asOpsError)
  if (reason === null) return null
  return {
    relation,
    kind: reason.code === 'MANAGED_ELSEWHERE' ? 'left alone' : 'conflict',
    code: reason.code,
    exitCode: reason.exitCode,
    message: messageOf(reason),
  }
}

/** Why a table has no periods although it is partitioned: its name was read in another way than the declaration's. */
function unfit(relation: string): OpsError {
  return usageError('PARTITION_KEY', `${relation} is not partitioned by range of one time column.`)
}

function asOpsError(error: unknown): OpsError {
  if (error instanceof OpsError) return error
  throw error
}

function outside(rule: PartitionRule, periods: readonly Period[]): string {
  const wild = periods.filter(({sane}) => !sane).map(({partition}) => partition)
  return (
    `${wild.join(', ')}: not created: earlier or further ahead than partitions.earliest and .within of ` +
    `${rule.relation} allow.`
  )
}

const isTrouble = ({kind}: PartitionFinding) => kind === 'conflict' || kind === 'stray'

/** The last sentence of a run whose plan has no steps although a set has a conflict; null if no set has. */
export function troubleWords(findings: readonly PartitionFinding[]): string | null {
  const troubled = new Set(findings.filter(isTrouble).map(({relation}) => relation))
  return troubled.size === 0 ? null : `Not managed as declared, for the reasons above: ${[...troubled].join(', ')}.`
}

/**
 * The exit code of a run with findings: partitions that could not be created are a failure even if every planned step
 * was done. It is wrong usage if nothing was done and every set was refused for its kind, as `partitions drop` does.
 */
export function exitCodeWith(findings: readonly PartitionFinding[], exitCode: ExitCode, changed: boolean): ExitCode {
  const trouble = findings.filter(isTrouble)
  if (trouble.length === 0 || exitCode !== ExitCode.done) return exitCode
  if (changed) return ExitCode.partial
  return trouble.every((finding) => finding.exitCode === ExitCode.usage) ? ExitCode.usage : ExitCode.failed
}
