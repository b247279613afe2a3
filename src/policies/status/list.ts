import {type PolicyKindName, policyKindNames} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import type {Instant} from '../../units/instant.js'
import {readSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName} from '../../catalog/table.js'
import {cronRuleText, readCronPolicies} from './cron-policies.js'
import {declaredName, type Declared} from '../declared/declared.js'
import {timeUnitsOf} from '../declared/read-declared.js'
import {readPolicyState} from '../read-state.js'
import {declaredText, liveText} from './rule-text.js'
import type {RuleText} from './types.js'

/** A policy as declared and as live. Whether its work is done is in `policies status`. */
export interface ListedPolicy {
  schema: string
  table: string
  kind: PolicyKindName
  managed: boolean
  gated: boolean
  declared: RuleText | 'none' | null
  live: RuleText | null
  jobId: number | null
  paused: boolean | null
}

export interface PolicyListReport {
  kind: 'policies.list'
  version: 1
  target: string | null
  at: Instant
  policies: ListedPolicy[]
}

/** Every policy that is declared or live. */
export async function readPolicyList(
  db: Database,
  declared: readonly Declared[],
  table?: string,
): Promise<PolicyListReport> {
  const snapshot = await readSnapshot(db, {table, lateAfter: 0, timeUnits: timeUnitsOf(declared)})
  const [{states}, cron] = await Promise.all([readPolicyState(db, snapshot), readCronPolicies(db, snapshot.tables)])
  const policies = [...states].flatMap(([each, state]) => {
    const given = declared.find((candidate) => declaredName(candidate) === qualifiedName(each))
    return policyKindNames.flatMap((kind): ListedPolicy[] => {
      const live = state.policies.filter((rule) => rule.kind === kind)
      const text = declaredText(given, kind)
      const common = {schema: each.schema, table: each.name, kind, managed: given?.[kind] !== undefined, declared: text}
      if (live.length === 0)
        return text === null ? [] : [{...common, gated: false, live: null, jobId: null, paused: null}]
      return live.map((rule) => ({
        ...common,
        gated: kind === 'retention' && rule.by === 'qicore',
        live: liveText(rule, state),
        jobId: rule.job?.id ?? null,
        paused: rule.job === null ? null : !rule.job.scheduled,
      }))
    })
  })
  policies.push(
    ...(cron ?? []).map(
      (each): ListedPolicy => ({
        schema: each.table.schema,
        table: each.table.name,
        kind: each.kind,
        managed: false,
        gated: false,
        declared: null,
        live: cronRuleText(each),
        jobId: null,
        paused: null,
      }),
    ),
  )
  return {
    kind: 'policies.list',
    version: 1,
    target: null,
    at: snapshot.at,
    policies: policies.sort((a, b) => (`${a.schema}.${a.table}` < `${b.schema}.${b.table}` ? -1 : 1)),
  }
}
