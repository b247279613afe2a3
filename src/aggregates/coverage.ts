import {refuseHiddenRows} from '../db/condition.js'
import type {Database} from '../db/database.js'
import {parseQualifiedName} from '../db/qualified-name.js'
import {statement} from '../db/sql.js'
import {coverageParts} from '../catalog/coverage-sql.js'
import type {Table} from '../catalog/table.js'
import {bucketComparisons, bucketsBeginningIn, windowDiffers, type BucketComparison} from './bucket-comparison.js'
import {alignmentOf, widen} from './buckets.js'
import {readEmulatedCoverage} from './emulated-coverage.js'
import {hasRows} from './rows.js'
import {highest, intersect, lowest, merge, overlaps, parseMultirange, spanOf, type Span} from '../catalog/span.js'

/** What one aggregate has not computed, from the current rows, of some spans of a table. */
export interface Coverage {
  schema: string
  view: string
  /** 1: it reads the table; 2: it reads an aggregate of level 1, and so on. */
  level: number
  /** Set for a continuous aggregate of TimescaleDB. */
  aggregate: Table | null
  /** Set for an emulated aggregate: the table with its rows, and the function that computes them. */
  own: {data: string; query: string} | null
  /** The changes of the source cannot be read, so nothing counts as covered. */
  blind: boolean
  /**
   * Spans that begin or end inside an hour that a clock change repeats, if this server mixes its buckets: not covered.
   */
  folded: Span[]
  /** In whole buckets, on the table's scale; empty if everything is covered. */
  gaps: Span[]
  /** The gaps whose bucket contains dropped rows: a refresh would lose what was computed from them. */
  lost: Span[]
  /** The gaps that TimescaleDB recorded as computed, but whose result differs from their rows. */
  differing: Span[]
  /** The error of the server if the rows of a gap could not be compared; null: there was none. */
  notCompared: string | null
  /** For each span, the whole buckets of this aggregate that have to cover it; null: none. */
  needs: (Span | null)[]
  /**
   * For each span, the buckets that begin in it, if the log of this aggregate cannot be relied on. They can be compared
   * only while all of their rows exist, so spans with rows of one bucket have to be dropped oldest first.
   */
  comparisons: (BucketComparison | null)[]
}

export interface CoverageRequest {
  /** Every table of the database; aggregates over `table` with the chunks of their sources. */
  tables: readonly Table[]
  table: Table
  spans: readonly Span[]
  /** The table's clock: an incomplete bucket of an indirect aggregate is not required. Null: every bucket is. */
  present: bigint | null
  /**
   * Whether the buckets for which TimescaleDB's log cannot be relied on are compared with their rows. Their rows are
   * read, so this is for what is about to be dropped.
   */
  compareRows: boolean
}

interface CoverageRow {
  position: number
  id: number
  /** Qualified name, quoted as in SQL. */
  view: string
  level: number
  since: string
  until: string
  gaps: string
  blind: boolean
  folded: boolean
}

/** The coverage of spans in every aggregate over a table, direct or indirect. What cannot be read is not covered. */
export async function readCoverage(db: Database, request: CoverageRequest): Promise<Coverage[]> {
  const {table, spans} = request
  if (spans.length === 0) return []
  refuseHiddenRows(db.server)
  const found = [...(await readContinuous(db, request)), ...(await readEmulated(db, request))]
  for (const each of found) each.lost = await lostOf(db, each, table)
  return found.sort((a, b) => a.level - b.level || (a.view < b.view ? -1 : 1))
}

