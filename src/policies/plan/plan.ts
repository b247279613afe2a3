import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {sqlState, SqlState} from '../../db/sqlstate.js'
import {readMissingPrivileges} from '../../catalog/missing-privileges.js'
import type {Plan, Step} from '../../run/step.js'
import {declaredName, notHere, type Declared} from '../declared/declared.js'
import {readPlainTables} from '../status/plain-tables.js'
import {timeUnitsOf} from '../declared/read-declared.js'
import {readPolicyState, type PolicyState} from '../read-state.js'
import type {LiveRule, TableState} from '../table-state.js'
import {readSnapshot, type CatalogSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {kindOf, type Change} from './change.js'
import {impossibleHere, missingTable, policyProblemsError, sectionProblem} from './declared-problems.js'
import {diff, removal} from './diff.js'
import type {CheckFinding} from '../checks/finding.js'
import {runChecks} from '../checks/run-checks.js'
import {readProofFacts} from '../checks/read-facts.js'
import {oldChunkNotes, oldChunks, recompressSteps} from '../status/recompress.js'
import {refusedConversions} from './refused-conversions.js'
import {requireRights, rightsNotes} from './rights.js'
import {stepsOf} from './steps.js'
import {conversionSteps} from './steps-conversion.js'
import {retentionReaches} from '../reach.js'
import {unreadableKeys} from '../status/partition-keys.js'
import {desiredStateOf} from './desired.js'
import type {Problem} from './problem.js'
import {command} from '../../units/command.js'

export interface PolicyRequest {
  /** The declared policies; readDeclared reads those of a configuration. */
  declared: readonly Declared[]
  /** Maximum number of chunks that one run of a gated retention drops. */
  maxDropPerRun: number
  /** Stored in the consent of a gated retention. */
  target: string
  /** Also remove policies that are not declared. */
  prune?: boolean | undefined
  /** Also compress chunks again that were compressed with older settings. */
  recompress?: boolean | undefined
  /** The plan is only shown: missing privileges become a note instead of an error. */
  onlyLook?: boolean | undefined
  /** The job that a `none` removes, if there are several policies of the kind. */
  onlyJob?: number | undefined
  /** The operation in the ledger; default `policies apply`. */
  operation?: string | undefined
}

/** A live policy that is not declared: reported, never changed. */
export interface Unmanaged {
  key: string
  kind: PolicyKindName
  rule: LiveRule
}

export interface PolicyPlan {
  plan: Plan
  changes: Change[]
  unmanaged: Unmanaged[]
  /** Conflicts between the policies as they would be after the plan. */
  findings: CheckFinding[]
  notes: string[]
  state: PolicyState
  /** Why a step is needed, by its id; steps that no change requires have no entry. */
  reasons: ReadonlyMap<string, readonly string[]>
}

/**
 * Compares declared with live policies and returns the changes as steps. Changes nothing.
 *
 * `planPolicies(db, {declared: await readDeclared(db, config), maxDropPerRun: 8, target: 'demo'})`
 * @throws OpsError if the declaration has mistakes (usage), or if this role may not change a table
 */
export async function planPolicies(db: Database, request: PolicyRequest): Promise<PolicyPlan> {
  const snapshot = await readSnapshot(db, {lateAfter: 0, timeUnits: timeUnitsOf(request.declared)})
  const state = await readPolicyState(db, snapshot)
  const {changes, declaredOf, notes, problems} = await compareDeclared(db, request, snapshot, state)
  problems.push(...(await unreadableKeys(db, changes, snapshot.all, request.declared)))
  if (problems.length > 0) throw policyProblemsError(problems)
  const unmanaged = unmanagedOf(state, declaredOf)
  if (request.prune)
    for (const {key, kind, rule} of unmanaged)
      changes.push(...removal(key, kind, [rule], 'not declared, removed by --prune'))
  if (request.onlyLook) notes.push(...(await rightsNotes(db, state, changes, snapshot.all)))
  else await requireRights(db, state, changes, snapshot.all)
  notes.push(...(await refusedConversions(db, changes)))
  const {steps, reasons} = await stepsOfChanges(db, request, snapshot, state, changes)
  const compresses = (table: Table) => ![undefined, 'none'].includes(declaredOf.get(table)?.compression as undefined)
  const compressing = snapshot.tables.filter(compresses)
  const old = await oldChunks(db, compressing, changes).catch(async (error: unknown) => {
    // TimescaleDB's view of the settings raises an error for all tables if this role lacks USAGE on one schema.
    if (request.recompress || sqlState(error) !== SqlState.noPrivilege) throw error
    const missing = await readMissingPrivileges(db, snapshot.tables)
    notes.push(
      'Whether compressed chunks keep old settings is unknown, because this role lacks privileges. To grant them: ' +
        `${[...missing.values()].join('; ')}`,
    )
    return []
  })
  if (request.recompress) steps.push(...recompressSteps(db, old, steps))
  else notes.push(...oldChunkNotes(old))
  const findings = runChecks(await readProofFacts(db, state, changes))
  const operation = request.operation ?? 'policies apply'
  const plan: Plan = {
    operation,
    summary: operation,
    cutoff: null,
    tables: [...new Set(steps.map(({object}) => object))],
    locks: [],
    steps,
  }
  return {plan, changes, unmanaged: request.prune ? [] : unmanaged, findings, notes, state, reasons}
}

interface Comparison {
  changes: Change[]
  /** The declaration of each table that exists. */
  declaredOf: Map<Table, Declared>
  notes: string[]
  problems: Problem[]
}

async function compareDeclared(
  db: Database,
  request: PolicyRequest,
  snapshot: CatalogSnapshot,
  state: PolicyState,
): Promise<Comparison> {
  const {declared, maxDropPerRun} = request
  const {engine} = db.server
  const found: Comparison = {changes: [], declaredOf: new Map(), notes: [], problems: []}
  const {changes, declaredOf, notes, problems} = found
  for (const each of declared) {
    const table = snapshot.all.find((candidate) => qualifiedName(candidate) === declaredName(each))
    if (table === undefined) {
      // A missing table without columns may be a mistyped name, which is a mistake; one with columns can be created.
      if ((each.from === 'config' && !each.described) || (await readPlainTables(db, [each])).length > 0)
        problems.push(await missingTable(db, snapshot.all, each))
      else notes.push(notHere(each))
      continue
    }
    const misplaced = sectionProblem(each, table)
    if (misplaced !== null) {
      problems.push(misplaced)
      continue
    }
    declaredOf.set(table, each)
    notes.push(...impossibleHere(each, table, db.server))
    const desired = desiredStateOf(each, stateFor(request, state, table, problems), problems)
    changes.push(...diff(desired, {engine, maxDropPerRun}, problems))
  }
  return found
}

/** The steps in the order in which they run, and why each is needed. */
async function stepsOfChanges(
  db: Database,
  request: PolicyRequest,
  snapshot: CatalogSnapshot,
  state: PolicyState,
  changes: readonly Change[],
): Promise<{steps: Step[]; reasons: Map<string, readonly string[]>}> {
  const ranked: RankedStep[] = []
  const reasons = new Map<string, readonly string[]>()
  for (const change of changes) {
    const table = snapshot.all.find((candidate) => qualifiedName(candidate) === change.key)!
    const context = {
      server: db.server,
      table,
      state: state.states.get(table)!,
      target: request.target,
      affectsData: retentionReaches(change, table, snapshot),
    }
    for (const step of stepsOf(change, context)) {
      ranked.push({rank: rankOf(change), change, step})
      reasons.set(step.id, change.why)
    }
    if (change.do === 'gated retention' && change.removes.native)
      ranked.push(...(await conversionSteps(db, table, snapshot)).map((step) => ({rank: ranks.catchUp, change, step})))
  }
  return {steps: ordered(ranked), reasons}
}

/** The state of a table; if the request names a job, without the policies of other jobs. */
function stateFor({onlyJob}: PolicyRequest, {states}: PolicyState, table: Table, problems: Problem[]): TableState {
  const tableState = states.get(table)!
  if (onlyJob === undefined) return tableState
  const policies = tableState.policies.filter(({job}) => job?.id === onlyJob)
  if (policies.length === 0)
    problems.push({
      code: 'NO_SUCH_JOB',
      message: `${tableState.key} has no policy with job ${onlyJob}.`,
      suggestion: `List the policies with their jobs: ${command('policies list')}`,
    })
  return {...tableState, policies}
}

/** Settings come before the policies that need them, retentions after the refreshes that cover their rows. */
const ranks = {settings: 0, policy: 1, retention: 2, catchUp: 3}

interface RankedStep {
  rank: number
  /** The change that requires it. */
  change: Change
  step: Step
}

function rankOf(change: Change): number {
  if (change.do === 'settings' || change.do === 'chunk interval') return ranks.settings
  return change.do !== 'remove' && kindOf(change) === 'retention' ? ranks.retention : ranks.policy
}

/** A compression policy depends on the settings step of its table, if the plan has one. */
function ordered(ranked: readonly RankedStep[]): Step[] {
  const sorted = [...ranked].sort((a, b) => a.rank - b.rank)
  return sorted.map(({change, step}) => {
    const settings =
      change.do === 'compression'
        ? sorted.find((other) => other.change.do === 'settings' && other.change.key === change.key)
        : undefined
    return settings === undefined ? step : {...step, dependsOn: [settings.step.id]}
  })
}

function unmanagedOf({states}: PolicyState, declaredOf: ReadonlyMap<Table, Declared>): Unmanaged[] {
  return [...states].flatMap(([table, {key, policies}]) =>
    policies
      .filter(({kind}) => declaredOf.get(table)?.[kind] === undefined)
      .map((rule) => ({key, kind: rule.kind, rule})),
  )
}
