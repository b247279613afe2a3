import {reading, type Database} from '../../db/database.js'
import {ident, sql} from '../../db/sql.js'
import {isConnectionLost} from '../../db/sqlstate.js'
import type {Chunk} from '../../reports/table.js'

/** For all together: a preview must not take longer than the change. */
const patience = 5_000

/** Rows of chunks, counted one by one as long as the patience lasts; null: not counted. */
export async function countRows(db: Database, chunks: readonly Chunk[]): Promise<Map<Chunk, number | null>> {
  const until = performance.now() + patience
  const counts = new Map<Chunk, number | null>()
  for (const chunk of chunks) {
    const left = Math.floor(until - performance.now())
    counts.set(chunk, left <= 0 ? null : await count(db, chunk, left))
  }
  return counts
}

async function count(db: Database, {schema, name}: Chunk, statementTimeout: number): Promise<number | null> {
  try {
    const [row] = await db.query<{rows: number}>(sql`select count(*) as rows from ${ident(schema, name)}`, {...reading, statementTimeout})
    return row!.rows
  } catch (error) {
    // Locked, dropped meanwhile, too large, no privilege: it is a figure of a preview.
    if (isConnectionLost(error)) throw error
    return null
  }
}
