import type {PolicyKindName} from '../../catalog/live-policies.js'
import {can} from '../../engines/index.js'
import type {Change} from './change.js'
import type {DesiredState} from './desired.js'
import {policyKinds} from '../kinds/index.js'
import type {DiffOptions} from '../kinds/kind.js'
import {lengthInWords} from '../../catalog/offset-words.js'
import type {Problem} from './problem.js'
import {rulesOf, type LiveRule} from '../table-state.js'

/**
 * The changes that make a table match its declaration. Kinds of policy that are not declared, or that the engine does
 * not support, are not changed.
 */
export function diff(desired: DesiredState, options: DiffOptions, problems: Problem[]): Change[] {
  const {state, policies} = desired
  const {engine} = options
  const scheduled = can(engine, 'policies') && state.native
  const changes = chunkInterval(desired)
  for (const kind of policyKinds) {
    const rule = policies.get(kind.name)
    if (rule === undefined || kind.impossible({kind: state.kind, native: state.native, engine}) !== null) continue
    const rules = rulesOf(state, kind.name)
    changes.push(
      ...(rule === 'none'
        ? removal(state.key, kind.name, rules, 'declared to have none')
        : (kind.diff(rule, {...options, state, scheduled, rules, problems}) as Change[])),
    )
  }
  return changes
}

function chunkInterval({state, chunkInterval: to}: DesiredState): Change[] {
  if (to === null || to === state.chunkInterval) return []
  const {key, chunkInterval: from, scale} = state
  const why = [`chunks of ${lengthInWords(to, scale)} from now on, were ${lengthInWords(from, scale)}`]
  return [{do: 'chunk interval', key, from, to, why}]
}

/** The removal of the live policies of one kind; empty if there are none. */
export function removal(key: string, kind: PolicyKindName, rules: readonly LiveRule[], why: string): Change[] {
  if (rules.length === 0) return []
  const native = rules.filter(({by}) => by === 'timescaledb').flatMap(({job}) => (job === null ? [] : [job.id]))
  const jobs = rules
    .filter(({by}) => by === 'qicore')
    .flatMap(({job, gate}) => [...(job === null ? [] : [job.id]), ...(gate?.duplicateJobs ?? [])])
  return [{do: 'remove', key, kind, native, jobs, row: rules.some(({by}) => by === 'qicore'), why: [why]}]
}
