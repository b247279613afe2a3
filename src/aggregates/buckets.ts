import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {coverageParts} from '../catalog/coverage-sql.js'
import type {Table} from '../catalog/table.js'
import type {Span} from '../catalog/span.js'

/** The bucket that a point lies in: its begin, and the first begin of a bucket that is not before the point. */
export interface Edge {
  floor: bigint
  ceil: bigint
  /** The point lies inside of an hour that clocks repeat, whose buckets this server mixes (before TimescaleDB 2.25). */
  folded: boolean
}

interface BucketFunction {
  origin: string | null
  shift: string | null
  zone: string | null
}

/**
 * Where the buckets of one of TimescaleDB's aggregates begin around some points: asked of time_bucket itself, whose
 * answers for zones differ from version to version. The ends of int8 stay what they are.
 */
export async function edgesOf(
  db: Database,
  aggregate: Pick<Table, 'id'>,
  points: readonly bigint[],
): Promise<Map<bigint, Edge>> {
  const asked = [...new Set(points)]
  if (asked.length === 0) return new Map()
  const rows = await db.query<{place: number; low: string; high: string; folded: boolean}>(
    statement(
      `with asked as (
  select $1::int as id, p.place, p.point from unnest($2::bigint[]) with ordinality as p (point, place)
)${coverageParts(db.server, ['edges'])}
select e.place::int as place, e.floor::text as low, e.ceil::text as high, e.folded from edge e`,
      [aggregate.id, asked.map(String)],
    ),
  )
  return new Map(
    rows.map(({place, low, high, folded}) => [asked[place - 1]!, {floor: BigInt(low), ceil: BigInt(high), folded}]),
  )
}

/** Some ranges in whole buckets: what was written is logged as it was written. */
export async function widen(db: Database, aggregate: Pick<Table, 'id'>, spans: readonly Span[]): Promise<Span[]> {
  const edges = await edgesOf(
    db,
    aggregate,
    spans.flatMap(({start, end}) => [start, end]),
  )
  return spans.map(({start, end}) => ({start: edges.get(start)!.floor, end: edges.get(end)!.ceil}))
}

/** Whether the buckets of a fixed width do not begin where they would by default. */
export async function isShifted(db: Database, aggregate: Pick<Table, 'id'>): Promise<boolean> {
  const [bucket] = await db.query<BucketFunction>(statement(loadSql('aggregates/bucket-function'), [[aggregate.id!]]))
  return bucket!.zone === null && (bucket!.origin !== null || bucket!.shift !== null)
}
