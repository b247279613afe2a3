import type {Database} from '../db/database.js'
import {raw, sql, statement, type Statement} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'
import {taggedText} from '../catalog/coverage-sql.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {instantOf} from '../catalog/time.js'
import {highest, lowest, parseMultirange, type Span} from '../catalog/span.js'
import {rowsDiffer} from './bucket-comparison.js'

/** What an emulated aggregate has not computed of one span of the table under it. */
export interface EmulatedGaps {
  schema: string
  view: string
  level: number
  /** Names, quoted as in SQL, of the table with its rows and of the function that computes a window of them. */
  data: string
  query: string
  /** The span, extended to whole buckets. */
  whole: Span
  gaps: Span[]
}

interface EmulatedCoverageRow {
  schema: string
  view: string
  level: number
  data: string | null
  query: string | null
  since: string
  until: string
  gaps: string
}

/** The gaps of emulated aggregates over a table, as recorded. Rows that changed since are not considered. */
export async function readEmulatedGaps(
  db: Database,
  table: Pick<Table, 'schema' | 'name'>,
  spans: readonly Span[],
  present: bigint | null,
): Promise<EmulatedGaps[]> {
  if (!db.server.hasQicoreSchema || spans.length === 0) return []
  const values = [
    qualifiedName(table),
    spans.map(({start}) => String(start)),
    spans.map(({end}) => String(end)),
    present === null ? null : String(present),
  ]
  const rows = await db
    .query<EmulatedCoverageRow>(statement(taggedText('routines/own_coverage', 'answer'), values))
    .catch(emptyIfNoTable)
  return rows.map(({schema, view, level, data, query, since, until, gaps}) => {
    const whole = {start: BigInt(since), end: BigInt(until)}
    // The table or the function is missing, so nothing counts as computed.
    const lacking = data === null || query === null ? [whole] : parseMultirange(gaps)
    return {schema, view, level, data: data ?? '', query: query ?? '', whole, gaps: lacking}
  })
}

function emptyIfNoTable(error: unknown): EmulatedCoverageRow[] {
  if (sqlState(error) === SqlState.undefinedTable) return []
  throw error
}

/**
 * The gaps including changed rows: what is recorded as computed is computed again and compared. If it cannot be
 * compared, it counts as not covered.
 */
export async function readEmulatedCoverage(
  db: Database,
  table: Pick<Table, 'schema' | 'name'>,
  spans: readonly Span[],
  present: bigint | null,
): Promise<EmulatedGaps[]> {
  const found = await readEmulatedGaps(db, table, spans, present)
  for (const entry of found)
    if (entry.gaps.length === 0 && (await isStale(db, entry, entry.whole))) entry.gaps = [entry.whole]
  return found
}

/** Whether a window of the aggregate differs from the result of the current rows; true if that cannot be computed. */
async function isStale(db: Database, gaps: Pick<EmulatedGaps, 'data' | 'query'>, window: Span): Promise<boolean> {
  const differs = differsExpression(gaps, window)
  return differs === null || (await rowsDiffer(db, differs)) !== false
}

/**
 * A boolean SQL expression: the stored window differs from the result of the current rows. Null for a window that is
 * open on a side.
 */
export function differsExpression(
  {data, query}: Pick<EmulatedGaps, 'data' | 'query'>,
  {start, end}: Span,
): Statement | null {
  const [from, to] = [start <= lowest ? null : instantOf(start), end >= highest ? null : instantOf(end)]
  if (from === null || to === null) return null
  const stored = sql`select * from ${raw(data)} where bucket >= ${from}::timestamptz and bucket < ${to}::timestamptz`
  const now = sql`select * from ${raw(query)}(${from}::timestamptz, ${to}::timestamptz)`
  return sql`exists ((${stored} except all ${now}) union all (${now} except all ${stored}))`
}
