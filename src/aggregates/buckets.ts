import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {coverageParts} from '../catalog/coverage-sql.js'
import type {Table} from '../catalog/table.js'
import type {Span} from '../catalog/span.js'

/** The bucket boundaries around a point: the start of its bucket, and the first start at or after the point. */
export interface Edge {
  floor: bigint
  ceil: bigint
  /** The point is inside an hour that a clock change repeats; before 2.25 TimescaleDB mixes the buckets of both. */
  folded: boolean
  /**
   * Set if the point is between these bucket starts, around the two hours of such a clock change. A refresh that begins
   * or ends between them enters the invalidation log with other bounds, or is refused as too small.
   */
  around: Span | null
}

interface EdgeRow {
  place: number
  low: string
  high: string
  folded: boolean
  before_fold: string | null
  after_fold: string | null
}

interface BucketFunction {
  origin: string | null
  shift: string | null
  zone: string | null
  fixed: boolean
}

/**
 * The bucket boundaries of a continuous aggregate around points. The server computes them with time_bucket, whose
 * results for time zones differ between versions. The smallest and the largest int8 are returned unchanged.
 */
export async function edgesOf(
  db: Database,
  aggregate: Pick<Table, 'id'>,
  points: readonly bigint[],
): Promise<Map<bigint, Edge>> {
  const asked = [...new Set(points)]
  if (asked.length === 0) return new Map()
  const rows = await db.query<EdgeRow>(
    statement(
      `with asked as (
  select $1::int as id, p.place, p.point from unnest($2::bigint[]) with ordinality as p (point, place)
)${coverageParts(db.server, ['edges'])}
select e.place::int as place, e.floor::text as low, e.ceil::text as high, e.folded, e.before_fold::text as before_fold,
  e.after_fold::text as after_fold
from edge e`,
      [aggregate.id, asked.map(String)],
    ),
  )
  return new Map(
    rows.map(({place, low, high, folded, before_fold: before, after_fold: after}) => [
      asked[place - 1]!,
      {
        floor: BigInt(low),
        ceil: BigInt(high),
        folded,
        around: before === null || after === null ? null : {start: BigInt(before), end: BigInt(after)},
      },
    ]),
  )
}

/** Extends ranges to whole buckets: TimescaleDB's invalidation log has the times of the rows, not buckets. */
export async function widen(db: Database, aggregate: Pick<Table, 'id'>, spans: readonly Span[]): Promise<Span[]> {
  const edges = await edgesOf(
    db,
    aggregate,
    spans.flatMap(({start, end}) => [start, end]),
  )
  return spans.map(({start, end}) => ({start: edges.get(start)!.floor, end: edges.get(end)!.ceil}))
}

/** How the buckets of an aggregate are aligned. */
export interface BucketAlignment {
  /** Buckets of a fixed width that have an origin or offset. */
  shifted: boolean
  /** Buckets that need not have the same width: of months, or with a time zone. */
  variable: boolean
}

export async function alignmentOf(db: Database, aggregate: Pick<Table, 'id'>): Promise<BucketAlignment> {
  const [bucket] = await db.query<BucketFunction>(statement(loadSql('aggregates/bucket-function'), [[aggregate.id!]]))
  const {zone, origin, shift, fixed} = bucket!
  return {shifted: zone === null && (origin !== null || shift !== null), variable: !fixed}
}
