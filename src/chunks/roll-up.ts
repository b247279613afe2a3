import type {Db} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Chunk, Table} from '../catalog/table.js'

/**
 * The interval up to which TimescaleDB merges chunks that it compresses (compress_chunk_time_interval): microseconds,
 * or a number in the unit of an integer time column. Null if it merges none.
 */
export async function readRollUpInterval(db: Db, table: Table): Promise<bigint | null> {
  const [row] = await db.query<{interval: string | null}>(statement(loadSql('chunks/roll-up'), [table.id]))
  return row?.interval == null ? null : BigInt(row.interval)
}

/** Neighbours that become one chunk. */
interface Group {
  space: string | null
  start: bigint
  end: bigint
  /** The last one that is to be compressed; null if all of them are compressed. */
  last: Chunk | null
}

/**
 * For each chunk that TimescaleDB would merge into another one of `todo`, the chunk before it in that group. It merges
 * a chunk into its predecessor only if that is compressed by then, so the chunks of a group must be compressed one
 * after the other; different groups may be compressed at the same time.
 * @param all the chunks of the table
 * @param interval see {@link readRollUpInterval}
 */
export function rollUpOrder(
  all: readonly Chunk[],
  todo: ReadonlySet<Chunk>,
  interval: bigint | null,
  isCompressed: (chunk: Chunk) => boolean,
): ReadonlyMap<Chunk, Chunk> {
  const before = new Map<Chunk, Chunk>()
  if (interval === null) return before
  let group = null as Group | null
  for (const chunk of bySpaceAndTime(all)) {
    const {space, start, end} = chunk
    const asked = todo.has(chunk)
    if (start === null || end === null || (!asked && !isCompressed(chunk))) {
      group = null
      continue
    }
    const joined: Group | null =
      group !== null && group.space === space && group.end === start && end - group.start <= interval ? group : null
    if (asked && joined?.last) before.set(chunk, joined.last)
    group = {space, start: joined?.start ?? start, end, last: asked ? chunk : (joined?.last ?? null)}
  }
  return before
}

function bySpaceAndTime(chunks: readonly Chunk[]): Chunk[] {
  const key = ({space}: Chunk) => space ?? ''
  return [...chunks].sort((a, b) => {
    if (key(a) !== key(b)) return key(a) < key(b) ? -1 : 1
    return Number((a.start ?? 0n) - (b.start ?? 0n))
  })
}
