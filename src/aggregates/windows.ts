import type {Database} from '../db/database.js'
import type {Chunk} from '../catalog/table.js'
import {bucketComparisons, rowsDiffer} from './bucket-comparison.js'
import {alignmentOf, edgesOf} from './buckets.js'
import {aroundClockChanges, foldedOf} from './repeated-hours.js'
import {differsExpression, type EmulatedGaps} from './emulated-coverage.js'
import {hasRows} from './rows.js'
import {compareAscending} from '../units/compare.js'
import {highest, intersect, lowest, merge, overlaps, spanOf, subtract, type Span} from '../catalog/span.js'
import {bucketsOf, unfinishedOf, type AggregateSubject} from './subject.js'

/** Why a part of the requested range is not refreshed. */
export type LeftWhy = 'gone' | 'incomplete' | 'broken off' | 'clock set back'

/** Whole buckets to compute, and the range (`call`) to pass to the server so that it computes them. */
export interface RefreshWindow extends Span {
  call: Span
  /** Compute all of it, also what the server's invalidation log does not name. */
  force: boolean
}

export interface Windows {
  /** Oldest first; each covers about the rows of one chunk. */
  windows: RefreshWindow[]
  left: {span: Span; why: LeftWhy}[]
}

export interface WindowsRequest {
  /** Are extended to whole buckets. */
  spans: readonly Span[]
  /** Ranges to compute even if nothing is pending yet: a refresh of the source, planned before, will change them. */
  regardless?: readonly Span[]
  /** The table's clock; the bucket that contains it is not complete. */
  present: bigint
  /** Also refresh where rows of the source are gone: what was computed from them is then lost. */
  acceptLoss: boolean
  /**
   * Also refresh buckets that TimescaleDB recorded as computed but whose result differs from their rows, where its log
   * cannot be relied on. All rows of the spans are read.
   */
  compareRows: boolean
}

/**
 * The windows of an aggregate to refresh: the pending parts of some spans, in whole, complete buckets whose source rows
 * all exist. A bucket without chunks below it is refreshed only if the aggregate has no row there.
 */
export async function planWindows(db: Database, subject: AggregateSubject, request: WindowsRequest): Promise<Windows> {
  const asked = await bucketsOf(db, subject, request.spans)
  if (asked.length === 0) return {windows: [], left: []}
  const [present] = await bucketsOf(db, subject, [{start: request.present, end: request.present}])
  const complete = {start: lowest, end: present!.whole.start}
  const whole = merge(asked.map((each) => each.whole))
  const forced = merge((await bucketsOf(db, subject, request.regardless ?? [])).map((each) => each.whole))
  const pending = merge([
    ...(await widened(
      db,
      subject,
      asked.flatMap(({gaps}) => gaps),
    )),
    ...forced,
  ])
  const computableAlone = await computable(db, subject, whole, forced)
  const computableSpans = request.acceptLoss ? [{start: lowest, end: highest}] : computableAlone
  const cells = await cellsOf(db, subject, whole)
  const recorded = cutAt(intersect(intersect(subtract(whole, pending), [complete]), computableSpans), cells)
  const own = asked[0]!.own
  const differing = await differingCells(db, subject, own, recorded, request.compareRows)
  const open = await aroundClockChanges(db, subject, merge([...pending, ...differing]), computableAlone)
  const left = db.server.materializationRanges === 'left'
  const brokenOff = (await unfinished(db, subject, open)).filter(
    (span) => left || subtract([span], computableSpans).length > 0,
  )
  const folded = await foldedOf(
    db,
    subject,
    asked.flatMap(({gaps}) => gaps),
  )
  const refused = merge([...brokenOff, ...folded])
  const todo = subtract(intersect(intersect(open, computableSpans), [complete]), refused)
  const allowed = subtract(intersect(computableSpans, [complete]), refused)
  // The accepted loss is limited to the requested range; it does not include neighbouring buckets.
  const computableBeside = subtract(intersect(computableAlone, [complete]), refused)
  return {
    windows: await callable(db, subject, inCells(todo, cells, allowed), computableBeside, complete, differing),
    left: leftOf(open, computableSpans, complete, brokenOff, folded),
  }
}

