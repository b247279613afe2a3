import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import type {Server} from '../../db/server.js'
import {statement, type Statement} from '../../db/sql.js'
import type {Table} from '../../reports/table.js'
import {edgesOf, type Edge} from './buckets.js'
import {readOwnCoverage} from './own-coverage.js'
import {lowest, merge, parseMultirange, spanOf, type Span} from './spans.js'
import {hasRows} from './rows.js'

/** What one aggregate has not computed of some spans of the table under it, as the rows stand now. */
export interface Coverage {
  schema: string
  view: string
  /** 1: directly over the table; 2: over such an aggregate, and so on. */
  level: number
  /** Where TimescaleDB has it. */
  aggregate: Table | null
  /** Where it is a table of ours. */
  own: {data: string; query: string} | null
  /** On the table's scale; empty: all of it is covered. */
  gaps: Span[]
  /** For each span, the whole buckets that it needs of this aggregate; null: none. */
  needs: (Span | null)[]
}

export interface CoverageRequest {
  /** Every table of the database; those over the one in question with their sources' chunks. */
  tables: readonly Table[]
  table: Table
  spans: readonly Span[]
  /** The table's clock. A bucket of an indirect aggregate that is not complete need not be there; null: it must. */
  present: bigint | null
}

/** What the aggregates over a table, and those over them, lack of some spans. What cannot be read is not covered. */
export async function readCoverage(db: Database, request: CoverageRequest): Promise<Coverage[]> {
  const {table, spans} = request
  const found: Coverage[] = []
  if (spans.length === 0) return found
  for (const {aggregate, level} of dependents(request.tables, table)) {
    const needs = await needsOf(db, request, aggregate, level)
    const asked = needs.filter((span) => span !== null)
    const rows = await db.query<GapRow>(gapsQuestion(db.server, asked.map((span) => ({id: aggregate.id!, span}))))
    found.push({schema: aggregate.schema, view: aggregate.name, level, aggregate, own: null, gaps: merge(rows.flatMap(({gaps}) => parseMultirange(gaps))), needs})
  }
  for (const {schema, view, level, data, query, whole, gaps} of await readOwnCoverage(db, table, spans, request.present)) {
    const before = found.find((each) => each.own !== null && each.schema === schema && each.view === view)
    if (before === undefined) found.push({schema, view, level, aggregate: null, own: {data, query}, gaps, needs: [whole]})
    else Object.assign(before, {gaps: merge([...before.gaps, ...gaps]), needs: [...before.needs, whole]})
  }
  return found.sort((a, b) => a.level - b.level || (a.view < b.view ? -1 : 1))
}

/** TimescaleDB's aggregates over a table, and those over them; what is nearer comes first. */
export function dependents(tables: readonly Table[], table: Table): {aggregate: Table; level: number}[] {
  const found: {aggregate: Table; level: number}[] = []
  let sources = [table]
  for (let level = 1; sources.length > 0; level += 1) {
    sources = tables.filter(({id, aggregate}) => id !== null && aggregate?.source != null && sources.includes(aggregate.source))
    found.push(...sources.map((aggregate) => ({aggregate, level})))
  }
  return found
}

/** The whole buckets that must have been computed before the rows of a span may go. */
async function needsOf(db: Database, {spans, present}: CoverageRequest, aggregate: Table, level: number): Promise<(Span | null)[]> {
  const points = spans.flatMap(({start, end}) => [start, end])
  const edges = await edgesOf(db, aggregate, present === null ? points : [...points, present])
  const needs: (Span | null)[] = []
  for (const {start, end} of spans) {
    const low = edges.get(start)!
    const until = edges.get(end)!.ceil
    const since = (await keepsPartial(db, aggregate, start, low)) ? low.ceil : smaller(low.floor, start)
    const complete = level > 1 && present !== null ? smaller(until, edges.get(present)!.floor) : until
    needs.push(since < complete ? {start: since, end: complete} : null)
  }
  return needs
}

/**
 * A bucket that lost rows after it was computed cannot be computed again. Where drop_chunks invalidates what it drops
 * and the bucket after, it would never be clean again either, and nothing after it could ever be dropped: there it
 * counts as it is. Only at the oldest chunk, and only where older rows of the aggregate show that something was dropped.
 */
async function keepsPartial(db: Database, aggregate: Table, start: bigint, {floor, ceil}: Edge): Promise<boolean> {
  const {watermark, source} = aggregate.aggregate!
  if (db.server.skipsInvalidation || floor >= start || (watermark ?? floor) < ceil) return false
  if (source!.chunks.some((chunk) => spanOf(chunk).start < start)) return false
  return hasRows(db, {aggregate}, {start: lowest, end: floor}, false)
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

export interface GapRow {
  position: number
  gaps: string
}

/** What of some spans in whole buckets is pending, in one snapshot of all that TimescaleDB notes. */
export function gapsQuestion(server: Server, wanted: readonly {id: number; span: Span}[]): Statement {
  const values = [wanted.map(({id}) => id), wanted.map(({span}) => String(span.start)), wanted.map(({span}) => String(span.end))]
  const logs = loadSql('catalog/coverage-pending')
  return statement(server.materializationRanges !== null ? `(\n${logs})\nunion all\n(\n${loadSql('catalog/coverage-unfinished')})` : logs, values)
}
