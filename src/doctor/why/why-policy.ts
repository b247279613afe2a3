import {readActivity} from '../../activity/read-activity.js'
import {batching} from '../../db/batching.js'
import type {Database} from '../../db/database.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {usageError} from '../../errors.js'
import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {ReportHead} from '../../catalog/snapshot.js'
import {readPolicyStatus, type StatusRequest} from '../../policies/status/status.js'
import type {PolicyStatus} from '../../policies/status/types.js'
import {readRuns} from '../../reports/history.js'
import {command} from '../../units/command.js'
import type {Instant} from '../../units/instant.js'
import type {Explanation} from './explanation.js'
import {policyCause} from './policy-cause.js'
import {policyEvidence} from './policy-evidence.js'
import type {PolicyFacts} from './policy-facts.js'

/** One policy, from what can be seen of it to the cause that is most likely. */
export interface PolicyWhy extends Explanation {
  schema: string
  table: string
  kind: PolicyKindName
}

export interface PolicyWhyReport extends ReportHead<'policies.why'> {
  policies: PolicyWhy[]
  notes: string[]
}

export interface PolicyWhyRequest extends StatusRequest {
  table: string
  /** Null: every policy of the table. */
  kind: PolicyKindName | null
}

/** Runs of the record that are looked at: the last ones explain, older ones are history. */
const recentRuns = 5

/**
 * @throws OpsError NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS, and NO_SUCH_POLICY where the table has none of that kind
 */
export async function explainPolicies(database: Database, request: PolicyWhyRequest): Promise<PolicyWhyReport> {
  const db = batching(database)
  const {policies, notes, at} = await readPolicyStatus(db, request)
  const asked = policies.filter(({kind}) => request.kind === null || kind === request.kind)
  if (asked.length === 0) throw noSuchPolicy(request, policies)
  return {
    kind: 'policies.why',
    version: 1,
    target: null,
    at,
    policies: await explainStatuses(db, asked, at),
    notes,
  }
}

/** Explains policies of one table by their status. @param statuses at least one */
export async function explainStatuses(
  db: Database,
  statuses: readonly PolicyStatus[],
  at: Instant,
): Promise<PolicyWhy[]> {
  const table = formatQualifiedName(statuses[0]!.schema, statuses[0]!.table)
  const [activity, {runs}] = await Promise.all([
    readActivity(db),
    readRuns(db, {table, since: null, limit: recentRuns}),
  ])
  return statuses.map((status): PolicyWhy => {
    const {schema, table: name, kind, ok} = status
    const sessions = activity.sessions.filter(({tables}) =>
      tables.some((one) => one.schema === schema && one.table === name),
    )
    const facts: PolicyFacts = {status, at, sessions, runs, server: db.server}
    return {schema, table: name, kind, ok, evidence: policyEvidence(facts), cause: policyCause(facts)}
  })
}

function noSuchPolicy({table, kind}: PolicyWhyRequest, others: readonly PolicyStatus[]) {
  const has = others.map((each) => each.kind)
  return usageError(
    'NO_SUCH_POLICY',
    kind === null ? `${table} has no policy, declared or live.` : `${table} has no ${kind} policy, declared or live.`,
    has.length > 0 ? [`It has: ${has.join(', ')}.`] : [`The policies there are: ${command('policies list')}`],
  )
}
