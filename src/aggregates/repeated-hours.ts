import type {Database} from '../db/database.js'
import {intersect, merge, type Span} from '../catalog/span.js'
import {edgesOf} from './buckets.js'
import type {AggregateSubject} from './subject.js'

/**
 * Extends spans that begin or end in the two hours of a clock change to the buckets around them, if those can be
 * computed: the server's log would keep a part of such a window as pending, or the server would refuse it.
 */
export async function aroundClockChanges(
  db: Database,
  {aggregate}: AggregateSubject,
  spans: readonly Span[],
  computableSpans: readonly Span[],
): Promise<Span[]> {
  if (aggregate.id === null) return merge(spans)
  const edges = await edgesOf(
    db,
    aggregate,
    spans.flatMap(({start, end}) => [start, end]),
  )
  const extended = spans.map(({start, end}) => ({
    start: edges.get(start)!.around?.start ?? start,
    end: edges.get(end)!.around?.end ?? end,
  }))
  return merge([...spans, ...intersect(extended, computableSpans)])
}

/**
 * Gaps that begin or end inside an hour that a clock change repeats, if this server mixes the buckets of both hours
 * (before 2.25). Its log then has the bounds swapped, or only one of the hours, and a refresh fails or loses rows.
 */
export async function foldedOf(db: Database, {aggregate}: AggregateSubject, gaps: readonly Span[]): Promise<Span[]> {
  if (aggregate.id === null) return []
  const edges = await edgesOf(
    db,
    aggregate,
    gaps.flatMap(({start, end}) => [start, end]),
  )
  const inside = gaps.filter(({start, end}) => edges.get(start)!.folded || edges.get(end)!.folded)
  return merge(inside.map(({start, end}) => ({start: edges.get(start)!.floor, end: edges.get(end)!.ceil})))
}
