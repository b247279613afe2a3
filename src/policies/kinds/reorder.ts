import {timescaledbFunction} from '../../db/server.js'
import {inline, sql} from '../../db/sql.js'
import {dash} from '../../units/cell-text.js'
import type {Step} from '../../run/step.js'
import {fixBy} from '../status/types.js'
import {alterJob, policyStep, type StepContext} from '../plan/policy-step.js'
import {plannedJob, type LiveRule} from '../table-state.js'
import {readReordered, reorderWork, type Reordered} from '../status/reorder-work.js'
import type {ChangeBase, DiffContext, PolicyKind} from './kind.js'
import {bareRule, lacking, paused, single, withRule} from './rules.js'

export interface ReorderRule {
  /** Name of an index of the hypertable. */
  index: string
}

export interface Reorder extends ChangeBase {
  do: 'reorder'
  index: string
  /** Null adds the policy; a number alters that job in place. */
  job: number | null
}

/**
 * TimescaleDB's policy that rewrites the rows of each chunk once in the order of an index, except the two newest chunks
 * and compressed ones. Hypertables of the community edition only; not aggregates.
 */
export const reorder: PolicyKind<ReorderRule, ReorderRule, Reorder, Reordered> = {
  name: 'reorder',
  changes: ['reorder'],
  eachOfSeveral: 'reorders',
  declare: (written) => written,
  fromDefinition: () => undefined,
  isRow: () => false,
  impossible({engine, kind}) {
    if (kind === 'hypertable') return lacking(engine, 'reorder')
    return {
      code: 'NOT_A_HYPERTABLE',
      why: 'it is not a hypertable, and TimescaleDB reorders only these',
      suggestions: [],
    }
  },
  desired(rule, {state, place, problems}) {
    const indexes = state.indexes ?? []
    // A rule that is not possible here is not applied, so its index is not checked.
    if (state.kind !== 'hypertable' || indexes.includes(rule.index)) return rule
    problems.push({
      code: 'NO_SUCH_INDEX',
      message: `${place}.index: ${state.key} has no index "${rule.index}".`,
      suggestion: indexes.length === 0 ? 'It has no indexes.' : `Its indexes: ${indexes.join(', ')}.`,
    })
    return null
  },
  diff({index}, {state, rules, problems}: DiffContext) {
    const live = single(rules, state.key, 'reorder', problems)
    if (live === undefined) return []
    const why = live === null ? [`by index ${index}`] : differs(live, index)
    return why.length === 0 ? [] : [{do: 'reorder', key: state.key, index, job: live?.job?.id ?? null, why}]
  },
  steps: (change, context) => [reorderStep(change, context)],
  project(state, {index, job}) {
    const rule: LiveRule = {
      ...bareRule,
      kind: 'reorder',
      by: 'timescaledb',
      job: plannedJob(job),
      config: {index_name: index},
    }
    return withRule(state, ({kind}) => kind === 'reorder', rule)
  },
  runsAsOwner: () => true,
  ruleText: ({index}) => ({index}),
  liveText: (rule) => ({index: indexOf(rule)}),
  cell: ({index}) => String(index ?? dash),
  inWords: ({index}) => `by index ${index}`,
  liveInWords: (rule) => `by index ${indexOf(rule) ?? 'unknown'}`,
  toConfig(rule) {
    const index = indexOf(rule)
    return index === null ? {cannot: 'its index cannot be read'} : {value: {index}}
  },
  readFacts: readReordered,
  work: reorderWork,
  advice: ({jobId}, {server}) =>
    jobId === null
      ? []
      : [fixBy(inline(sql`call ${timescaledbFunction(server, 'run_job')}(${jobId})`), 'sql', 'To run it now: ')],
}

function indexOf({config}: LiveRule): string | null {
  return typeof config?.index_name === 'string' ? config.index_name : null
}

function differs(live: LiveRule, index: string): string[] {
  const was = indexOf(live)
  return [...(was === index ? [] : [`by index ${index}, was ${was ?? 'unknown'}`]), ...paused(live)]
}

function reorderStep({key, index, job}: Reorder, {server, table}: StepContext): Step {
  const statement =
    job === null
      ? sql`select ${timescaledbFunction(server, 'add_reorder_policy')}(${key}::regclass, ${index}::name)`
      : alterJob(server, job, sql`j.config || jsonb_build_object('index_name', ${index}::text)`)
  const current = sql`select exists (
  select from timescaledb_information.jobs j
  where j.proc_name = 'policy_reorder' and (j.config ->> 'hypertable_id')::int = ${table.id!} and j.scheduled
    and j.config ->> 'index_name' = ${index}
) as done`
  return policyStep(`reorder policy of ${key}`, key, [statement], {doneCheck: current})
}
