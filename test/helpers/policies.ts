import {planPolicies, type PolicyPlan, type PolicyRequest} from '../../src/policies/plan/plan.js'
import {execute} from '../../src/run/execute.js'
import {defaultLimits} from '../../src/run/limits.js'
import type {Plan, RunReport} from '../../src/run/step.js'
import {parseQualifiedName} from '../../src/db/qualified-name.js'
import type {Declared} from '../../src/policies/declared/declared.js'
import type {Database} from '../../src/db/database.js'
import {parseDuration} from '../../src/units/duration.js'

/** A declaration as in a configuration, in a short form. */
export function declare(name: string, fields: Partial<Omit<Declared, 'schema' | 'name' | 'from'>>): Declared {
  const {schema, name: table} = parseQualifiedName(name)
  return {schema: schema ?? 'public', name: table, from: 'config', section: 'tables', ...fields}
}

export const days = (count: number) => parseDuration(`${count} days`)
export const duration = parseDuration

export function request(declared: readonly Declared[], more: Partial<PolicyRequest> = {}): PolicyRequest {
  return {declared, maxDropPerRun: 8, target: 'test', ...more}
}

export function run(db: Database, plan: Plan): Promise<RunReport> {
  return execute(db, plan, {limits: {...defaultLimits, retryBudget: 2_000}, ledger: null})
}

/** Plans, runs every step, and plans again. */
export async function apply(
  db: Database,
  wanted: PolicyRequest,
): Promise<{before: PolicyPlan; report: RunReport; after: PolicyPlan}> {
  const before = await planPolicies(db, wanted)
  const report = await run(db, before.plan)
  return {before, report, after: await planPolicies(db, wanted)}
}
