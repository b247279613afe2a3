import {writtenBytes, type ChunkBytes} from '../catalog/chunk-bytes.js'
import {microsIn, type TableClock} from '../catalog/table-clock.js'
import type {TimeRange} from '../catalog/time-range.js'
import type {Chunk, Table} from '../catalog/table.js'

const day = 86_400_000_000n
const window = 7n * day

/**
 * Bytes written per day, before compression: the size of the newest complete chunk ranges that cover a week, divided by
 * their days. Ranges before the first row are ignored, because partitions may have been created back in time. If the
 * first range of a table is still open: its whole size divided by the time between its oldest and newest row. Null if
 * the ranges are not times, a size is missing, or there is less than a day of data.
 */
export function bytesPerDay(table: Table, bytes: ChunkBytes, clock: TableClock, ends: TimeRange): number | null {
  if (clock.now === null) return null
  const {oldest} = ends
  const ranges = new Map<bigint, {start: bigint; end: bigint; chunks: Chunk[]}>()
  for (const chunk of table.chunks) {
    if (
      chunk.tiered ||
      chunk.start === null ||
      chunk.end === null ||
      chunk.end > clock.now ||
      (oldest !== null && chunk.end <= oldest)
    )
      continue
    const range = ranges.get(chunk.end) ?? {start: chunk.start, end: chunk.end, chunks: []}
    range.chunks.push(chunk)
    ranges.set(chunk.end, range)
  }
  const newest = [...ranges.values()].sort((a, b) => (a.end > b.end ? -1 : 1))
  let sum = 0
  let from: bigint | null = null
  const to = newest[0]?.end
  for (const range of newest) {
    for (const chunk of range.chunks) {
      const written = writtenBytes(chunk, bytes)
      if (written === null) return null
      sum += written
    }
    from = oldest !== null && oldest > range.start ? oldest : range.start
    const span = between(from, to!, table, clock)
    if (span === null || span >= window) break
  }
  const known =
    from === null || to === undefined ? null : rate(sum, between(from, to, table, clock), from === oldest ? day : 0n)
  return known ?? sinceTheBeginning(table, bytes, clock, ends)
}

function sinceTheBeginning(
  table: Table,
  bytes: ChunkBytes,
  clock: TableClock,
  {oldest, newest}: TimeRange,
): number | null {
  if (oldest === null || newest === null) return null
  let sum = table.chunks.length === 0 ? bytes.ofRoot(table) : 0
  for (const chunk of table.chunks) {
    const written = chunk.tiered ? 0 : writtenBytes(chunk, bytes)
    sum = sum === null || written === null ? null : sum + written
  }
  return sum === null ? null : rate(sum, between(oldest, newest, table, clock), day)
}

function between(from: bigint, to: bigint, table: Table, clock: TableClock): bigint | null {
  const [start, end] = [microsIn(from, table, clock), microsIn(to, table, clock)]
  return start === null || end === null ? null : end - start
}

function rate(sum: number, micros: bigint | null, atLeast: bigint): number | null {
  return micros === null || micros <= 0n || micros < atLeast ? null : Math.round((sum * Number(day)) / Number(micros))
}
