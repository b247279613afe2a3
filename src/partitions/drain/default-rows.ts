import type {Database} from '../../db/database.js'
import {ident, raw, sql} from '../../db/sql.js'
import {sqlState} from '../../db/sqlstate.js'
import type {Child} from '../children.js'
import {inWords, keyEnds} from '../key-values.js'
import type {PartitionSet} from '../sets.js'

export interface DefaultPartition {
  partition: string
  /** Counted up to {@link mostCounted} plus one; null if they could not be counted. */
  rows: number | null
  oldest: string | null
  newest: string | null
  totalBytes: number | null
}

/** Limit for counting rows of a default partition, or rows that refer to a partition. */
export const mostCounted = 10_000

/** `1 row`, `17 rows`, `more than 10000 rows`. */
export function countedRows(rows: number): string {
  if (rows > mostCounted) return `more than ${mostCounted} rows`
  return rows === 1 ? '1 row' : `${rows} rows`
}

export async function readDefaultPartition(db: Database, set: PartitionSet, child: Child): Promise<DefaultPartition> {
  return {partition: child.partition, totalBytes: child.bytes, ...(await readRows(db, set, child))}
}

type Rows = Pick<DefaultPartition, 'rows' | 'oldest' | 'newest'>

async function readRows(db: Database, set: PartitionSet, child: Child): Promise<Rows> {
  const unknown = {rows: null, oldest: null, newest: null}
  if (child.locked) return unknown
  const {key} = set
  const column = set.column === null || key === null ? raw('null::text') : ident(set.column)
  const ends = keyEnds(key ?? {kind: 'timestamp', type: 'text'}, raw('key'))
  try {
    const [row] = await db.query<{rows: number; oldest: string | null; newest: string | null}>(
      sql`select count(*) as rows, ${ends} from (select ${column} as key from ${ident(child.schema, child.partition)} limit ${raw(String(mostCounted + 1))}) as first`,
    )
    if (!row) return unknown
    if (row.rows > mostCounted) return {...row, oldest: null, newest: null}
    return key === null ? row : inWords(key, row)
  } catch (error) {
    // No privilege, or another session has just locked it: the report shows the count as unknown.
    if (sqlState(error) === undefined) throw error
    return unknown
  }
}
