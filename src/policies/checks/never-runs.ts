import {qualifiedName} from '../../catalog/table.js'
import {whyNeverRuns} from '../status/never-runs.js'
import type {ProofFacts, CheckSubject} from './facts.js'
import {neverRunsRule, policyRef, named, type CheckFinding} from './finding.js'

/** Policies, after a plan, whose every run fails: one finding a reason. */
export function neverRunsFindings(subject: CheckSubject, facts: ProofFacts): CheckFinding[] {
  const {table, state, clock} = subject
  const key = qualifiedName(table)
  const found = state.policies.flatMap(({kind, ...rule}) => {
    const never = whyNeverRuns({kind, ...rule}, table, facts.server, clock.unit)
    return never === null ? [] : [{kind, ...never}]
  })
  return [...new Set(found.map(({code}) => code))].map((code) => {
    const same = found.filter((each) => each.code === code)
    const kinds = [...new Set(same.map(({kind}) => kind))]
    return {
      ...named(neverRunsRule(code), key),
      level: 'unsafe',
      object: key,
      effectiveFrom: facts.at,
      policies: kinds.map((kind) => policyRef(key, kind)),
      message: `every run of the ${kinds.join(' and ')} policy of ${key} fails: ${same[0]!.why}`,
      suggestion: [...new Set(same.map(({fix}) => fix))].join('; '),
    }
  })
}