/** By TimescaleDB's watermarks and invalidation logs, in one snapshot. */
async function readContinuous(db: Database, request: CoverageRequest): Promise<Coverage[]> {
  const {tables, table, spans, present} = request
  if (table.id === null) return []
  const text = coverageParts(db.server, ['over', 'edges', 'wanted', 'gaps', 'answer'])
  const rows = await db.query<CoverageRow>(
    statement(
      `select a.position::int as position, a.id, a.view, a.level, a.since::text as since, a.until::text as until, a.gaps::text as gaps, a.blind, a.folded
from (${text}) as a`,
      [
        table.id,
        spans.map(({start}) => String(start)),
        spans.map(({end}) => String(end)),
        present === null ? null : String(present),
      ],
    ),
  )
  const found: Coverage[] = []
  for (const id of new Set(rows.map((row) => row.id))) {
    const aggregate = tables.find((each) => each.kind === 'aggregate' && each.id === id) ?? null
    const answers = rows.filter((row) => row.id === id)
    const {view, level, blind} = answers[0]!
    const {schema, name} = aggregate ?? parseQualifiedName(view)
    const needs = spans.map((): Span | null => null)
    for (const {position, since, until} of answers)
      if (BigInt(since) < BigInt(until)) needs[position - 1] = {start: BigInt(since), end: BigInt(until)}
    const gaps = merge(await widen(db, {id}, merge(answers.flatMap((row) => parseMultirange(row.gaps)))))
    const coverage: Coverage = {
      schema: schema ?? 'public',
      view: name,
      level,
      aggregate,
      own: null,
      blind,
      needs,
      lost: [],
      differing: [],
      notCompared: null,
      comparisons: needs.map(() => null),
      folded: answers.flatMap(({folded, position}) => (folded ? [spans[position - 1]!] : [])),
      // An aggregate that was created after the tables were read covers nothing.
      gaps: intersect(
        aggregate === null ? [{start: lowest, end: highest}] : gaps,
        needs.flatMap((need) => need ?? []),
      ),
    }
    if (request.compareRows) await compareRows(db, coverage, spans)
    found.push(coverage)
  }
  return found
}

/**
 * Compares the buckets that begin in each span, unless they are pending anyway. Only those: a row that the log leaves
 * out is at the start of a bucket. The rows of an indirect aggregate are not in the table.
 */
async function compareRows(db: Database, coverage: Coverage, spans: readonly Span[]): Promise<void> {
  const {aggregate, level} = coverage
  if (aggregate === null || level > 1 || !db.server.logMissesBuckets) return
  if (!(await alignmentOf(db, aggregate)).variable) return
  coverage.comparisons = await bucketComparisons(db, aggregate, await bucketsBeginningIn(db, aggregate, spans))
  for (const comparison of coverage.comparisons) {
    if (comparison === null || coverage.gaps.some((gap) => overlaps(gap, comparison.window))) continue
    const differs = await windowDiffers(db, comparison)
    if (differs !== false) coverage.differing.push(comparison.window)
    if (typeof differs === 'string') coverage.notCompared ??= differs
  }
  coverage.differing = merge(coverage.differing)
  coverage.gaps = merge([...coverage.gaps, ...coverage.differing])
}

async function readEmulated(db: Database, {table, spans, present}: CoverageRequest): Promise<Coverage[]> {
  const found: Coverage[] = []
  for (const {schema, view, level, data, query, whole, gaps} of await readEmulatedCoverage(db, table, spans, present)) {
    const before = found.find((each) => each.schema === schema && each.view === view)
    if (before === undefined)
      found.push({
        schema,
        view,
        level,
        aggregate: null,
        own: {data, query},
        blind: false,
        folded: [],
        gaps,
        lost: [],
        differing: [],
        notCompared: null,
        needs: [whole],
        comparisons: [null],
      })
    else
      Object.assign(before, {
        gaps: merge([...before.gaps, ...gaps]),
        needs: [...before.needs, whole],
        comparisons: [...before.comparisons, null],
      })
  }
  return found
}

/** Whether two spans, by their index, have rows of one bucket that has to be compared, so the earlier goes first. */
export function shareBucket(coverage: readonly Coverage[], earlier: number, later: Span): boolean {
  return coverage.some(({comparisons}) => {
    const comparison = comparisons[earlier] ?? null
    return comparison !== null && comparison.window.end > later.start
  })
}

/** A gap before the oldest chunk is lost only if the aggregate has rows there: there may never have been any. */
async function lostOf(db: Database, {aggregate, gaps}: Coverage, {chunks}: Table): Promise<Span[]> {
  const [oldest] = merge(chunks.map(spanOf))
  const found: Span[] = []
  if (oldest === undefined || aggregate === null) return found
  for (const gap of gaps) if (gap.start < oldest.start && (await hasRows(db, {aggregate}, gap))) found.push(gap)
  return found
}

/** TimescaleDB's aggregates over a table, direct and indirect, by level. */
export function dependents(tables: readonly Table[], table: Table): {aggregate: Table; level: number}[] {
  const found: {aggregate: Table; level: number}[] = []
  let sources = [table]
  for (let level = 1; sources.length > 0; level += 1) {
    sources = tables.filter(
      ({id, aggregate}) => id !== null && aggregate?.source != null && sources.includes(aggregate.source),
    )
    found.push(...sources.map((aggregate) => ({aggregate, level})))
  }
  return found
}
