import {readOnlySettings, type Database} from '../db/database.js'
import {ident, raw, sql, statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import type {Chunk} from '../catalog/table.js'

/** For all together: a preview must not take longer than the change. */
const timeoutMs = 5_000

/** One statement counts so many chunks; where one of them cannot be counted, they are counted in halves. */
const batchSize = 64

/** Rows of chunks, counted as long as the time lasts; null: not counted. The one place where previews count rows. */
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
      // Locked, dropped meanwhile, too large, no privilege: it is a figure of a preview.
      if (isConnectionLost(error)) throw error
      if (part.length === 1) return
      const middle = Math.ceil(part.length / 2)
      await count(part.slice(0, middle))
      await count(part.slice(middle))
    }
  }
}
