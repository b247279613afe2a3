import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {Instant} from '../../units/instant.js'
import {neverRunsCodes, type NeverRunsCode} from '../status/never-runs.js'

type Dashed<Text extends string> = Text extends `${infer First}_${infer Rest}` ? `${First}-${Dashed<Rest>}` : Text

/** The rule of a plan that names the same as a problem of a live policy. */
export function neverRunsRule(code: NeverRunsCode): Dashed<NeverRunsCode> {
  return code.replaceAll('_', '-') as Dashed<NeverRunsCode>
}

/** The checks of a plan; the id of a finding is the name of its check and its table. */
export const findingRules = [
  'never-refreshed',
  'refresh-first',
  'refresh-erases',
  'retention-outruns',
  'uncovered',
  'narrow-window',
  'chunk-memory',
  'coarse-chunks',
  'compressed-under-refresh',
  'late-rows',
  'compressed-in-vain',
  'locks',
  'locks-refresh',
  'foreign-keys',
  'foreign-keys-into',
  'ungated',
  'retention-twice',
  ...neverRunsCodes.map(neverRunsRule),
] as const

export type FindingRule = (typeof findingRules)[number]
export type FindingId = `${FindingRule}:${string}`

/** One conflict between policies. */
export interface CheckFinding {
  /** The id for --accept: check and object; the same in every plan. */
  id: FindingId
  rule: FindingRule
  /** `unsafe`: a plan that changes one of its policies is refused. `note`: nothing is lost. */
  level: 'unsafe' | 'note'
  object: string
  message: string
  /** From when it has consequences; now or in the past if it has already, null if not known. */
  effectiveFrom: Instant | null
  /** A value or command that avoids it. */
  suggestion: string | null
  /** The policies that conflict. */
  policies: readonly PolicyRef[]
}

export interface PolicyRef {
  /** Qualified name of the table. */
  key: string
  kind: PolicyKindName | 'chunk interval'
}

/** @param about the table or aggregate, with more where one rule has several findings about it */
export function named<Rule extends FindingRule>(rule: Rule, about: string): Pick<CheckFinding, 'id' | 'rule'> {
  return {rule, id: `${rule}:${about}`}
}

export function policyRef(key: string, kind: PolicyRef['kind']): PolicyRef {
  return {key, kind}
}

/** The name of a policy in reports: `public.t retention`. */
export function policyName({key, kind}: PolicyRef): string {
  return `${key} ${kind}`
}
