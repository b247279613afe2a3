import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {dueState, type DueState} from '../due.js'
import {readEnds} from '../ends.js'
import type {LivePolicy} from '../live-policies.js'
import {refreshState} from '../refresh-state.js'
import {readLockedTables} from '../sizes.js'
import {survey, type Survey} from '../survey.js'
import {keyOf, type Chunk, type Table} from '../table.js'
import {fromMicros, instantOf} from '../time.js'
import {approximateSeconds} from '../../units/duration.js'
import {keyOf as declaredKey, notHere, policyKinds, type Declared, type PolicyKind} from './declared.js'
import {findingsOf} from './findings.js'
import {gateReasons} from './gate-reasons.js'
import {readOtherJobs} from './other-jobs.js'
import {timeUnitsOf} from './read-declared.js'
import {readPolicyState, type PolicyState} from './read-state.js'
import {changedRanges, rangeText, type Gap} from './refresh-gaps.js'
import {declaredText, liveText} from './rule-text.js'
import {readRunners, runnerOf, type Runners} from './runners.js'
import type {LiveRule} from './state.js'
import type {NotDone, PolicyStatus, PolicyStatusReport} from './status-types.js'
import {command} from '../../units/command.js'

export interface StatusRequest {
  declared: readonly Declared[]
  /** Milliseconds that due work may wait beyond its schedule. */
  lateAfter: number
  /** As the operator typed it; without it every table. */
  table?: string | undefined
}

interface JobError {
  id: number
  at: Instant | null
  state: string | null
  message: string
}

/** Everything that one status is made from. */
interface Sources {
  state: PolicyState
  runners: Runners
  errors: ReadonlyMap<number, JobError>
  changed: ReadonlyMap<LivePolicy, Gap[]>
}

/**
 * Every policy, declared or live, as it really was carried out: by the state of the chunks, never by what a job says
 * of itself. Locks nothing, needs nothing of ours, changes nothing.
 * @throws OpsError NO_SUCH_TABLE, NOT_A_HYPERTABLE, AMBIGUOUS
 */
export async function readPolicyStatus(db: Database, {declared, lateAfter, table}: StatusRequest): Promise<PolicyStatusReport> {
  const its = await survey(db, {table, lateAfter, timeUnits: timeUnitsOf(declared)})
  const state = await readPolicyState(db, its)
  const timescaledb = db.server.timescaledb !== null
  const rows = timescaledb ? await db.query<JobError>(statement(loadSql('report/policy-errors'))) : []
  const sources: Sources = {
    state,
    runners: await readRunners(db),
    errors: new Map(rows.map((row) => [row.id, row])),
    changed: await changedRanges(db, its.policies.filter(({kind}) => kind === 'refresh'), its.clocks),
  }
  const policies: PolicyStatus[] = []
  for (const live of its.policies) policies.push(await liveStatus(db, live, sources, declared, lateAfter))
  for (const each of declared) policies.push(...missingStatus(each, db, sources))
  const order = (status: PolicyStatus) => `${status.schema}.${status.table} ${policyKinds.indexOf(status.kind)}`
  policies.sort((a, b) => (order(a) < order(b) ? -1 : 1))
  const absent = table === undefined ? declared.filter((each) => each.from === 'config' && !its.all.some((one) => keyOf(one) === declaredKey(each))) : []
  const notes = db.server.workers === 'dead' && timescaledb && its.policies.some(({job}) => job !== null)
    ? [`TimescaleDB's background workers are not running here. ${sources.runners.daemon ? 'The daemon does their work.' : `The daemon would do their work: ${command('daemon')}`}`]
    : []
  notes.push(...absent.map(notHere))
  return {kind: 'policies.status', version: 1, target: null, at: its.at, policies, other: timescaledb && table === undefined ? await readOtherJobs(db) : [], notes}
}

async function liveStatus(db: Database, live: LivePolicy, sources: Sources, declared: readonly Declared[], lateAfter: number): Promise<PolicyStatus> {
  const {state, runners} = sources
  const {survey: its, states, facts} = state
  const {table, kind} = live
  const stands = states.get(table)!
  const rule = ruleOf(live, state)
  const said = declared.find((each) => declaredKey(each) === keyOf(table))
  const policy = onScale(live, its, rule)
  const work = kind === 'refresh' ? await refreshWork(db, policy, its, sources.changed.get(live) ?? [], lateAfter) : await chunkWork(db, policy, its, lateAfter)
  const {runner, alive} = runnerOf(rule, kind, keyOf(table), runners)
  const jobId = rule?.job?.id ?? null
  const gatedJob = state.gatedJobs.find(({id}) => id === jobId)
  const mine = facts.get(table)
  const status: PolicyStatus = {
    schema: table.schema,
    table: table.name,
    kind,
    managed: said?.[kind] !== undefined,
    runner,
    runnerAlive: alive,
    gated: kind === 'retention' && live.job === null,
    declared: declaredText(said, kind),
    live: rule === null ? null : liveText(rule, stands),
    jobId,
    paused: rule?.job == null ? null : !rule.job.scheduled,
    due: work.due,
    notDone: work.notDone,
    ok: work.late === null ? null : !work.late,
    lastStatus: live.job?.lastStatus ?? gatedJob?.lastStatus ?? null,
    lastRunAt: live.job?.lastStartedAt ?? gatedJob?.lastStartedAt ?? null,
    nextRunAt: live.job?.nextStart ?? gatedJob?.nextStart ?? null,
    lastError: null,
    lastErrorVisible: db.server.superuser || mine === undefined || mine.isOwner || mine.ownsDatabase,
    findings: [],
  }
  const error = jobId === null ? undefined : sources.errors.get(jobId)
  if (error !== undefined) status.lastError = {at: error.at, state: error.state, message: error.message}
  if (status.paused || (status.gated && (rule?.gate?.agreed === false || (jobId !== null && rule?.gate?.jobAgrees === false)))) status.ok = false
  status.findings = findingsOf(status, rule, db.server, its.at)
  return status
}

