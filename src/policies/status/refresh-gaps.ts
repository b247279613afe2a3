import type {Database} from '../../db/database.js'
import type {TableClock} from '../../catalog/table-clock.js'
import {ago} from '../../catalog/ages.js'
import {gapsQuestion, type GapRow} from '../../catalog/coverage-sql.js'
import {shift} from '../../catalog/due.js'
import type {LivePolicy} from '../../catalog/live-policies.js'
import type {Chunk} from '../../catalog/table.js'
import {lowest, type Span} from '../../catalog/span.js'
import {instantOf} from '../../catalog/time.js'

/**
 * Ranges in the windows of refresh policies whose rows changed after they were computed: below the watermark, by
 * TimescaleDB's invalidation logs. A window begins with its first whole bucket. The sources have their chunks.
 */
export async function changedRanges(
  db: Database,
  policies: readonly LivePolicy[],
  clocks: ReadonlyMap<LivePolicy['table'], TableClock>,
): Promise<Map<LivePolicy, Span[]>> {
  const found = new Map<LivePolicy, Span[]>()
  const asked = policies.flatMap((policy) => {
    const {table, startOffset} = policy
    const clock = clocks.get(table)
    const entry = table.aggregate
    if (table.id === null || clock?.now == null || entry?.watermark == null || entry.bucketWidth === null) return []
    const begin = startOffset === null ? null : ago(clock, startOffset)
    if (startOffset !== null && begin === null) return []
    // Before the oldest chunk no row can have changed, but TimescaleDB's log always has an entry there.
    const oldest = oldestOf(entry.source?.chunks ?? [])
    if (oldest === null) return []
    const from = later(oldest, begin === null ? null : shift(begin, entry.bucketWidth, 1))
    return from < entry.watermark ? [{policy, id: table.id, from, until: entry.watermark}] : []
  })
  if (asked.length === 0) return found
  // Logs only: a refresh that is running now is not a change of rows.
  const rows = await db.query<GapRow>(
    gapsQuestion(
      db.server,
      asked.map(({id, from, until}) => ({id, start: from, end: until})),
      'logs only',
    ),
  )
  for (const {position, gaps} of rows) {
    const ranges = [...gaps.matchAll(/\[(-?\d+),(-?\d+)\)/g)].map(([, start, end]) => ({
      start: BigInt(start!),
      end: BigInt(end!),
    }))
    if (ranges.length > 0) found.set(asked[position - 1]!.policy, ranges)
  }
  return found
}

function oldestOf(chunks: readonly Chunk[]): bigint | null {
  return chunks.reduce<bigint | null>(
    (least, {start}) => (least === null || (start ?? lowest) < least ? (start ?? lowest) : least),
    null,
  )
}

function later(a: bigint, b: bigint | null): bigint {
  return b !== null && b > a ? b : a
}

/** The text of a range in messages and JSON: instants, or integers. */
export function rangeText({start, end}: Span, {table}: Pick<LivePolicy, 'table'>): string {
  const formatBound = (point: bigint, open: string) =>
    point <= -(2n ** 63n) || point >= 2n ** 63n - 1n
      ? open
      : ((table.time === 'integer' ? null : instantOf(point)) ?? String(point))
  return `${formatBound(start, 'the beginning')} to ${formatBound(end, 'the end')}`
}
