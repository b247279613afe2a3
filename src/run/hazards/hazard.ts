import type {Server} from '../../db/server.js'

/** What this program knows how to look for in a database; a hazard names the one that it touches. */
export type Touched =
  | 'any_job'
  | 'aggregates'
  | 'compressed_aggregates'
  | 'compressed_chunks'
  | 'compressed_under_apache'
  | 'aggregates_over_aggregates'
  | 'hypertables'
  | 'partial_chunks'
  | 'policies_without_recompress'
  | 'refresh_jobs'
  | 'server'
  | 'unordered_chunks'

/** Operations of this program that a defect makes unsafe. */
export interface UnsafeOperation {
  /** Kinds of steps. */
  kinds: readonly string[]
  /**
   * The statement of sql/run/hazards that finds the objects of such steps that meet the defect now: $1 is their names, as
   * they are in `object` of the step. Null: all of them do.
   */
  detect: string | null
  /** What a run would do to the object, as the end of a sentence: `compressing it …`. */
  harm: string
  /** What to do instead of accepting it, as a sentence. */
  instead: string
  /** The first version in which it matters, where that is later than the defect itself. */
  since: string | null
}

export type Product = 'timescaledb' | 'postgresql'

/** A known defect of a version. */
export interface Hazard {
  /** `timescaledb-9571`: the product and the number of its fix. */
  id: string
  product: Product
  /** `loss`: rows are lost or answers are wrong. `failure`: something fails, stops or crashes. */
  effect: 'loss' | 'failure'
  /** The first version that has it; null where that is not known: every one before the fix counts. */
  since: string | null
  /** The first versions without it, one for each major version of PostgreSQL. */
  fixedIn: readonly string[]
  /** What goes wrong, as a sentence. */
  what: string
  touches: Touched
  /** Null where no operation of this program makes it worse: then it is a finding of doctor only. */
  unsafe: UnsafeOperation | null
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

type Versioned = Pick<Hazard, 'product' | 'since' | 'fixedIn'>

/** Whether a version has the defect. Fixes of PostgreSQL count within their major version. */
export function isAffected({product, since, fixedIn}: Versioned, version: string): boolean {
  if (since !== null && compareVersions(version, since) < 0) return false
  if (product !== 'postgresql') return fixedIn.every((fixed) => compareVersions(version, fixed) < 0)
  const fixed = fixedIn.find((each) => partsOf(each)[0] === partsOf(version)[0])
  return fixed !== undefined && compareVersions(version, fixed) < 0
}

/** The version of a product that runs here; null where it does not. */
export function versionOf(
  product: Product,
  {timescaledb, postgres}: Pick<Server, 'timescaledb' | 'postgres'>,
): string | null {
  return product === 'timescaledb' ? timescaledb : postgres
}
