import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {has, type Table} from '../catalog/table.js'
import {compressStepId} from './compress.js'
import {listed} from './hypertable.js'

/** Chunks that were compressed now and still have their old files: their rows were deleted, because another session read them. */
export async function unreclaimedSpace(
  db: Database,
  table: Table,
  steps: readonly Record<string, unknown>[],
): Promise<string[]> {
  const done = new Set(steps.filter(({status}) => status === 'done').map(({id}) => id))
  // Of a chunk that was compressed before, the rows that came since are always deleted.
  const fresh = table.chunks.filter((chunk) => !has(chunk.status, 'compressed') && done.has(compressStepId(chunk)))
  if (fresh.length === 0) return []
  try {
    const rows = await db.query<{relation: number}>(
      sql`select r::int8 as relation from unnest(${fresh.map(({relation}) => relation)}::oid[]) as r where pg_relation_size(r::regclass) > 0`,
    )
    const kept = fresh.filter(({relation}) => rows.some((row) => row.relation === relation))
    return kept.length === 0
      ? []
      : [
          `${listed(kept)} ${kept.length === 1 ? 'was' : 'were'} being read, so the copied rows were deleted, not truncated; VACUUM reclaims the space.`,
        ]
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return []
  }
}
