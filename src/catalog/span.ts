import {pointWords, type TimeKind} from './time.js'
import {compareAscending} from '../units/compare.js'
import {formatInstant} from '../units/instant.js'

/** A half-open range on a table's scale: microseconds since 1970, or integers. */
export interface Span {
  start: bigint
  end: bigint
}

/** The smallest and the largest int8 mean "no bound", as in TimescaleDB's catalog. */
export const lowest = -(2n ** 63n)
export const highest = 2n ** 63n - 1n

/** The span of a range; null means no bound. */
export function spanOf({start, end}: {start: bigint | null; end: bigint | null}): Span {
  return {start: start ?? lowest, end: end ?? highest}
}

/** The same points in as few spans as possible, in order, without empty spans. */
export function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const span of spans.filter(({start, end}) => start < end).sort((a, b) => compareAscending(a.start, b.start))) {
    const last = merged.at(-1)
    if (last === undefined || span.start > last.end) merged.push({...span})
    else if (span.end > last.end) last.end = span.end
  }
  return merged
}

/** The points that are in both. */
export function intersect(some: readonly Span[], others: readonly Span[]): Span[] {
  const left = merge(some)
  const right = merge(others)
  const common: Span[] = []
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [a, b] = [left[i]!, right[j]!]
    const start = a.start > b.start ? a.start : b.start
    const end = a.end < b.end ? a.end : b.end
    if (start < end) common.push({start, end})
    if (a.end < b.end) i += 1
    else j += 1
  }
  return common
}

/** The points of the first that are in none of the others. */
export function subtract(some: readonly Span[], others: readonly Span[]): Span[] {
  const rest: Span[] = []
  const taken = merge(others)
  let from = 0
  for (const span of merge(some)) {
    let {start} = span
    while (from < taken.length && taken[from]!.end <= start) from += 1
    for (let at = from; at < taken.length && taken[at]!.start < span.end; at += 1) {
      if (taken[at]!.start > start) rest.push({start, end: taken[at]!.start})
      start = taken[at]!.end
    }
    if (start < span.end) rest.push({start, end: span.end})
  }
  return rest
}

export function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end
}

/** Reads the server's text of an int8multirange, which it writes half-open. */
export function parseMultirange(text: string): Span[] {
  return [...text.matchAll(/\[(-?\d+),(-?\d+)\)/g)].map(([, start, end]) => ({
    start: BigInt(start!),
    end: BigInt(end!),
  }))
}

/** The text of a span in messages: `2026-01-01 to 2026-02-01 03:00 UTC`. */
export function spanWords({start, end}: Span, time: TimeKind): string {
  const sides = [
    start <= lowest ? 'the beginning' : formatInstant(pointWords(start, time)),
    end >= highest ? 'the end' : formatInstant(pointWords(end, time)),
  ]
  const zoned = (time === 'timestamptz' || time === 'uuid' || time === 'ulid') && (start > lowest || end < highest)
  return `${sides.join(' to ')}${zoned ? ' UTC' : ''}`
}

/** The range from the first to the last span as the flags --from and --to; none if a side is open. */
export function rangeFlags(spans: readonly Span[], time: TimeKind): {from?: string; to?: string} {
  const [start, end] = [spans[0]!.start, spans.at(-1)!.end]
  if (start <= lowest || end >= highest) return {}
  return {from: pointWords(start, time), to: pointWords(end, time)}
}

/** A span as part of a step's identifier: exact, but midnight is left out. */
export function spanId({start, end}: Span, time: TimeKind): string {
  const text =
    `${start <= lowest ? 'the beginning' : pointWords(start, time)} to ` +
    `${end >= highest ? 'the end' : pointWords(end, time)}`
  return text.replaceAll(/T00:00:00Z?/g, '')
}
