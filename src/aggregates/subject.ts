import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {gapsQuestion, type GapRow} from '../catalog/coverage-sql.js'
import {widen} from './buckets.js'
import {readEmulatedGaps, type EmulatedGaps} from './emulated-coverage.js'
import {merge, parseMultirange, type Span} from '../catalog/span.js'

/** An aggregate and the table that it reads. Both have the same time scale. */
export interface AggregateSubject {
  aggregate: Table
  source: Table
}

/** A span extended to whole buckets of the aggregate, and the parts of it that are not computed. */
export interface Buckets {
  whole: Span
  gaps: Span[]
  /** Set for an emulated aggregate. */
  own: EmulatedGaps | null
}

/** The buckets of each span. For an empty span at x: from the start of its bucket to the first start at or after x. */
export async function bucketsOf(
  db: Database,
  {aggregate, source}: AggregateSubject,
  spans: readonly Span[],
): Promise<Buckets[]> {
  if (spans.length === 0) return []
  if (aggregate.id === null) {
    const key = qualifiedName(aggregate)
    const rows = (await readEmulatedGaps(db, source, spans, null)).filter(
      ({schema, view}) => qualifiedName({schema, name: view}) === key,
    )
    return rows.map((own) => ({whole: own.whole, gaps: own.gaps, own}))
  }
  const whole = await widen(db, aggregate, spans)
  const answers: Span[][] = spans.map(() => [])
  const rows = await db.query<GapRow>(
    gapsQuestion(
      db.server,
      whole.map((span) => ({id: aggregate.id!, ...span})),
    ),
  )
  for (const {position, gaps} of rows) answers[position - 1]!.push(...parseMultirange(gaps))
  return whole.map((span, index) => ({whole: span, gaps: merge(answers[index]!), own: null}))
}

/**
 * Ranges whose refresh began and has not finished, if the server records them. A refresh that overlaps one finishes all
 * of it.
 */
export async function unfinishedOf(db: Database, {aggregate}: AggregateSubject, {start, end}: Span): Promise<Span[]> {
  if (aggregate.id === null || db.server.materializationRanges === null) return []
  const rows = await db.query<GapRow>(
    statement(loadSql('aggregates/coverage-unfinished'), [[aggregate.id], [String(start)], [String(end)]]),
  )
  return rows.flatMap(({gaps}) => parseMultirange(gaps))
}
