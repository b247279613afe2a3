import {batching} from '../../db/batching.js'
import {rowsAreVisible} from '../../db/condition.js'
import type {Database} from '../../db/database.js'
import type {Server} from '../../db/server.js'
import {can} from '../../engines/index.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {unreadableNote} from '../../catalog/read-emulated.js'
import {readQicoreSchema, schemaRemark} from '../../schema/migrate/schema-state.js'
import type {Instant} from '../../units/instant.js'
import {policyKindNames, type LivePolicy, type PolicyKindName} from '../../catalog/live-policies.js'
import {readSnapshot, type CatalogSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {cronStatus, readCronPolicies} from './cron-policies.js'
import {declaredName, notHere, type Declared} from '../declared/declared.js'
import {problemsOf, withProblems} from './findings.js'
import {unfitDeclared} from './partition-keys.js'
import {impossibleHere, sectionProblem} from '../plan/declared-problems.js'
import {policyProblems} from './policy-problems.js'
import {isUnapplied, missingStatus} from './missing-status.js'
import {readUnfit, unfitStatus} from './plain-tables.js'
import {readOtherJobs} from './other-jobs.js'
import {timeUnitsOf} from '../declared/read-declared.js'
import {readPolicyState, type PolicyState} from '../read-state.js'
import {kindNamed, policyKinds} from '../kinds/index.js'
import {declaredText, liveText} from './rule-text.js'
import {readRunners, runnerOf, type Runners} from './runners.js'
import type {LiveRule} from '../table-state.js'
import {unknownReason} from './status-work.js'
import type {JudgedPolicy, PolicyStatus, PolicyStatusReport} from './types.js'
import {command} from '../../units/command.js'

export interface StatusRequest {
  /** May still be being read. */
  declared: readonly Declared[] | Promise<readonly Declared[]>
  /** Milliseconds that due work may wait beyond one interval of its schedule. */
  lateAfter: number
  /** The name as the operator typed it; undefined means every table. */
  table?: string | undefined
  /** The snapshot, if the caller has read it for this table already. */
  snapshot?: CatalogSnapshot | undefined
  /** The state of that snapshot, if the caller has read it already. */
  state?: PolicyState | undefined
}

interface JobError {
  id: number
  at: Instant | null
  state: string | null
  message: string
}

/** Everything from which a status is derived. */
interface Sources {
  state: PolicyState
  runners: Runners
  errors: ReadonlyMap<number, JobError>
  /** The facts of each kind, see `readFacts` in kinds/kind.ts. */
  facts: ReadonlyMap<PolicyKindName, unknown>
  /** This role may read qicore.policies. */
  ownReadable: boolean
}

/**
 * The status of every policy, declared or live, by the state of the chunks and not by what a job reports. Locks
 * nothing, changes nothing, and does not need the schema qicore.
 * @throws OpsError NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS
 */
export async function readPolicyStatus(
  db: Database,
  {declared: declaring, lateAfter, table, ...known}: StatusRequest,
): Promise<PolicyStatusReport> {
  const batch = batching(db)
  const timeUnits = Promise.resolve(declaring).then(timeUnitsOf)
  const [declared, snapshot] = await Promise.all([
    declaring,
    known.snapshot ?? readSnapshot(batch, {table, lateAfter, timeUnits}),
  ])
  const timescaledb = can(db.server.engine, 'hypertables')
  // A role that may not read the schema qicore cannot tell an emulated aggregate from another view.
  const nowhere = declared
    .filter((each) => !snapshot.all.some((one) => qualifiedName(one) === declaredName(each)))
    .filter(({section}) => section === 'tables' || snapshot.policiesReadable)
  const [state, rows, runners, facts, unfitRelations, qicoreSchema, other, cron] = await Promise.all([
    known.state ?? readPolicyState(batch, snapshot),
    timescaledb ? batch.query<JobError>(statement(loadSql('policies/errors'))) : [],
    readRunners(batch),
    readFacts(batch, snapshot),
    readUnfit(batch, snapshot.all, table === undefined ? nowhere : []),
    readQicoreSchema(batch),
    timescaledb && table === undefined ? readOtherJobs(batch) : [],
    readCronPolicies(batch, snapshot.tables),
  ])
  const unfit = await unfitDeclared(
    db,
    declared.filter((each) => isUnapplied(each, 'retention', snapshot)),
    snapshot.tables,
  )
  const errors = new Map(rows.map((row) => [row.id, row]))
  const sources: Sources = {state, runners, errors, facts, ownReadable: snapshot.policiesReadable}
  const policies = await Promise.all(
    snapshot.policies.map((live) => liveStatus(batch, live, sources, declared, lateAfter)),
  )
  for (const each of declared) policies.push(...missingStatus(each, db, sources, unfit))
  policies.push(...unfitRelations.flatMap(unfitStatus))
  policies.push(...(cron ?? []).map((each) => cronStatus(each, snapshot, runners.cronAlive)))
  const order = (status: PolicyStatus) => `${status.schema}.${status.table} ${policyKindNames.indexOf(status.kind)}`
  policies.sort((a, b) => (order(a) < order(b) ? -1 : 1))
  const absent = table === undefined ? nowhere.filter(({from}) => from === 'config') : []
  const notes = runnerNotes(db, snapshot, runners)
  if (!sources.ownReadable) notes.push(unreadableNote(db.server))
  const remark = schemaRemark(qicoreSchema)
  notes.push(
    ...absent.filter((each) => !unfitRelations.some(({declared: known}) => known === each)).map(notHere),
    ...snapshot.tables.flatMap((one) => impossibleNotes(declared, one, db.server)),
    ...(remark === null ? [] : [remark]),
  )
  return {
    kind: 'policies.status',
    version: 1,
    target: null,
    at: snapshot.at,
    policies,
    other,
    qicoreSchema,
    notes,
  }
}

/**
 * That TimescaleDB's workers do not run. While rows are not visible (restore mode) the daemon must not run, so it is
 * not suggested. If the server has no workers left, the headline says so.
 */
function runnerNotes({server}: Database, {policies}: CatalogSnapshot, {daemon}: Runners): string[] {
  const theirs = can(server.engine, 'hypertables') && policies.some(({job}) => job !== null)
  if (server.workers !== 'dead' || !rowsAreVisible(server) || !theirs) return []
  return [
    daemon
      ? "TimescaleDB's background workers are not running here. The daemon does their work."
      : `TimescaleDB's background workers are not running here. A daemon can do their work: ${command('daemon')}`,
  ]
}

/** Reads the facts of each kind, once for all of its policies. */
async function readFacts(db: Database, snapshot: CatalogSnapshot): Promise<ReadonlyMap<PolicyKindName, unknown>> {
  const facts = policyKinds.map(async (kind) => {
    const policies = snapshot.policies.filter((policy) => policy.kind === kind.name)
    return [kind.name, await kind.readFacts(db, policies, snapshot)] as const
  })
  return new Map(await Promise.all(facts))
}

async function liveStatus(
  db: Database,
  live: LivePolicy,
  sources: Sources,
  declared: readonly Declared[],
  lateAfter: number,
): Promise<PolicyStatus> {
  const {state, runners} = sources
  const {snapshot, states, facts} = state
  const {table, kind} = live
  const tableState = states.get(table)!
  const rule = ruleOf(live, state)
  const given = declared.find((each) => declaredName(each) === qualifiedName(table))
  const tableFacts = facts.get(table)
  const referenced = (tableFacts?.referencedBy.length ?? 0) > 0
  const request = {db, policy: live, rule, snapshot, lateAfter, referenced}
  const work = await kindNamed(kind).work(request, sources.facts.get(kind))
  const {runner, alive} = runnerOf(rule, kind, qualifiedName(table), runners)
  const jobId = rule?.job?.id ?? null
  const error = jobId === null ? undefined : sources.errors.get(jobId)
  const gatedJob = state.gatedJobs.find(({id}) => id === jobId)
  const own = policyProblems(db, live, rule, state)
  const status: JudgedPolicy = {
    schema: table.schema,
    table: table.name,
    kind,
    managed: given?.[kind] !== undefined,
    runner,
    runnerAlive: own.problems.some(({code}) => code === 'gate_procedure_missing') ? false : alive,
    gated: kind === 'retention' && live.job === null,
    declared: declaredText(given, kind),
    live: rule === null ? null : liveText(rule, tableState),
    jobId,
    paused: rule?.job == null ? null : !rule.job.scheduled,
    due: work.due,
    notDone: work.notDone,
    ok: work.late === null ? null : !work.late,
    lastStatus: live.job?.lastStatus ?? gatedJob?.lastStatus ?? null,
    lastRunAt: live.job?.lastStartedAt ?? gatedJob?.lastStartedAt ?? null,
    nextRunAt: live.job?.nextStart ?? gatedJob?.nextStart ?? null,
    lastError: error === undefined ? null : {at: error.at, state: error.state, message: error.message},
    // Before 2.27.1 every role sees the errors of all jobs.
    lastErrorVisible:
      error !== undefined ||
      db.server.superuser ||
      tableFacts === undefined ||
      tableFacts.isOwner ||
      tableFacts.ownsDatabase,
  }
  const unconfirmed = rule?.gate?.consentValid === false || (jobId !== null && rule?.gate?.jobConsentMatches === false)
  if (own.broken || status.paused || (status.gated && unconfirmed)) status.ok = false
  const problems = problemsOf(status, {
    rule,
    server: db.server,
    at: snapshot.at,
    table,
    tables: snapshot.all,
    overdue: work.overdue,
    ...own,
    unknown: status.ok === null ? unknownReason(live, snapshot, work.grants) : null,
  })
  return withProblems(status, problems)
}

/** What the configuration declares for a table and this engine cannot do. */
function impossibleNotes(declared: readonly Declared[], table: Table, server: Server): string[] {
  return declared
    .filter((each) => declaredName(each) === qualifiedName(table) && sectionProblem(each, table) === null)
    .flatMap((each) => impossibleHere(each, table, server))
}

function ruleOf({table, kind, job}: LivePolicy, {states}: PolicyState): LiveRule | null {
  const rules = states.get(table)?.policies.filter((rule) => rule.kind === kind) ?? []
  return (
    rules.find((rule) =>
      job === null ? rule.by === 'qicore' : rule.by === 'timescaledb' && rule.job?.id === job.id,
    ) ?? null
  )
}
