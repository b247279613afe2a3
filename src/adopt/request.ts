import type {KeyDeclaration} from '../catalog/time-key.js'
import {usageError} from '../errors.js'
import type {Plan, Step} from '../run/step.js'
import type {SaneTimes} from './find-periods.js'
import type {KeyColumn} from './key.js'
import type {FoundInventory} from './inventory.js'
import type {AdoptPeriods} from './periods.js'
import type {Refusal} from './refusals.js'
import type {Source} from './source.js'
import type {Staging} from './staging.js'
import type {AdoptState, AdoptTarget} from './state.js'

export interface AdoptRequest extends SaneTimes {
  /** As name or schema.name. */
  table: string
  /** The column of the partitions; null if it was not given. */
  column: string | null
  /** How an integer, a uuid or a text stores time; null if the table is not declared. */
  declared: KeyDeclaration | null
  /** `every` is null if neither the operator nor the configuration gave a length. */
  periods: Omit<AdoptPeriods, 'every'> & {every: AdoptPeriods['every'] | null}
  /** What the table becomes; null if it was not given: as begun, else a set. */
  to: AdoptTarget | null
}

export interface AdoptPlan {
  plan: Plan
  /** What the new set gets, one line a kind of object. */
  carried: string[]
  notes: string[]
}

/** A table whose adoption is planned, and how far it is. */
export interface Adoption extends KeyColumn {
  source: Source
  staging: Staging
  found: FoundInventory
  /** Null if it was not begun. */
  state: AdoptState | null
}

/** The steps of an adoption in order, those that are built included. */
export interface Chain {
  summary: string
  steps: Step[]
  notes: string[]
}

export function planOf(relation: string, summary: string, steps: readonly Step[]): Plan {
  return {operation: `partitions adopt ${relation}`, summary, cutoff: null, tables: [relation], locks: [], steps}
}

/** Each step needs the one before it. */
export function inOrder(steps: readonly Step[]): Step[] {
  return steps.map((step, n) => (n === 0 ? step : {...step, dependsOn: [steps[n - 1]!.id]}))
}

/** @throws OpsError CANNOT_ADOPT with all reasons */
export function refuseAll(relation: string, refusals: readonly Refusal[]): void {
  if (refusals.length === 0) return
  const lines = refusals.map(({object, reason}) => `- ${object}: ${reason}.`)
  const fixes = refusals.flatMap(({fix}) => fix ?? [])
  throw usageError(
    'CANNOT_ADOPT',
    `${relation} cannot be adopted as it is; nothing was changed.\n${lines.join('\n')}`,
    fixes.map((fix) => `${fix};`),
  )
}
