import {timeKeyOf, type KeyDeclaration, type TimeKey} from '../catalog/time-key.js'
import type {Database} from '../db/database.js'
import {calendarSql} from '../catalog/calendar-sql.js'
import {statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import {rangeBetween} from '../partitions/key-range.js'
import {suffixedName} from '../partitions/create/partition-name.js'
import {gridOf, type Every} from '../units/period.js'
import type {ColumnFacts} from './inventory.js'

/** The calendar of the new set. */
export interface AdoptPeriods {
  every: Every
  zone: string
  /** Periods after the current one. */
  ahead: number
}

/** A partition of the new set; bounds are half-open, as text of the key's type. */
export interface AdoptPeriod {
  partition: string
  lower: string
  upper: string
}

/** Oldest and newest key, in microseconds since 1970; null without rows. */
export interface KeyEnds {
  oldest: bigint | null
  newest: bigint | null
}

/** The time key of a column; null if it is none. */
export function timeKeyOfColumn(
  {name, bareType, bytewise}: ColumnFacts,
  declared: KeyDeclaration | null,
): TimeKey | null {
  const found = timeKeyOf({column: name, type: bareType, bytewise}, declared)
  return 'key' in found ? found.key : null
}

/**
 * The periods that hold all rows, and those ahead of now, oldest first.
 * @throws OpsError PERIOD if the key cannot store the bounds of these periods
 */
export async function readAdoptPeriods(
  db: Database,
  table: string,
  key: TimeKey,
  {every, zone, ahead}: AdoptPeriods,
  {oldest, newest}: KeyEnds,
): Promise<AdoptPeriod[]> {
  const {months, hours, suffix} = gridOf(every)
  const local = key.kind === 'timestamp' || key.kind === 'date'
  const text = (micros: bigint | null) => (micros === null ? null : String(micros))
  const rows = await db.query<{suffix: string; start: string; stop: string}>(
    statement(calendarSql('adopt/periods'), [months, hours, suffix, zone, local, text(oldest), text(newest), ahead]),
  )
  try {
    return rows.map(({suffix: end, start, stop}) => {
      const {lowerText, upperText} = rangeBetween(key, {start: BigInt(start), end: BigInt(stop)})
      if (lowerText === upperText) throw new RangeError(`${key.type} cannot tell ${start} from ${stop}`)
      return {partition: suffixedName(table, end), lower: lowerText, upper: upperText}
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw usageError('PERIOD', `A key of type ${key.type} cannot store the bounds of partitions by ${every}.`)
  }
}
