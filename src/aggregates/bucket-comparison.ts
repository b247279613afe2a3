import type {Database} from '../db/database.js'
import {raw, sql, statement, type Statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {messageOf} from '../errors.js'
import {taggedText} from '../catalog/coverage-sql.js'
import type {Table} from '../catalog/table.js'
import {highest, lowest, type Span} from '../catalog/span.js'
import {edgesOf} from './buckets.js'

/** Whole buckets of an aggregate whose invalidation log cannot be relied on. */
export interface BucketComparison {
  /** Empty if no bucket begins in the range. */
  window: Span
  /** A boolean SQL expression: the stored rows of the window differ from the result of the current rows. */
  differs: Statement
}

/**
 * The comparison for each range of whole buckets of a continuous aggregate. Null where its invalidation log can be
 * relied on (sql/routines/bucket_comparisons.sql), and for an open range.
 */
export async function bucketComparisons(
  db: Database,
  aggregate: Pick<Table, 'id'>,
  windows: readonly Span[],
): Promise<(BucketComparison | null)[]> {
  const found: (BucketComparison | null)[] = windows.map(() => null)
  const asked = windows.flatMap(({start, end}, index) => (start > lowest && end < highest ? [{start, end, index}] : []))
  if (!db.server.logMissesBuckets || asked.length === 0) return found
  const rows = await db.query<{position: number; differs: string}>(
    statement(
      `select c.position::int as position, c.differs
from (${taggedText('routines/bucket_comparisons', 'comparisons')}) as c`,
      [asked.map(() => aggregate.id!), asked.map(({start}) => String(start)), asked.map(({end}) => String(end))],
    ),
  )
  for (const {position, differs} of rows) {
    const {index} = asked[position - 1]!
    found[index] = {window: windows[index]!, differs: sql`${raw(differs)}`}
  }
  return found
}

/** Whether the compared window differs; the message of the error if its rows cannot be read. */
export async function windowDiffers(db: Database, {window, differs}: BucketComparison): Promise<boolean | string> {
  return window.start < window.end && rowsDiffer(db, differs)
}

/** The buckets that begin in a range: from the first start at or after each of its ends. */
export async function bucketsBeginningIn(
  db: Database,
  aggregate: Pick<Table, 'id'>,
  spans: readonly Span[],
): Promise<Span[]> {
  const edges = await edgesOf(
    db,
    aggregate,
    spans.flatMap(({start, end}) => [start, end]),
  )
  return spans.map(({start, end}) => ({start: edges.get(start)!.ceil, end: edges.get(end)!.ceil}))
}

/** The value of a boolean SQL expression that compares rows; the message of the error if they cannot be read. */
export async function rowsDiffer(db: Database, differs: Statement): Promise<boolean | string> {
  try {
    const [row] = await db.query<{differs: boolean}>(sql`select ${differs} as differs`)
    return row!.differs
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return messageOf(error)
  }
}
