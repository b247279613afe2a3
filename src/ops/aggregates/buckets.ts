import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {timescaledbFunction} from '../../db/server.js'
import {literal, raw, sql, statement, type Fragment, type Statement} from '../../db/sql.js'
import type {Table} from '../../reports/table.js'
import type {TimeKind} from '../../reports/time.js'
import {highest, lowest} from './spans.js'

/** The bucket that a point lies in: its begin, and the first begin of a bucket that is not before the point. */
export interface Edge {
  floor: bigint
  ceil: bigint
}

interface BucketFunction {
  width: string
  origin: string | null
  shift: string | null
  zone: string | null
}

/**
 * Where the buckets of one of TimescaleDB's aggregates begin around some points: asked of time_bucket itself, whose
 * answers for zones differ from version to version. The ends of int8 stay what they are.
 */
export async function edgesOf(db: Database, aggregate: Pick<Table, 'id' | 'time'>, points: readonly bigint[]): Promise<Map<bigint, Edge>> {
  const edges = new Map<bigint, Edge>([lowest, highest].map((end) => [end, {floor: end, ceil: end}]))
  const asked = [...new Set(points)].filter((point) => !edges.has(point))
  if (asked.length === 0) return edges
  const bucket = await functionOf(db, aggregate)
  const rows = await db.query<{point: string; low: string; high: string}>(question(timescaledbFunction(db.server, 'time_bucket'), bucket, aggregate.time, asked))
  for (const {point, low, high} of rows) edges.set(BigInt(point), {floor: BigInt(low), ceil: low === point ? BigInt(low) : BigInt(high)})
  return edges
}

async function functionOf(db: Database, {id}: Pick<Table, 'id'>): Promise<BucketFunction> {
  return (await db.query<BucketFunction>(statement(loadSql('catalog/bucket-function'), [[id!]])))[0]!
}

/** Whether the buckets of a fixed width do not begin where they would by default. */
export async function isShifted(db: Database, aggregate: Pick<Table, 'id'>): Promise<boolean> {
  const {origin, shift, zone} = await functionOf(db, aggregate)
  return zone === null && (origin !== null || shift !== null)
}

function question(timeBucket: Fragment, bucket: BucketFunction, time: TimeKind, points: readonly bigint[]): Statement {
  const {call, width, from, to} = time === 'integer' ? integers(timeBucket, bucket) : times(timeBucket, bucket, time)
  // A width later is in the next bucket, but where a change of the clock makes this one longer.
  return sql`select point::text, ${to('low')}::text as low, ${to('case when next > low then next else later end')}::text as high
from unnest(${points.map(String)}::bigint[]) as point
cross join lateral (select ${call(from('point'))} as low) as lows
cross join lateral (select ${call(`low + ${width}`)} as next, ${call(`low + ${width} + ${width} / 2`)} as later) as nexts`
}

/** How one reads a point, puts it into a bucket and writes it down again, in SQL. */
interface Scale {
  width: string
  call(at: string): Fragment
  from(point: string): string
  to(value: string): Fragment
}

function integers(timeBucket: Fragment, bucket: BucketFunction): Scale {
  const width = `${literal(bucket.width).text}::bigint`
  return {
    width,
    call: (at) => raw(`${timeBucket.text}(${width}, ${at}, ${literal(bucket.shift ?? '0').text}::bigint)`),
    from: (point) => point,
    to: raw,
  }
}

function times(timeBucket: Fragment, bucket: BucketFunction, time: TimeKind): Scale {
  const type = bucket.zone !== null || time === 'uuid' ? 'timestamptz' : time
  // Origins are written with a zone, that of the type or UTC.
  const typed = (at: string) => (type === 'timestamptz' ? `(${at})` : `((${at}) at time zone 'UTC')::${type}`)
  const width = `${literal(bucket.width).text}::interval`
  const origin = bucket.origin === null ? null : typed(`${literal(bucket.origin).text}::timestamptz`)
  const shift = bucket.shift === null ? null : `${literal(bucket.shift).text}::interval`
  const zoned = bucket.zone === null ? null : [`${literal(bucket.zone).text}::text`, origin ?? 'null::timestamptz', shift ?? 'null::interval']
  const more = (zoned ?? [origin, shift]).filter((part) => part !== null)
  return {
    width,
    call: (at) => raw(`${timeBucket.text}(${[width, `(${at})::${type}`, ...more].join(', ')})`),
    from: (point) => typed(`timestamptz '1970-01-01 00:00:00+00' + ${point} * interval '1 microsecond'`),
    to: (value) => raw(`(extract(epoch from ${value}) * 1000000)::bigint`),
  }
}