/**
 * Older versions of TimescaleDB (2.22 does, 2.28 does not) reduce a window to whole buckets with the default origin,
 * and reject it if none is left. For an aggregate with another origin or offset the call therefore includes the
 * neighbouring buckets, if refreshing them loses nothing.
 */
async function callable(
  db: Database,
  subject: AggregateSubject,
  windows: readonly Span[],
  allowed: readonly Span[],
  complete: Span,
  differing: readonly Span[],
): Promise<RefreshWindow[]> {
  const {aggregate} = subject
  if (aggregate.id === null || windows.length === 0)
    return windows.map((window) => ({...window, call: window, force: false}))
  const {shifted, variable} = await alignmentOf(db, aggregate)
  const isForced = (window: Span) =>
    variable && (db.server.variableBucketsNeedForce || differing.some((span) => overlaps(span, window)))
  if (!shifted) return windows.map((window) => ({...window, call: window, force: isForced(window)}))
  const computableBeside = windows
    .flatMap(({start, end}) => [start - 1n, end + 1n])
    .filter((point) => point > lowest && point < highest)
  const edges = await edgesOf(db, aggregate, computableBeside)
  const computableAlone = async (span: Span) =>
    subtract([span], allowed).length === 0 || (span.end <= complete.end && !(await hasRows(db, subject, span)))
  const result: RefreshWindow[] = []
  for (const window of windows) {
    const before = {start: edges.get(window.start - 1n)?.floor ?? window.start, end: window.start}
    const after = {start: window.end, end: edges.get(window.end + 1n)?.ceil ?? window.end}
    const [low, high] = [
      (await computableAlone(before)) ? before.start : window.start,
      (await computableAlone(after)) ? after.end : window.end,
    ]
    result.push({...window, call: {start: low, end: high}, force: isForced(window)})
  }
  return result
}

/** Extends spans to whole buckets: the invalidation log has the times of the rows. */
async function widened(db: Database, subject: AggregateSubject, spans: readonly Span[]): Promise<Span[]> {
  return (await bucketsOf(db, subject, spans)).map(({whole}) => whole)
}

async function unfinished(db: Database, subject: AggregateSubject, open: readonly Span[]): Promise<Span[]> {
  if (open.length === 0) return []
  const all = await unfinishedOf(db, subject, {start: open[0]!.start, end: open.at(-1)!.end})
  return all.filter((span) => open.some((each) => overlaps(each, span)))
}

/**
 * Buckets that can be computed without loss: those completely over chunks (or over ranges that will be refreshed), and
 * those partly over chunks in which the aggregate has no row.
 * Between chunks and after the newest one there never were rows, unless the aggregate has rows there. Before the oldest
 * one rows may have been dropped.
 */
async function computable(
  db: Database,
  subject: AggregateSubject,
  whole: readonly Span[],
  coming: readonly Span[],
): Promise<Span[]> {
  const pieces = await bridged(db, subject, merge([...chunksOf(subject.source.chunks).map(spanOf), ...coming]), whole)
  const edges = await edgesAt(
    db,
    subject,
    pieces.flatMap(({start, end}) => [start, end]),
  )
  const result: Span[] = []
  const halves: Span[] = []
  for (const [index, {start, end}] of pieces.entries()) {
    const [low, high] = [edges.get(start)!, edges.get(end)!]
    const openEnd = index === pieces.length - 1 && !(await hasRows(db, subject, {start: high.end, end: highest}))
    result.push({start: low.end, end: openEnd ? highest : high.start})
    if (low.start < start) halves.push(low)
    if (!openEnd && high.start < end) halves.push(high)
  }
  for (const half of merge(halves).filter((span) => whole.some((each) => overlaps(each, span))))
    if (!(await hasRows(db, subject, half))) result.push(half)
  return merge(result)
}

/** The spans of chunks, joined over holes in which the aggregate has no row. */
async function bridged(
  db: Database,
  subject: AggregateSubject,
  pieces: readonly Span[],
  whole: readonly Span[],
): Promise<Span[]> {
  const holes = subtract(pieces.length === 0 ? [] : [{start: pieces[0]!.start, end: pieces.at(-1)!.end}], pieces)
  const edges = await edgesAt(
    db,
    subject,
    holes.flatMap(({start, end}) => [start, end]),
  )
  const bridges: Span[] = []
  for (const hole of holes) {
    const inside = {start: edges.get(hole.start)!.end, end: edges.get(hole.end)!.start}
    const matters = whole.some((span) => overlaps(span, hole))
    if (inside.start >= inside.end || !matters || !(await hasRows(db, subject, inside))) bridges.push(hole)
  }
  return merge([...pieces, ...bridges])
}

