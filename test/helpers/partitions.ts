import type {Database} from '../../src/db/database.js'
import {statement} from '../../src/db/sql.js'
import {execute} from '../../src/run/execute.js'
import {defaultLimits, type Limits} from '../../src/run/limits.js'
import type {Plan, RunReport, Step} from '../../src/run/step.js'
import type {PartitionRule} from '../../src/partitions/periods.js'
import {parseCalendarBound} from '../../src/units/calendar.js'
import type {CreateRequest} from '../../src/partitions/create/create.js'
import type {TestDatabase} from './engines.js'

/** Short limits, so that a test of a lock that is never granted ends. */
export const quick: Limits = {
  ...defaultLimits,
  lockTimeout: 300,
  exclusiveLockTimeout: 200,
  retryBudget: 1_500,
  firstRetry: 50,
  longestRetry: 200,
}

export function ruleOf(relation: string, more: Partial<PartitionRule> = {}): PartitionRule {
  return {
    relation,
    every: 'month',
    ahead: 3,
    timezone: 'UTC',
    earliest: '0001-01-01T00:00:00Z',
    within: {months: 12_000, days: 0, seconds: 0},
    retention: null,
    timeUnit: null,
    keyFormat: null,
    ...more,
  }
}

export function createRequest(
  relation: string,
  from: string,
  to: string,
  more: Partial<PartitionRule> = {},
): CreateRequest {
  const rule = ruleOf(relation, more)
  return {rule, every: rule.every, from: parseCalendarBound(from), to: parseCalendarBound(to)}
}

export function run(db: Database, plan: Plan, limits: Limits = quick): Promise<RunReport> {
  return execute(db, plan, {limits, ledger: null})
}

/** The result of each step as a text. */
export function stepResults({steps}: RunReport): string[] {
  return steps.map(({id, status}) => `${id}: ${status}`)
}

/** The partitions of a table with their bounds as PostgreSQL prints them, ordered by name. */
export async function childrenOf({run: query}: TestDatabase, table: string): Promise<string[]> {
  const rows = await query<{child: string}>(
    `select inhrelid::regclass || case when inhdetachpending then ' PENDING' else '' end || ' ' || pg_get_expr(relpartbound, 0) as child from pg_inherits join pg_class on oid = inhrelid where inhparent = '${table}'::regclass order by relname`,
  )
  return rows.map(({child}) => child.replace('FOR VALUES FROM ', '').replaceAll(' 00:00:00+00', ''))
}

/**
 * Runs a plan, some of its steps at the log level at which the server reports which partitions it need not scan.
 * @returns the report, and what the server reported
 */
export async function runLoudly(
  db: Database,
  plan: Plan,
  isLoud: (step: Step) => boolean,
): Promise<{report: RunReport; notices: string[]}> {
  const notices: string[] = []
  const loud = statement('set local client_min_messages = debug1')
  const steps = plan.steps.map((step) => (isLoud(step) ? {...step, statements: [loud, ...step.statements]} : step))
  const listening: Database = {
    ...db,
    transaction: (settings, work) =>
      db.transaction({...settings, onNotice: ({message}) => void notices.push(message)}, work),
  }
  return {report: await run(listening, {...plan, steps}), notices}
}
