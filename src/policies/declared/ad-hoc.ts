import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {usageError} from '../../errors.js'
import {readTables} from '../../catalog/read-tables.js'
import {declaredName, type Declared} from './declared.js'
import {kindNamed, type Rules} from '../kinds/index.js'
import {resolveTable} from '../../catalog/resolve-table.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {diff} from '../plan/diff.js'
import {placeOf} from '../place.js'
import {planPolicies, type PolicyPlan} from '../plan/plan.js'
import {desiredStateOf} from '../plan/desired.js'
import {project} from '../plan/project.js'
import {command} from '../../units/command.js'

/** A policy to set, or to remove (`none`). */
export type Rule = {[Name in PolicyKindName]: {kind: Name; rule: Rules[Name] | 'none'}}[PolicyKindName]

export interface AdHocRequest {
  /** The name as the operator typed it. */
  table: string
  change: Rule
  /** Removes only the policy with this job, if there are several of the kind. */
  job?: number | undefined
  /** What the configuration declares, for the note about a difference. */
  declared: readonly Declared[]
  maxDropPerRun: number
  target: string
}

/**
 * Plans the setting or removal of one policy by hand, with the same planner and checks as for declared policies.
 * @throws OpsError NO_SUCH_TABLE, AMBIGUOUS, NOT_AN_AGGREGATE, NOT_POSSIBLE_HERE and the errors of planPolicies
 */
export async function planAdHoc(db: Database, request: AdHocRequest): Promise<PolicyPlan> {
  const {change, declared} = request
  const table = await resolveTable(db, await readTables(db), request.table)
  requirePossible(db, table, change.kind)
  const given = declared.find((each) => declaredName(each) === qualifiedName(table))
  const only: Declared = {
    schema: table.schema,
    name: table.name,
    from: 'config',
    section: table.kind === 'aggregate' ? 'aggregates' : 'tables',
    timeUnit: given?.timeUnit,
    keyFormat: given?.keyFormat,
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
  return {...planned, unmanaged: [], notes: [...planned.notes, ...disagreement(planned, table, given, change, db)]}
}

function requirePossible(db: Database, table: Table, kind: PolicyKindName): void {
  const impossible = kindNamed(kind).impossible(placeOf(table, db.server))
  if (impossible !== null)
    throw usageError(impossible.code, `${qualifiedName(table)}: ${impossible.why}.`, impossible.suggestions)
}

/** A note if the configuration declares something else than what is live after the change. */
function disagreement(
  {state, changes}: PolicyPlan,
  table: Table,
  given: Declared | undefined,
  {kind, rule}: Rule,
  db: Database,
): string[] {
  const next = `\`${command('policies import', [], {write: true})}\` writes it there`
  const declared = given?.[kind]
  if (given === undefined || declared === undefined)
    return changes.length === 0
      ? []
      : [
          `The configuration does not declare the ${kind} of ` +
            `${qualifiedName(table)}${rule === 'none' ? '' : `; ${next}`}.`,
        ]
  const before = [...state.states.values()].find(({key}) => key === qualifiedName(table))!
  const after = project(before, changes)
  const only: Declared = {
    schema: given.schema,
    name: given.name,
    from: given.from,
    section: given.section,
    [kind]: declared,
  }
  const back = diff(desiredStateOf(only, after, []), {engine: db.server.engine, maxDropPerRun: maxOf(after)}, [])
  if (back.length === 0) return []
  const words = declared === 'none' ? 'none' : kindNamed(kind).inWords(declared)
  return [
    `The configuration now differs: it declares ${words} for the ${kind} of ${qualifiedName(table)}, and policies ` +
      `apply would restore that; ${rule === 'none' ? removedInWords(table, kind) : next}.`,
  ]
}

/**
 * An import writes only live policies. To keep a policy removed, `none` has to be declared, which also overrides a
 * default of the definitions.
 */
function removedInWords(table: Table, kind: PolicyKindName): string {
  return (
    `to keep it removed, write ${table.kind === 'aggregate' ? 'aggregates' : 'tables'}: ` +
    `{${JSON.stringify(qualifiedName(table))}: {${kind}: none}} in the configuration`
  )
}

function maxOf({policies}: ReturnType<typeof project>): number {
  return policies.find(({kind, gate}) => kind === 'retention' && gate !== null)?.gate?.maxDropPerRun ?? 8
}
