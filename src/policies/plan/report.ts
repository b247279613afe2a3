import {inline} from '../../db/sql.js'
import type {ChangeClass} from '../../run/step.js'
import type {Instant} from '../../units/instant.js'
import {qualifiedName} from '../../catalog/table.js'
import {cutoffSnapshotOf, type CutoffSnapshot} from './cutoff-snapshot.js'
import {kindNamed} from '../kinds/index.js'
import type {PolicyPlan, Unmanaged} from './plan.js'
import {policyName, type CheckFinding} from '../checks/finding.js'
import {openFindings} from '../checks/run-checks.js'

/** A finding in reports: policies are names, `public.t retention`; `refuses` if it refuses the plan. */
export interface ReportedFinding extends Omit<CheckFinding, 'policies' | 'rule'> {
  policies: readonly string[]
  refuses: boolean
}

/** A plan of policies in JSON. */
export interface PolicyPlanReport {
  cutoff: null
  steps: {
    id: string
    status: 'planned'
    sql: string
    lock: string
    class: ChangeClass
    repeatable: boolean
    why: string[]
  }[]
  cutoffs: CutoffSnapshot[]
  findings: ReportedFinding[]
  unmanaged: {schema: string; table: string; kind: string; jobId: number | null; rule: string}[]
  notes: string[]
}

/** @param accepted ids of accepted findings */
export function planReport(planned: PolicyPlan, accepted: readonly string[]): PolicyPlanReport & {at: Instant} {
  const {plan, changes, findings, unmanaged, notes, state, reasons} = planned
  const open = openFindings(findings, changes, accepted)
  return {
    at: state.snapshot.at,
    cutoff: null,
    steps: plan.steps.map((step) => ({
      id: step.id,
      status: 'planned',
      sql: step.statements.map(inline).join(';\n'),
      lock: step.lock,
      class: step.class,
      repeatable: step.repeatable || step.doneCheck !== null,
      why: [...(reasons.get(step.id) ?? [])],
    })),
    cutoffs: cutoffSnapshotOf(planned),
    findings: findings.map((finding) => {
      const {rule: _, ...reported} = finding
      return {...reported, policies: finding.policies.map(policyName), refuses: open.includes(finding)}
    }),
    unmanaged: unmanaged.map((each) => unmanagedOf(each, planned)),
    notes: [...notes],
  }
}

function unmanagedOf({key, kind, rule}: Unmanaged, {state}: PolicyPlan): PolicyPlanReport['unmanaged'][number] {
  const table = state.snapshot.all.find((candidate) => qualifiedName(candidate) === key)!
  return {
    schema: table.schema,
    table: table.name,
    kind,
    jobId: rule.job?.id ?? null,
    rule: kindNamed(kind).liveInWords(rule, state.states.get(table)?.scale ?? 'unknown'),
  }
}
