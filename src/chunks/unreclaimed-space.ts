import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {has, type Chunk} from '../catalog/table.js'
import {formatChunkNames} from './hypertable.js'

/**
 * A note about compressed chunks that still have their old files: another session was reading them, so their rows were
 * deleted instead of truncated.
 * @param chunks by the id of the step that compresses them
 */
export async function unreclaimedSpace(
  db: Database,
  chunks: ReadonlyMap<string, Chunk>,
  steps: readonly Record<string, unknown>[],
): Promise<string[]> {
  const done = steps.filter(({status}) => status === 'done').flatMap(({id}) => chunks.get(String(id)) ?? [])
  // In a chunk that was compressed before, the new rows are always deleted.
  const fresh = done.filter((chunk) => !has(chunk.status, 'compressed'))
  if (fresh.length === 0) return []
  try {
    const rows = await db.query<{relation: number}>(
      sql`select r::int8 as relation from unnest(${fresh.map(({relation}) => relation)}::oid[]) as r where pg_relation_size(r::regclass) > 0`,
    )
    const kept = fresh.filter(({relation}) => rows.some((row) => row.relation === relation))
    return kept.length === 0
      ? []
      : [
          `${formatChunkNames(kept)} ${kept.length === 1 ? 'was' : 'were'} being read, so the copied rows were ` +
            'deleted, not truncated; VACUUM reclaims the space.',
        ]
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return []
  }
}
