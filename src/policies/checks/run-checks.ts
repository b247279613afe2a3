import {ExitCode, OpsError, usageError} from '../../errors.js'
import {kindOf, type Change} from '../change.js'
import {aggregateFindings, windowFindings} from './aggregates.js'
import {chunkFindings, compressionFindings} from './chunks.js'
import type {Offset} from '../../catalog/live-policies.js'
import {rulesOf} from '../table-state.js'
import {qualifiedName} from '../../catalog/table.js'
import {offsetInWords} from '../offsets.js'
import {words, type ProofFacts, type Subject} from './facts.js'
import {concern, type Finding} from './finding.js'
import {lockFindings} from './locks.js'

/** Every way in which the policies, as they would stand, do not go together. Pure; each id once. */
export function runChecks(facts: ProofFacts): Finding[] {
  const all = [...facts.subjects.values()].flatMap((subject) => [
    ...aggregateFindings(subject, facts),
    ...windowFindings(subject, facts),
    ...chunkFindings(subject, facts),
    ...compressionFindings(subject, facts),
    ...lockFindings(subject, facts),
    ...ungated(subject, facts),
  ])
  return all.filter(({id}, index) => all.findIndex((other) => other.id === id) === index)
}

/** TimescaleDB's own retention asks nobody; declared without `native` it becomes the gated one. */
function ungated(subject: Subject, facts: ProofFacts): Finding[] {
  const key = qualifiedName(subject.table)
  return rulesOf(subject.state, 'retention')
    .filter(({by}) => by === 'timescaledb')
    .map(({job, after}) => ({
      id: `ungated:${key}`,
      level: 'note',
      object: key,
      effectiveFrom: facts.at,
      policies: [concern(key, 'retention')],
      message: `TimescaleDB's own retention of ${key}${job === null || job.id < 0 ? '' : ` (job ${job.id})`} drops in one transaction and asks no aggregate${after === null ? '. It goes by when a chunk was created, which no declaration can say: nothing equal can be proposed' : ''}`,
      safe:
        after === null
          ? null
          : `tables: ${key}: { retention: { after: ${ageWords(after, subject)} } }, and policies apply makes it the gated one`,
    }))
}

/** As a configuration takes it, which knows no integers. */
function ageWords(offset: Offset | null, subject: Subject): string {
  return typeof offset === 'bigint' ? words(offset, subject) : offsetInWords(offset)
}

/** Findings that come from what a plan changes; the others were there before and stay. */
export function ofChanges(findings: readonly Finding[], changes: readonly Change[]): Finding[] {
  const touched = new Set(changes.map((change) => concern(change.key, kindOf(change))))
  return findings.filter(({policies}) => policies.some((each) => touched.has(each)))
}

/**
 * Refuses a plan that is unsafe unless each of its findings was accepted by name.
 * @throws OpsError UNSAFE_PLAN (exit 7), NO_SUCH_FINDING (exit 2)
 */
export function requireSafe(
  findings: readonly Finding[],
  changes: readonly Change[],
  accepted: readonly string[],
): void {
  const open = openFindings(findings, changes, accepted)
  if (open.length === 0) return
  const lines = open.map(
    ({id, message, effectiveFrom, safe}) =>
      `- ${message}${effectiveFrom === null ? '' : ` (from ${effectiveFrom.slice(0, 10)})`}.${safe === null ? '' : ` Safe: ${safe}.`} [${id}]`,
  )
  throw new OpsError('UNSAFE_PLAN', `These policies conflict; nothing was done.\n${lines.join('\n')}`, {
    exit: ExitCode.refused,
    suggestions: [`Change what is declared, or accept it by name: ${open.map(({id}) => `--accept ${id}`).join(' ')}`],
  })
}

/** @throws OpsError NO_SUCH_FINDING (exit 2) where an id was accepted that names no finding of this plan */
export function requireKnown(findings: readonly Finding[], accepted: readonly string[]): void {
  const unknown = accepted.filter((id) => !findings.some((finding) => finding.id === id))
  if (unknown.length === 0) return
  throw usageError('NO_SUCH_FINDING', `There is no finding ${unknown.join(', ')} in this plan.`, [
    findings.length === 0 ? 'The plan has no findings.' : `Its findings: ${findings.map(({id}) => id).join(', ')}`,
  ])
}

/** What would refuse the plan. */
export function openFindings(
  findings: readonly Finding[],
  changes: readonly Change[],
  accepted: readonly string[],
): Finding[] {
  return ofChanges(findings, changes).filter(({level, id}) => level === 'unsafe' && !accepted.includes(id))
}
