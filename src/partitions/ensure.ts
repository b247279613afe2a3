import type {Database} from '../db/database.js'
import {ExitCode, messageOf, OpsError, usageError} from '../errors.js'
import type {Plan, Step} from '../run/step.js'
import {findPartitioned} from './find-table.js'
import {planPeriods, type PartitionFinding} from './plan-periods.js'
import {readPeriods, type PartitionRule, type Period} from './periods.js'
import {obstacleOf, readSets, type PartitionSet} from './sets.js'

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
  const of = rules.map((rule, index) => ({rule, periods: periods.filter((period) => period.index === index)}))
  const doubtful = of.filter(
    ({periods: all}) =>
      all.length === 0 || all.some(({state, guarded, detaching}) => state !== 'present' || guarded || detaching),
  )
  const sets =
    doubtful.length === 0
      ? []
      : await readSets(
          db,
          doubtful.map(({rule}) => rule.relation),
        )
  const findings: PartitionFinding[] = []
  const steps: Step[] = []
  const tables: string[] = []
  for (const {rule, periods: wanted} of doubtful) {
    const set = wanted[0]
      ? sets.find(({schema, table}) => schema === wanted[0]!.schema && table === wanted[0]!.table)
      : undefined
    const trouble = await troubleOf(db, rule, set)
    if (trouble) {
      findings.push(trouble)
      continue
    }
    const sane = wanted.filter((period) => period.sane)
    if (sane.length < wanted.length)
      findings.push({relation: set!.relation, kind: 'range', message: outside(rule, wanted)})
    const result = await planPeriods(db, set!, sane, {within: true})
    findings.push(...result.findings)
    steps.push(...result.steps)
    if (result.steps.length > 0) tables.push(set!.relation)
  }
  const summary = `keep the partitions of ${rules.length} ${rules.length === 1 ? 'table' : 'tables'} ahead`
  return {plan: {operation: 'partitions ensure', summary, cutoff: null, tables, locks: [], steps}, findings}
}

async function troubleOf(
  db: Database,
  rule: PartitionRule,
  set: PartitionSet | undefined,
): Promise<PartitionFinding | null> {
  const relation = set?.relation ?? rule.relation
  const reason = set
    ? obstacleOf(set)
    : await findPartitioned(db, rule.relation).then((found) => unfit(db, found), asOpsError)
  if (reason === null) return null
  return {
    relation,
    kind: reason.code === 'MANAGED_ELSEWHERE' ? 'left alone' : 'conflict',
    code: reason.code,
    exitCode: reason.exitCode,
    message: messageOf(reason),
  }
}

/** Why a table has no periods: it is not partitioned by range of one time column. */
async function unfit(db: Database, relation: string): Promise<OpsError> {
  const [set] = await readSets(db, [relation])
  return (
    (set && obstacleOf(set)) ??
    usageError('PARTITION_KEY', `${relation} is not partitioned by range of one date, timestamp or timestamptz column.`)
  )
}

function asOpsError(error: unknown): OpsError {
  if (error instanceof OpsError) return error
  throw error
}

function outside(rule: PartitionRule, periods: readonly Period[]): string {
  const wild = periods.filter(({sane}) => !sane).map(({partition}) => partition)
  return `${wild.join(', ')}: not created: earlier or further ahead than partitions.earliest and .within of ${rule.relation} allow.`
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
