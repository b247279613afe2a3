import {subtract, highest, lowest, type Span} from '../catalog/span.js'
import {boundEnds, boundText, endOf, type TimeKey} from '../catalog/time-key.js'
import {instantOf} from '../catalog/time.js'
import {literal, raw, type Fragment} from '../db/sql.js'
import type {Instant} from '../units/instant.js'

/**
 * A half-open range of a time key. `start` and `end` are microseconds since 1970, {@link lowest} and {@link highest}
 * without a bound. The texts are the bounds themselves, or MINVALUE and MAXVALUE: a bound that another tool wrote may
 * be finer than a microsecond, so a neighbour has to repeat its text.
 */
export interface KeyRange extends Span {
  lowerText: string
  upperText: string
}

/** The range of a bound as pg_get_expr prints it; null if it is not a range of times. */
export function rangeOfBound(key: TimeKey, bound: string): KeyRange | null {
  const ends = boundEnds(bound)
  if (ends === null) return null
  const [start, end] = [endOf(key, ends[0]), endOf(key, ends[1])]
  return start === null || end === null ? null : {start, end, lowerText: ends[0], upperText: ends[1]}
}

/** The range between two instants. @throws RangeError if the key cannot store them */
export function rangeBetween(key: TimeKey, {start, end}: Span): KeyRange {
  return {start, end, lowerText: boundText(key, start), upperText: boundText(key, end)}
}

/** What no neighbour covers of a range, in order; each part begins and ends exactly where a neighbour does. */
export function uncoveredParts(range: KeyRange, neighbours: readonly KeyRange[]): KeyRange[] {
  const near = neighbours.filter(({start, end}) => start <= range.end && end >= range.start)
  return subtract([range], near).map(({start, end}) => ({
    start,
    end,
    lowerText: near.find((other) => other.end === start)?.upperText ?? range.lowerText,
    upperText: near.find((other) => other.start === end)?.lowerText ?? range.upperText,
  }))
}

export function sameRange(a: Span, b: Span): boolean {
  return a.start === b.start && a.end === b.end
}

/** The start and the end as instants; null if open, or if PostgreSQL has no such timestamp. */
export function instantsOf({start, end}: Span): {from: Instant | null; to: Instant | null} {
  return {from: instantOf(start), to: instantOf(end)}
}

/** Seconds since 1970; infinite without a bound. */
export function epochsOf({start, end}: Span): {fromEpoch: number; toEpoch: number} {
  return {fromEpoch: epochOf(start), toEpoch: epochOf(end)}
}

function epochOf(micros: bigint): number {
  if (micros === lowest) return -Infinity
  return micros === highest ? Infinity : Number(micros) / 1e6
}

/** The bounds of a partition as pg_get_expr prints them: without quotes only where the number is an int4. */
export function printedBound(key: TimeKey, {lowerText, upperText}: KeyRange): string {
  const [lower, upper] = [lowerText, upperText].map((text) =>
    key.type === 'integer' && /^\d/.test(text) ? text : boundSql(text).text,
  )
  return `FOR VALUES FROM (${lower}) TO (${upper})`
}

/** A bound as SQL writes it. */
export function boundSql(text: string): Fragment {
  return text === 'MINVALUE' || text === 'MAXVALUE' ? raw(text) : literal(text)
}
