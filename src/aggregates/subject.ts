import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {gapsQuestion, type GapRow} from '../catalog/coverage-sql.js'
import {widen} from './buckets.js'
import {readOwnGaps, type OwnGaps} from './emulated-coverage.js'
import {merge, parseMultirange, type Span} from '../catalog/span.js'

/** An aggregate and what it is computed from, both with their scale: the same one. */
export interface AggregateSubject {
  aggregate: Table
  source: Table
}

/** A span in whole buckets of the aggregate, and what of it is not computed. */
export interface Buckets {
  whole: Span
  gaps: Span[]
  /** Where the aggregate is a table of ours. */
  own: OwnGaps | null
}

/** The buckets that hold each of some spans; for an empty span at x, the bucket's begin and the next at or after x. */
export async function bucketsOf(
  db: Database,
  {aggregate, source}: AggregateSubject,
  spans: readonly Span[],
): Promise<Buckets[]> {
  if (spans.length === 0) return []
  if (aggregate.id === null) {
    const key = qualifiedName(aggregate)
    const rows = (await readOwnGaps(db, source, spans, null)).filter(
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
 * What refreshes have begun and not finished, where the server notes that. A refresh that meets it finishes all of it.
 */
export async function unfinishedOf(db: Database, {aggregate}: AggregateSubject, {start, end}: Span): Promise<Span[]> {
  if (aggregate.id === null || db.server.materializationRanges === null) return []
  const rows = await db.query<GapRow>(
    statement(loadSql('aggregates/coverage-unfinished'), [[aggregate.id], [String(start)], [String(end)]]),
  )
  return rows.flatMap(({gaps}) => parseMultirange(gaps))
}
