import type {Server} from '../../db/server.js'
import {certaintyOf, compareVersions, exactly, majorOf, type Certainty, type VersionRange} from '../../units/version.js'

/** What this program knows how to look for in a database; a hazard names the one that it touches. */
export type Touched =
  | 'any_job'
  | 'aggregates'
  | 'compressed_aggregates'
  | 'compressed_chunks'
  | 'compressed_under_apache'
  | 'cron_days'
  | 'cron_jobs'
  | 'cron_jobs_of_postgres_15'
  | 'cron_minutes'
  | 'cron_objects_before_1_5'
  | 'aggregates_over_aggregates'
  | 'hypertables'
  | 'partial_chunks'
  | 'policies_without_recompress'
  | 'refresh_jobs'
  | 'server'
  | 'unordered_chunks'
  | 'variable_buckets'

/** Operations of this program that a defect makes unsafe. */
export interface UnsafeOperation {
  /** Kinds of steps. */
  kinds: readonly string[]
  /**
   * The statement of sql/run/hazards that finds the objects of such steps that meet the defect now: $1 is their names,
   * as they are in `object` of the step. Null: all of them do.
   */
  detect: string | null
  /** Whether each such step on these objects meets it; false if it meets a state of the object that comes and goes. */
  always: boolean
  /** What a run would do to the object, as the end of a sentence: `compressing it …`. */
  harm: string
  /** What to do instead of accepting it, as a sentence. */
  instead: string
  /** The first version in which it matters, where that is later than the defect itself. */
  since: string | null
}

export type Product = 'timescaledb' | 'postgresql' | 'pg_cron'

export const productNames: Readonly<Record<Product, string>> = {
  timescaledb: 'TimescaleDB',
  postgresql: 'PostgreSQL',
  pg_cron: 'pg_cron',
}

/** A known defect of a version. */
export interface Hazard {
  /** `timescaledb-9571`: the product and the number of its fix, or of the issue where there is none. */
  id: string
  product: Product
  /** `loss`: rows are lost or answers are wrong. `failure`: something fails, stops or crashes. */
  effect: 'loss' | 'failure'
  /** The first version that has it; null where that is not known: every one before the fix counts. */
  since: string | null
  /** The first versions without it, one for each major version of PostgreSQL; empty if no version is. */
  fixedIn: readonly string[]
  /** What goes wrong, as a sentence. */
  what: string
  touches: Touched
  /** Null where no operation of this program makes it worse: then it is a finding of doctor only. */
  unsafe: UnsafeOperation | null
  /** What helps where no version has a fix, as the beginning of a sentence. */
  instead?: string
  source: string
}

type Versioned = Pick<Hazard, 'product' | 'since' | 'fixedIn'>

/**
 * Whether all, some or none of these versions have the defect. Fixes of PostgreSQL count within their major version.
 */
export function certaintyOfHazard({product, since, fixedIn}: Versioned, versions: VersionRange): Certainty {
  if (fixedIn.length === 0) return certaintyOf(versions, since, null)
  const fixed =
    product === 'postgresql'
      ? fixedIn.find((each) => versions.from !== null && majorOf(each) === majorOf(versions.from))
      : [...fixedIn].sort(compareVersions)[0]
  return fixed === undefined ? 'excluded' : certaintyOf(versions, since, fixed)
}

/** `fixed in 2.23.1`, as the end of a clause. */
export function fixInWords({fixedIn}: Pick<Hazard, 'fixedIn'>): string {
  return fixedIn.length === 0 ? 'not fixed in any version yet' : `fixed in ${fixedIn.join(', ')}`
}

/** Whether a version has the defect. */
export function isAffected(hazard: Versioned, version: string): boolean {
  return certaintyOfHazard(hazard, exactly(version)) === 'certain'
}

/** The versions of a product that may be running here: one, except of pg_cron; null if it is not running. */
export function versionsOf(
  product: Product,
  {timescaledb, postgres, pgCronRange}: Pick<Server, 'timescaledb' | 'postgres' | 'pgCronRange'>,
): VersionRange | null {
  if (product === 'pg_cron') return pgCronRange
  const version = product === 'timescaledb' ? timescaledb : postgres
  return version === null ? null : exactly(version)
}
