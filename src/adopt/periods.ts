import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Every} from '../partitions/periods.js'

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

export interface KeyEnds {
  oldest: string | null
  newest: string | null
}

const keyTypes = new Set(['date', 'timestamp without time zone', 'timestamp with time zone'])

export function isTimeType(bareType: string): boolean {
  return keyTypes.has(bareType)
}

/** The periods that hold all rows, and those ahead of now, oldest first. */
export function readAdoptPeriods(
  db: Database,
  key: {table: string; type: string},
  {every, zone, ahead}: AdoptPeriods,
  {oldest, newest}: KeyEnds,
): Promise<AdoptPeriod[]> {
  return db.query<AdoptPeriod>(
    statement(loadSql('adopt/periods'), [key.table, key.type, every, zone, oldest, newest, ahead]),
  )
}
