import {readOnlySettings, type Database} from '../db/database.js'
import {ident, raw, sql, statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import type {Chunk} from '../catalog/table.js'

/** For all chunks together: a preview must not take longer than the change. */
const timeoutMs = 5_000

/** Chunks a statement. If one of them cannot be counted, they are counted in halves. */
const batchSize = 64

/** Counts the rows of chunks within the timeout; null if not counted. Every preview counts rows with this function. */
export async function countRows(db: Database, chunks: readonly Chunk[]): Promise<Map<Chunk, number | null>> {
  const until = performance.now() + timeoutMs
  const counts = new Map<Chunk, number | null>(chunks.map((chunk) => [chunk, null]))
  for (let at = 0; at < chunks.length; at += batchSize) await count(chunks.slice(at, at + batchSize))
  return counts

  async function count(part: readonly Chunk[]): Promise<void> {
    const left = Math.floor(until - performance.now())
    if (left <= 0) return
    const selects = part.map(
      ({schema, name}, n) =>
        sql`select ${raw(String(n))} as n, (select count(*) from ${ident(schema, name)}) as rows`.text,
    )
    try {
      const rows = await db.query<{n: number; rows: number}>(statement(selects.join(' union all ')), {
        ...readOnlySettings,
        statementTimeout: left,
      })
      for (const {n, rows: counted} of rows) counts.set(part[n]!, counted)
    } catch (error) {
      // The chunk is locked, dropped, too large or not readable. Only a preview needs the count, so it stays unknown.
      if (isConnectionLost(error)) throw error
      if (part.length === 1) return
      const middle = Math.ceil(part.length / 2)
      await count(part.slice(0, middle))
      await count(part.slice(middle))
    }
  }
}
