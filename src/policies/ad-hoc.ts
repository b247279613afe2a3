import type {Database} from '../db/database.js'
import {usageError} from '../errors.js'
import {readTables} from '../catalog/read-tables.js'
import {
  declaredName as declaredKey,
  ruleInWords,
  type CompressionRule,
  type Declared,
  type PolicyKind,
  type RefreshRule,
  type RetentionRule,
} from './declared.js'
import {resolveTable} from '../catalog/resolve-table.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {diff} from './diff.js'
import {planPolicies, type PolicyPlan} from './plan.js'
import {desiredStateOf} from './desired.js'
import {project} from './project.js'
import {command} from '../units/command.js'

export type Rule =
  | {kind: 'compression'; rule: CompressionRule | 'none'}
  | {kind: 'retention'; rule: RetentionRule | 'none'}
  | {kind: 'refresh'; rule: RefreshRule | 'none'}

export interface AdHocRequest {
  /** As the operator typed it. */
  table: string
  change: Rule
  /** Removes this one of several policies of the kind. */
  job?: number | undefined
  /** What the configuration says, for telling where it now disagrees. */
  declared: readonly Declared[]
  maxDropPerRun: number
  target: string
}

/**
 * One policy set or removed by hand, by the same planner and the same proof as everything that is declared.
 * @throws OpsError NO_SUCH_TABLE, AMBIGUOUS, NOT_AN_AGGREGATE, NOT_POSSIBLE_HERE and what planPolicies throws
 */
export async function planAdHoc(db: Database, request: AdHocRequest): Promise<PolicyPlan> {
  const {change, declared} = request
  const table = await resolveTable(db, await readTables(db), request.table)
  requirePossible(db, table, change.kind)
  const said = declared.find((each) => declaredKey(each) === qualifiedName(table))
  const only: Declared = {
    schema: table.schema,
    name: table.name,
    from: 'config',
    section: table.kind === 'aggregate' ? 'aggregates' : 'tables',
    timeUnit: said?.timeUnit,
    [change.kind]: change.rule,
  }
  const verb = change.rule === 'none' ? 'remove' : 'set'
  const planned = await planPolicies(db, {
    declared: [only],
    maxDropPerRun: request.maxDropPerRun,
    target: request.target,
    operation: `policies ${verb} ${change.kind} ${qualifiedName(table)}`,
    ...(request.job === undefined ? {} : {onlyJob: request.job}),
  })
  return {...planned, unmanaged: [], notes: [...planned.notes, ...disagreement(planned, table, said, change, db)]}
}

function requirePossible(db: Database, table: Table, kind: PolicyKind): void {
  const key = qualifiedName(table)
  if (kind === 'refresh' && table.kind !== 'aggregate')
    throw usageError('NOT_AN_AGGREGATE', `${key} is not an aggregate, so there is nothing to refresh.`, [
      `The aggregates there are: ${command('aggregates list')}`,
    ])
  if (kind === 'compression' && (db.server.engine !== 'timescaledb' || table.id === null))
    throw usageError(
      'NOT_POSSIBLE_HERE',
      `${key} cannot be compressed: that is TimescaleDB's community edition only.`,
      ['Retention and refresh work on every engine.'],
    )
  if (kind === 'retention' && table.kind === 'aggregate' && table.id === null)
    throw usageError('NOT_POSSIBLE_HERE', `${key} is a table of ours under a view, and has no chunks to drop.`)
}

/** Where the configuration does not say what is live now. */
function disagreement(
  {state, changes}: PolicyPlan,
  table: Table,
  said: Declared | undefined,
  {kind, rule}: Rule,
  db: Database,
): string[] {
  const next = `\`${command('policies import', [], {write: true})}\` writes it there`
  const declared = said?.[kind]
  if (said === undefined || declared === undefined)
    return changes.length === 0
      ? []
      : [
          `The configuration says nothing of the ${kind} of ${qualifiedName(table)}${rule === 'none' ? '' : `; ${next}`}.`,
        ]
  const before = [...state.states.values()].find(({key}) => key === qualifiedName(table))!
  const after = project(before, changes)
  const only: Declared = {
    schema: said.schema,
    name: said.name,
    from: said.from,
    section: said.section,
    [kind]: declared,
  }
  const back = diff(desiredStateOf(only, after, []), {engine: db.server.engine, maxDropPerRun: maxOf(after)}, [])
  if (back.length === 0) return []
  const words = declared === 'none' ? 'none' : ruleInWords(kind, declared)
  return [
    `The configuration now disagrees: it says ${words} for the ${kind} of ${qualifiedName(table)}, and policies apply would put that back; ${rule === 'none' ? removedInWords(table, kind) : next}.`,
  ]
}

/** An import writes what lives; that a policy is gone for good has to be declared, also over a default of the definitions. */
function removedInWords(table: Table, kind: PolicyKind): string {
  return `to keep it removed, write ${table.kind === 'aggregate' ? 'aggregates' : 'tables'}: {${JSON.stringify(qualifiedName(table))}: {${kind}: none}} in the configuration`
}

function maxOf({policies}: ReturnType<typeof project>): number {
  return policies.find(({kind, gate}) => kind === 'retention' && gate !== null)?.gate?.maxDropPerRun ?? 8
}
