import {isHazard} from '../../run/hazards/refuse.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import {kindOf, type Change} from '../plan/change.js'
import {aggregateFindings, refreshFirst, windowFindings} from './aggregates.js'
import {chunkFindings, compressionFindings} from './chunks.js'
import {declarationLine} from '../../catalog/declaration-line.js'
import {isPlanned, rulesOf, type LiveRule} from '../table-state.js'
import {command} from '../../units/command.js'
import {qualifiedName} from '../../catalog/table.js'
import {offsetInConfig} from '../kinds/rules.js'
import {declaration, retentionsOf, retentionWords, type ProofFacts, type CheckSubject} from './facts.js'
import {policyRef, policyName, findingRules, named, type CheckFinding} from './finding.js'
import {lockFindings} from './locks.js'
import {neverRunsFindings} from './never-runs.js'

/** The conflicts between the policies as they would be after a plan. Each id occurs once. No side effects. */
export function runChecks(facts: ProofFacts): CheckFinding[] {
  const all = [...facts.subjects.values()].flatMap((subject) => [
    ...aggregateFindings(subject, facts),
    ...windowFindings(subject, facts),
    ...refreshFirst(subject, facts),
    ...chunkFindings(subject, facts),
    ...compressionFindings(subject, facts),
    ...lockFindings(subject, facts),
    ...neverRunsFindings(subject, facts),
    ...ungated(subject, facts),
    ...twice(subject, facts),
  ])
  return all.filter(({id}, index) => all.findIndex((other) => other.id === id) === index)
}

function ungatedMessage(key: string, job: string, declarable: boolean): string {
  const problem = `TimescaleDB's own retention of ${key}${job} drops in one transaction and checks no aggregate`
  if (declarable) return problem
  const why = 'Its age counts from the creation of a chunk, which cannot be declared'
  return `${problem}. ${why}, so there is no equal gated retention`
}

/** TimescaleDB's own retention checks no aggregate. Declared without `native` it becomes a gated one. */
function ungated(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const key = qualifiedName(subject.table)
  const rules = rulesOf(subject.state, 'retention').filter(({by}) => by === 'timescaledb')
  return rules.map(({job, after}, index) => {
    const age = offsetInConfig(after, subject.state)
    return {
      // A second finding with the same id would be removed, so the id of a further policy includes its job.
      ...named('ungated', `${key}${index === 0 || job === null ? '' : `:${job.id}`}`),
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [policyRef(key, 'retention')],
      message: ungatedMessage(key, job === null || isPlanned(job) ? '' : ` (job ${job.id})`, after !== null),
      suggestion: after === null ? null : declaration(gatedInstead(subject, age), subject),
    }
  })
}

function gatedInstead({table}: CheckSubject, age: string | null): string {
  return age === null
    ? 'declare a retention with an age that a configuration can express, and policies apply makes it gated'
    : `${declarationLine(table, `retention: {after: ${age}}`)}, and policies apply makes it gated`
}

/** Two retentions of one table: both run. */
function twice(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const retentions = retentionsOf(subject)
  if (retentions.length < 2) return []
  const key = qualifiedName(subject.table)
  const each = retentions.map((retention) => `${retentionWords(retention, subject)}${jobWords(retention.rule)}`)
  return [
    {
      ...named('retention-twice', key),
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [policyRef(key, 'retention')],
      message: `${key} has ${retentions.length} retentions, and each of them drops: ${each.join('; ')}`,
      suggestion:
        'remove all but one: ' +
        `${command('policies remove', ['retention', key], {job: retentions.findLast(({rule}) => rule.job !== null)?.rule.job?.id})}`,
    },
  ]
}

function jobWords({job, by}: LiveRule): string {
  const id = job === null || isPlanned(job) ? '' : `job ${job.id}, `
  return ` (${id}${by === 'qicore' ? 'gated' : 'native'})`
}

/** Findings about policies that a plan changes; the others existed before. */
export function ofChanges(findings: readonly CheckFinding[], changes: readonly Change[]): CheckFinding[] {
  const touched = new Set(changes.map((change) => policyName(policyRef(change.key, kindOf(change)))))
  return findings.filter(({policies}) => policies.some((each) => touched.has(policyName(each))))
}

/**
 * Refuses an unsafe plan unless each of its unsafe findings was accepted by id.
 * @throws OpsError UNSAFE_PLAN (exit 7), NO_SUCH_FINDING (exit 2)
 */
export function requireSafe(
  findings: readonly CheckFinding[],
  changes: readonly Change[],
  accepted: readonly string[],
): void {
  const open = openFindings(findings, changes, accepted)
  if (open.length === 0) return
  const lines = open.map(
    ({id, message, effectiveFrom, suggestion}) =>
      `- ${message}${effectiveFrom === null ? '' : ` (from ${effectiveFrom.slice(0, 10)})`}. ` +
      `[${id}]${suggestion === null ? '' : `\n  Safe: ${suggestion}`}`,
  )
  throw new OpsError('UNSAFE_PLAN', `These policies conflict; nothing was done.\n${lines.join('\n')}`, {
    exit: ExitCode.refused,
    suggestions: [`Change the declaration, or accept the findings: ${open.map(({id}) => `--accept ${id}`).join(' ')}`],
  })
}

/**
 * Refuses a mistyped `--accept`: an id that is neither a finding of this plan nor a possible one. An id whose finding
 * is gone is accepted: the same command has to be able to finish what a killed run began.
 * @throws OpsError NO_SUCH_FINDING (exit 2)
 */
export function requireKnown(
  {findings, state}: {findings: readonly CheckFinding[]; state: {states: ReadonlyMap<unknown, {key: string}>}},
  accepted: readonly string[],
): void {
  const tables = [...state.states.values()].map(({key}) => key)
  const possible = (id: string) =>
    findingRules.some((rule) => tables.some((table) => `${id}:`.startsWith(`${rule}:${table}:`)))
  const unknown = accepted.filter(
    (id) => !isHazard(id) && !findings.some((finding) => finding.id === id) && !possible(id),
  )
  if (unknown.length === 0) return
  throw usageError('NO_SUCH_FINDING', `There is no finding ${unknown.join(', ')} in this plan.`, [
    findings.length === 0 ? 'The plan has no findings.' : `Its findings: ${findings.map(({id}) => id).join(', ')}`,
  ])
}

/** The unsafe findings of a plan that were not accepted: they refuse it. */
export function openFindings(
  findings: readonly CheckFinding[],
  changes: readonly Change[],
  accepted: readonly string[],
): CheckFinding[] {
  return ofChanges(findings, changes).filter(({level, id}) => level === 'unsafe' && !accepted.includes(id))
}
