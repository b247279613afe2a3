import {usageError, type OpsError} from '../errors.js'
import {ago} from '../catalog/ages.js'
import {contradictionWords, microsIn, type TableClock, type UnitContradiction} from '../catalog/table-clock.js'
import {contradictionAdvice, timeUnitAdvice} from '../catalog/time-unit-advice.js'
import {addInterval} from '../catalog/interval.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {fromMicros, instantOf, microsOf, pointWords, toMicros} from '../catalog/time.js'
import {formatInstant, instantInWords, type Instant} from '../units/instant.js'
import type {OlderThan, Point} from '../units/range.js'
import {highest, lowest, type Span} from '../catalog/span.js'

/** An age or instant that the operator gave, or the integer age of a policy on integer time. */
export type Age = OlderThan | {count: bigint}

/** An absolute cutoff: on the table's scale, as an instant (null if not known), and in words. */
export interface Cutoff {
  point: bigint
  instant: Instant | null
  words: string
}

/**
 * For a column without a time zone a given instant is taken as local time, as PostgreSQL does.
 * @throws OpsError NO_CLOCK if the table's clock, or the unit of its integers, is not known; WRONG_UNIT
 */
export function cutoffOf(table: Table, clock: TableClock, olderThan: Age): Cutoff {
  if ('before' in olderThan && typeof olderThan.before === 'bigint')
    return cutoffAt(table, clock, integerOf(table, olderThan.before, 'an age'))
  if (clock.contradiction !== undefined) throw wrongUnit(table, clock.contradiction)
  if ('before' in olderThan) return cutoffAt(table, clock, pointOf(table, clock, olderThan.before))
  if ('count' in olderThan) {
    const point = ago(clock, olderThan.count)
    if (point === null) throw noClock(table)
    return cutoffAt(table, clock, point)
  }
  const point = table.time === 'integer' ? agoInUnits(clock, olderThan.age) : ago(clock, olderThan.age)
  if (point === null) throw noClock(table)
  return cutoffAt(table, clock, point)
}

function agoInUnits({now, unit}: TableClock, age: Extract<OlderThan, {age: unknown}>['age']): bigint | null {
  return now === null || unit === null ? null : fromMicros(addInterval(toMicros(now, unit), age, -1), unit)
}

function cutoffAt(table: Table, clock: TableClock, point: bigint): Cutoff {
  const micros = microsIn(point, table, clock)
  const instant = micros === null ? null : instantOf(micros)
  if (table.time === 'timestamp' || table.time === 'date')
    return {
      point,
      instant,
      words: `${formatInstant(pointWords(point, table.time))}${clock.zoneName === undefined ? '' : ` (${clock.zoneName})`}`,
    }
  return {point, instant, words: instant === null ? String(point) : instantInWords(instant)}
}

/**
 * A half-open range of points, converted to the table's scale; null means open on that side.
 * @throws OpsError NO_CLOCK, WRONG_UNIT; INSTANT for an integer if the table's time column is not one
 */
export function spanBetween(table: Table, clock: TableClock, from: Point | null, to: Point | null): Span {
  return {
    start: from === null ? lowest : pointOf(table, clock, from),
    end: to === null ? highest : pointOf(table, clock, to),
  }
}

function pointOf(table: Table, clock: TableClock, at: Point): bigint {
  if (typeof at === 'bigint') return integerOf(table, at, 'an instant')
  if (table.time !== 'integer') return microsOf(at)
  if (clock.contradiction !== undefined) throw wrongUnit(table, clock.contradiction)
  if (clock.unit === null) throw noClock(table)
  return fromMicros(microsOf(at), clock.unit)
}

/** A given integer as a point of an integer time column; it needs no unit. */
function integerOf(table: Table, value: bigint, instead: 'an age' | 'an instant'): bigint {
  if (table.time === 'integer') return value
  const why = `The time column of ${qualifiedName(table)} is not an integer`
  if (instead === 'an instant')
    throw usageError('INSTANT', `${why}, and "${value}" is not an instant.`, [
      'Write ISO 8601, for example 2026-01-31 or 2026-01-31T12:00:00Z.',
    ])
  throw usageError('DURATION', `${why}, and "${value}" has no unit: it could be ${value} days or ${value} seconds.`, [
    'Write for example 30s, 15min, 12h, 7d, 2w, 6mon, 2y, or in words: "6 months".',
  ])
}

function noClock(table: Table): OpsError {
  const key = qualifiedName(table)
  if (table.time === 'integer')
    return usageError(
      'NO_CLOCK',
      `The time column of ${key} is an integer and its unit is not known, so ages and times cannot be converted.`,
      [timeUnitAdvice(table), 'Or give values of the time column: integers need no unit.'],
    )
  if (table.time === 'other')
    return usageError(
      'NO_CLOCK',
      `The time column of ${key} has a type that qicore-db cannot read, so ages are not known.`,
      [],
    )
  return usageError(
    'NO_CLOCK',
    `This role cannot see the time zone in which policies of ${key} run, so ages are not known.`,
    [
      `Connect as the owner of ${key}, or set the time zone of the database: alter database … set timezone = 'UTC'.`,
      'Or give an absolute time: --older-than 2026-01-31.',
    ],
  )
}

function wrongUnit(table: Table, contradiction: UnitContradiction): OpsError {
  return usageError(
    'WRONG_UNIT',
    `The configuration sets timeUnit: ${contradiction.declared} for ${qualifiedName(table)}, but ` +
      `${contradictionWords(contradiction)}. Nothing was changed.`,
    [contradictionAdvice(table, contradiction)],
  )
}
