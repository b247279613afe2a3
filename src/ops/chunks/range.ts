import {usageError} from '../../errors.js'
import type {Clock} from '../../reports/clocks.js'
import {addInterval} from '../../reports/interval.js'
import {keyOf, type Table} from '../../reports/table.js'
import {fromMicros, instantOf, microsOf, toMicros} from '../../reports/time.js'
import type {Instant} from '../../units/instant.js'
import type {OlderThan} from '../../units/range.js'
import {highest, lowest, type Span} from '../aggregates/spans.js'

/** What an operator says, or a policy over integers, which counts in them. */
export type Age = OlderThan | {count: bigint}

/** An absolute cut-off: on the table's scale, and as an instant where that can be said. */
export interface Cutoff {
  point: bigint
  instant: Instant | null
}

/** @throws OpsError NO_CLOCK where nobody knows what an integer is */
export function cutoffOf(table: Table, clock: Clock, olderThan: Age): Cutoff {
  if ('before' in olderThan) return {point: pointOf(table, clock, olderThan.before), instant: olderThan.before}
  if ('count' in olderThan && clock.now !== null) {
    const point = clock.now - olderThan.count
    return {point, instant: clock.unit === null ? null : instantOf(toMicros(point, clock.unit))}
  }
  if (clock.now === null || 'count' in olderThan || (table.time === 'integer' && clock.unit === null)) throw noClock(table)
  const now = table.time === 'integer' ? toMicros(clock.now, clock.unit!) : clock.now
  const cut = addInterval(now, olderThan.age, -1)
  return {point: table.time === 'integer' ? fromMicros(cut, clock.unit!) : cut, instant: instantOf(cut)}
}

/** A half-open range of instants on the table's scale; null: open on that side. */
export function spanBetween(table: Table, clock: Clock, from: Instant | null, to: Instant | null): Span {
  return {start: from === null ? lowest : pointOf(table, clock, from), end: to === null ? highest : pointOf(table, clock, to)}
}

function pointOf(table: Table, clock: Clock, at: Instant): bigint {
  if (table.time !== 'integer') return microsOf(at)
  if (clock.unit === null) throw noClock(table)
  return fromMicros(microsOf(at), clock.unit)
}

function noClock(table: Table) {
  return usageError('NO_CLOCK', `${keyOf(table)} is on ${table.time === 'integer' ? 'integers' : 'a time that cannot be read'}, and nobody says what one is.`, [
    `Declare tables."${keyOf(table)}".timeUnit (s, ms, us or ns) in the configuration, or give it an integer_now function.`,
  ])
}
