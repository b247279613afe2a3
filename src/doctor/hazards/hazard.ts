import type {LivePolicy} from '../../catalog/live-policies.js'
import {has, type Table} from '../../catalog/table.js'
import type {Server} from '../../db/server.js'
import {can} from '../../engines/index.js'

/** What tells whether a defect touches this database: nothing is asked for it that doctor has not read already. */
export interface HazardFacts {
  server: Server
  tables: readonly Table[]
  policies: readonly LivePolicy[]
}

/** A known defect of a version. */
export interface Hazard {
  /** `timescaledb-9571`: the product and the number of its fix. */
  id: string
  product: 'timescaledb' | 'postgresql'
  /** `loss`: rows are lost or answers are wrong. `failure`: something fails, stops or crashes. */
  effect: 'loss' | 'failure'
  /** The first version that has it; null where that is not known: every one before the fix counts. */
  since: string | null
  /** The first versions without it, one for each major version of PostgreSQL. */
  fixedIn: readonly string[]
  /** What goes wrong, as a sentence. */
  what: string
  /** Whether it touches what this database has. */
  touches(facts: HazardFacts): boolean
  source: string
}

/** `[2, 26, 3]` of `2.26.3-dev`. */
function partsOf(version: string): number[] {
  return version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0)
}

/** Below, at or above zero, by the numbers of two versions. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [partsOf(one), partsOf(other)]
  const at = Array.from({length: Math.max(left.length, right.length)}, (_, index) => index).find(
    (index) => (left[index] ?? 0) !== (right[index] ?? 0),
  )
  return at === undefined ? 0 : (left[at] ?? 0) - (right[at] ?? 0)
}

/** Whether a version has the defect. Fixes of PostgreSQL count within their major version. */
export function isAffected({product, since, fixedIn}: Hazard, version: string): boolean {
  if (since !== null && compareVersions(version, since) < 0) return false
  if (product === 'timescaledb') return fixedIn.every((fixed) => compareVersions(version, fixed) < 0)
  const fixed = fixedIn.find((each) => partsOf(each)[0] === partsOf(version)[0])
  return fixed !== undefined && compareVersions(version, fixed) < 0
}

/** The known defects that this database has, of the versions that run here. */
export function hazardsOf(hazards: readonly Hazard[], facts: HazardFacts): Hazard[] {
  const {timescaledb, postgres} = facts.server
  return hazards.filter((hazard) => {
    const version = hazard.product === 'timescaledb' ? timescaledb : postgres
    return version !== null && isAffected(hazard, version) && hazard.touches(facts)
  })
}

export const hypertables = ({tables}: HazardFacts) => tables.some(({id}) => id !== null)
export const compressedChunks = ({tables}: HazardFacts) =>
  tables.some(({chunks}) => chunks.some(({status}) => has(status, 'compressed')))
/** Chunks that hold compressed rows and others. */
export const partialChunks = ({tables}: HazardFacts) =>
  tables.some(({chunks}) => chunks.some(({status}) => has(status, 'compressed') && has(status, 'partial')))
export const unorderedChunks = ({tables}: HazardFacts) =>
  tables.some(({chunks}) => chunks.some(({status}) => has(status, 'unordered')))
export const aggregates = ({tables}: HazardFacts) => tables.some(({aggregate, id}) => aggregate !== null && id !== null)
export const compressedAggregates = ({tables}: HazardFacts) =>
  tables.some(({aggregate, compression}) => aggregate !== null && compression)
/** An aggregate that reads an aggregate. */
export const hierarchies = ({tables}: HazardFacts) => tables.some(({aggregate}) => aggregate?.source?.aggregate != null)
export const jobsOf = (kind: LivePolicy['kind']) => (facts: HazardFacts) =>
  facts.policies.some((policy) => policy.kind === kind && policy.job !== null)
export const anyJob = ({policies}: HazardFacts) => policies.some(({job}) => job !== null)
export const withoutLicense = (facts: HazardFacts) =>
  !can(facts.server.engine, 'compression') && compressedChunks(facts)
