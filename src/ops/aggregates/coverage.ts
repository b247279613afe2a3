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
  /** What changed cannot be asked for, so that nothing counts as covered. */
  blind: boolean
  /** On the table's scale; empty: all of it is covered. */
  gaps: Span[]
  /** For each span, the whole buckets that it needs of this aggregate; null: none. */
  needs: (Span | null)[]
  /** For each span, what is left of a first bucket that counts as it is as long as nobody writes there; null: nothing. */
  kept: (Span | null)[]
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
  const over = dependents(request.tables, table)
  const blind = await blindOf(db, over.map(({aggregate}) => aggregate.id!))
  for (const {aggregate, level} of over) {
    const {needs, kept} = await needsOf(db, request, aggregate, level)
    const asked = needs.filter((span) => span !== null)
    const rows = await db.query<GapRow>(gapsQuestion(db.server, asked.map((span) => ({id: aggregate.id!, span}))))
    const its = {schema: aggregate.schema, view: aggregate.name, level, aggregate, own: null, needs, kept, blind: blind.has(aggregate.id!)}
    found.push({...its, gaps: merge(its.blind ? asked : rows.flatMap(({gaps}) => parseMultirange(gaps)))})
  }
  for (const {schema, view, level, data, query, whole, gaps} of await readOwnCoverage(db, table, spans, request.present)) {
    const before = found.find((each) => each.own !== null && each.schema === schema && each.view === view)
    if (before === undefined) found.push({schema, view, level, aggregate: null, own: {data, query}, blind: false, gaps, needs: [whole], kept: []})
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

async function blindOf(db: Database, ids: readonly number[]): Promise<Set<number>> {
  if (ids.length === 0) return new Set()
  return new Set((await db.query<{id: number}>(statement(loadSql('catalog/wal-aggregates'), [ids]))).map(({id}) => id))
}

/** The whole buckets that must have been computed before the rows of a span may go. */
async function needsOf(db: Database, {spans, present}: CoverageRequest, aggregate: Table, level: number): Promise<Pick<Coverage, 'needs' | 'kept'>> {
  const points = spans.flatMap(({start, end}) => [start, end])
  const edges = await edgesOf(db, aggregate, present === null ? points : [...points, present])
  const needs: (Span | null)[] = []
  const kept: (Span | null)[] = []
  for (const {start, end} of spans) {
    const low = edges.get(start)!
    const until = edges.get(end)!.ceil
    const keeps = await keepsPartial(db, aggregate, start, low)
    kept.push(keeps ? {start, end: low.ceil} : null)
    const since = keeps ? low.ceil : smaller(low.floor, start)
    const complete = level > 1 && present !== null ? smaller(until, edges.get(present)!.floor) : until
    needs.push(since < complete ? {start: since, end: complete} : null)
  }
  return {needs, kept}
}

/**
 * A bucket that lost rows after it was computed cannot be computed again. Where drop_chunks invalidates what it drops
 * and the bucket after, it would never be clean again either, and nothing after it could ever be dropped: there it
 * counts as it is. Only at the oldest chunk, only where older rows of the aggregate show that something was dropped, and
 * only as long as nobody writes to what is left of it.
 */
async function keepsPartial(db: Database, aggregate: Table, start: bigint, {floor, ceil}: Edge): Promise<boolean> {
  const {watermark, source} = aggregate.aggregate!
  if (db.server.skipsInvalidation || floor >= start || (watermark ?? floor) < ceil) return false
  if (source!.chunks.some((chunk) => spanOf(chunk).start < start)) return false
  const [log] = await db.query<{changed: boolean}>(statement(loadSql('catalog/changed-since'), [source!.id, String(start), String(ceil)]))
  return !log!.changed && hasRows(db, {aggregate}, {start: lowest, end: floor}, false)
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