/** For each point, from the start of its bucket to the first start at or after the point. */
async function edgesAt(db: Database, subject: AggregateSubject, points: readonly bigint[]): Promise<Map<bigint, Span>> {
  const finite = [...new Set(points)].filter((point) => point > lowest && point < highest)
  const buckets = await bucketsOf(
    db,
    subject,
    finite.map((point) => ({start: point, end: point})),
  )
  const edges = new Map(finite.map((point, index) => [point, buckets[index]!.whole]))
  for (const end of [lowest, highest]) edges.set(end, {start: end, end})
  return edges
}

function chunksOf(chunks: readonly Chunk[]): Chunk[] {
  return chunks.filter(({start, end, tiered}) => !tiered && (start !== null || end !== null))
}

/** Points at which windows are split, so that each covers about one chunk: the first bucket after each chunk's end. */
async function cellsOf(db: Database, {aggregate, source}: AggregateSubject, whole: readonly Span[]): Promise<bigint[]> {
  const ends = new Set(chunksOf(source.chunks).map(({end}) => end ?? highest))
  const inside = [...ends].filter((end) => end < highest && whole.some((span) => span.start < end && end < span.end))
  const edges = await edgesAt(db, {aggregate, source}, inside)
  const cells = [...new Set(inside.map((end) => edges.get(end)!.end))]
  if (aggregate.id === null) return cells.sort(compareAscending)
  const around = await edgesOf(db, aggregate, cells)
  return [...new Set(cells.map((cell) => around.get(cell)!.around?.end ?? cell))].sort(compareAscending)
}

/**
 * The windows whose stored rows differ from the result of the current rows. Writes to the source of an emulated aggregate
 * are not logged, so its windows are always compared.
 */
async function differingCells(
  db: Database,
  {aggregate}: AggregateSubject,
  own: EmulatedGaps | null,
  recorded: readonly Span[],
  compareRows: boolean,
): Promise<Span[]> {
  const found: Span[] = []
  const comparisons = aggregate.id !== null && compareRows ? await bucketComparisons(db, aggregate, recorded) : []
  for (const [index, window] of recorded.entries()) {
    const differs = own === null ? (comparisons[index]?.differs ?? null) : differsExpression(own, window)
    if (differs !== null && (await rowsDiffer(db, differs)) !== false) found.push(window)
  }
  return found
}

/** One window a cell, from the first to the last range to refresh in it, within what may be refreshed. */
function inCells(todo: readonly Span[], cells: readonly bigint[], allowed: readonly Span[]): Span[] {
  const windows: Span[] = []
  for (const cell of cutAt(allowed, cells)) {
    const inside = intersect(todo, [cell])
    if (inside.length > 0) windows.push({start: inside[0]!.start, end: inside.at(-1)!.end})
  }
  return windows
}

function cutAt(spans: readonly Span[], cells: readonly bigint[]): Span[] {
  return merge(spans).flatMap(({start, end}) => {
    const cuts = [start, ...cells.filter((cut) => start < cut && cut < end), end]
    return cuts.slice(1).map((cut, index) => ({start: cuts[index]!, end: cut}))
  })
}

function leftOf(
  open: readonly Span[],
  computableSpans: readonly Span[],
  complete: Span,
  brokenOff: readonly Span[],
  folded: readonly Span[],
): Windows['left'] {
  const late = subtract(open, [complete])
  const gone = subtract(intersect(open, [complete]), computableSpans)
  const broken = intersect(intersect(open, [complete]), brokenOff)
  return [
    ...gone.map((span) => ({span, why: 'gone' as const})),
    ...broken.map((span) => ({span, why: 'broken off' as const})),
    ...intersect(intersect(open, [complete]), folded).map((span) => ({span, why: 'clock set back' as const})),
    ...late.map((span) => ({span, why: 'incomplete' as const})),
  ]
}