interface Work {
  due: number | null
  notDone: NotDone[]
  late: boolean | null
}

async function chunkWork(db: Database, policy: LivePolicy, its: Survey, lateAfter: number): Promise<Work> {
  const {table, kind, job} = policy
  const clock = its.clocks.get(table) ?? {now: null, unit: null}
  const gated = kind === 'retention' && job === null
  const chunks = gated ? withoutNewest(table.chunks) : table.chunks
  const state: DueState = dueState({...policy, table: {...table, chunks}}, clock, its.at, lateAfter)
  const reasons = gated && state.late ? await gateReasons(db, policy, clock) : null
  const notDone = state.notDone.map(({chunk, since, why}): NotDone => {
    const name = formatQualifiedName(chunk.schema, chunk.name)
    return {chunk: name, range: null, since: since === null ? null : instantOf(since), why: reasons?.all ?? reasons?.byChunk.get(name) ?? why}
  })
  return {due: state.due, notDone: notDone.sort(bySince), late: state.late}
}

async function refreshWork(db: Database, policy: LivePolicy, its: Survey, changed: readonly Gap[], lateAfter: number): Promise<Work> {
  const {table} = policy
  const source = table.aggregate?.source ?? null
  const clock = its.clocks.get(table) ?? {now: null, unit: null}
  if (source !== null && source.chunks.length === 0 && !its.tables.includes(source)) {
    const {readChunks} = await import('../catalog.js')
    await readChunks(db, [source])
  }
  const ends = source === null ? undefined : (await readEnds(db, [source], await readLockedTables(db))).ends.get(source)
  const state = await refreshState(db, policy, clock, its.at, lateAfter, () => ends)
  const behind: NotDone[] = state.behindFrom === null ? [] : [{
    chunk: null,
    range: rangeText({start: state.behindFrom, end: 2n ** 63n - 1n}, policy).replace(/ to the end$/, ' on'),
    since: state.since === null ? null : instantOf(state.since),
    why: 'never refreshed',
  }]
  const middle = changed.map((gap): NotDone => ({chunk: null, range: rangeText(gap, policy), since: null, why: 'rows changed after it was refreshed'}))
  return {due: behind.length + middle.length, notDone: [...behind, ...middle], late: state.late}
}

/** A policy that is declared and stands nowhere. */
function missingStatus(declared: Declared, db: Database, {state, runners}: Sources): PolicyStatus[] {
  const {survey: its} = state
  const table = its.tables.find((candidate) => keyOf(candidate) === declaredKey(declared))
  if (table === undefined) return []
  return policyKinds
    .filter((kind) => declared[kind] !== undefined && declared[kind] !== 'none' && possible(kind, table, db))
    .filter((kind) => !its.policies.some((policy) => policy.table === table && policy.kind === kind))
    .map((kind): PolicyStatus => {
      const {runner, alive} = runnerOf(null, kind, keyOf(table), runners)
      return {
        schema: table.schema, table: table.name, kind, managed: true, runner, runnerAlive: alive, gated: false,
        declared: declaredText(declared, kind), live: null, jobId: null, paused: null, due: null, notDone: [], ok: false,
        lastStatus: null, lastRunAt: null, nextRunAt: null, lastError: null, lastErrorVisible: true,
        findings: [`declared and not there. Fix: ${command('policies apply')}`],
      }
    })
}

function possible(kind: PolicyKind, table: Table, db: Database): boolean {
  if (kind === 'compression') return db.server.engine === 'timescaledb' && table.id !== null
  if (kind === 'refresh') return table.kind === 'aggregate'
  return table.kind !== 'aggregate' || table.id !== null
}

function ruleOf({table, kind, job}: LivePolicy, {states}: PolicyState): LiveRule | null {
  const rules = states.get(table)?.policies.filter((rule) => rule.kind === kind) ?? []
  return rules.find((rule) => (job === null ? rule.by === 'qicore' : rule.by === 'timescaledb' && rule.job?.id === job.id)) ?? null
}

/** A gated retention is declared as a duration also where the table counts in integers. */
function onScale(policy: LivePolicy, {clocks}: Survey, rule: LiveRule | null): LivePolicy {
  const schedule = policy.schedule ?? rule?.schedule ?? null
  const unit = clocks.get(policy.table)?.unit ?? null
  const {after} = policy
  if (after === null || typeof after === 'bigint' || policy.table.time !== 'integer') return {...policy, schedule}
  return {...policy, schedule, after: unit === null ? after : fromMicros(BigInt(Math.round(approximateSeconds(after) * 1e6)), unit)}
}

/** A gated retention never takes what begins last. */
function withoutNewest(chunks: readonly Chunk[]): Chunk[] {
  const last = chunks.reduce<bigint | null>((latest, {start}) => (start !== null && (latest === null || start > latest) ? start : latest), null)
  return chunks.filter(({start}) => start === null || start !== last)
}

function bySince(a: NotDone, b: NotDone): number {
  const at = ({since}: NotDone) => (since === null ? '~' : since)
  return at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : 0
}
