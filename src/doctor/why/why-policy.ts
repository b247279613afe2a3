import {readActivity} from '../../activity/read-activity.js'
import {batching} from '../../db/batching.js'
import type {Database} from '../../db/database.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {usageError} from '../../errors.js'
import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {ReportHead} from '../../catalog/snapshot.js'
import {readPolicyStatus, type StatusRequest} from '../../policies/status.js'
import type {PolicyStatus} from '../../policies/status-types.js'
import {readRuns} from '../../reports/history.js'
import {command} from '../../units/command.js'
import {likelyCause, type Cause} from './cause.js'
import {evidenceOf, type Evidence} from './evidence.js'
import type {PolicyFacts} from './facts.js'

/** One policy, from what can be seen of it to the cause that is most likely. */
export interface PolicyWhy {
  schema: string
  table: string
  kind: PolicyKindName
  /** As in policies.status: false is late, missing or paused, null is not known. */
  ok: boolean | null
  evidence: Evidence[]
  /** Null where nothing is wrong. */
  cause: Cause | null
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
  const table = formatQualifiedName(asked[0]!.schema, asked[0]!.table)
  const [activity, {runs}] = await Promise.all([
    readActivity(db),
    readRuns(db, {table, since: null, limit: recentRuns}),
  ])
  const conditions = db.server.condition.map(({code, message, fix}) => ({
    code,
    message,
    fix: {kind: 'advice', text: fix} as const,
  }))
  const explain = (status: PolicyStatus): PolicyWhy => {
    const {schema, table: name, kind, ok} = status
    const sessions = activity.sessions.filter(({tables}) =>
      tables.some((one) => one.schema === schema && one.table === name),
    )
    const facts: PolicyFacts = {status, at, sessions, runs, conditions}
    return {schema, table: name, kind, ok, evidence: evidenceOf(facts), cause: likelyCause(facts)}
  }
  return {kind: 'policies.why', version: 1, target: null, at, policies: asked.map(explain), notes}
}

function noSuchPolicy({table, kind}: PolicyWhyRequest, others: readonly PolicyStatus[]) {
  const has = others.map((each) => each.kind)
  return usageError(
    'NO_SUCH_POLICY',
    kind === null ? `${table} has no policy, declared or live.` : `${table} has no ${kind} policy, declared or live.`,
    has.length > 0 ? [`It has: ${has.join(', ')}.`] : [`The policies there are: ${command('policies list')}`],
  )
}
