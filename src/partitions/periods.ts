import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Day} from '../units/calendar.js'
import {toInterval, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'

export type Every = 'month' | 'day'

/** How a partition set is managed, from the configuration or the definitions. */
export interface PartitionRule {
  /** The name as written: `public.crypto_prices`. */
  relation: string
  every: Every
  /** Number of periods after the current one that must exist. */
  ahead: number
  timezone: string
  /** Periods that end before this are taken for a mistake. */
  earliest: Instant
  /** So are periods that begin later than this from now. */
  within: Duration
  /** The age for `detach` and `drop` if none is given. */
  retention: Duration | null
}

/** Periods of one set: a range of its calendar, or the current one and a number ahead. */
export interface WantedPeriods extends Omit<PartitionRule, 'ahead' | 'retention'> {
  /** Null means the current period. */
  first: Day | null
  /** Inclusive; null means `ahead` periods after the first. */
  last: Day | null
  ahead: number
}

/** One period of a set, and the state of the relation with its name. */
export interface Period {
  /** Index of the entry in the request, from 0. */
  index: number
  schema: string
  table: string
  partition: string
  /** The bounds as text of the key's type. */
  lowerText: string
  upperText: string
  from: Instant
  to: Instant
  fromEpoch: number
  toEpoch: number
  sane: boolean
  /** The default partition has a constraint that a killed run left. */
  guarded: boolean
  /** A partition of the set is pending detach. */
  detaching: boolean
  /** `taken`: another relation has the name; `other`: a partition with other bounds has it. */
  state: 'present' | 'missing' | 'taken' | 'other' | 'pending'
}

interface PeriodRow extends Omit<Period, 'index' | 'lowerText' | 'upperText' | 'fromEpoch' | 'toEpoch'> {
  position: number
  lower_text: string
  upper_text: string
  from_epoch: number
  to_epoch: number
}

/** Reads the periods of all sets in one query. A relation that is not partitioned by one time column has none. */
export async function readPeriods(db: Database, wanted: readonly WantedPeriods[]): Promise<Period[]> {
  const rows = await db.query<PeriodRow>(
    statement(loadSql('partitions/periods'), [
      wanted.map(({relation}) => relation),
      wanted.map(({every}) => every),
      wanted.map(({timezone}) => timezone),
      wanted.map(({first}) => first) as string[],
      wanted.map(({last}) => last) as string[],
      wanted.map(({ahead}) => ahead),
      wanted.map(({earliest}) => earliest),
      wanted.map(({within}) => toInterval(within)),
    ]),
  )
  return rows.map(
    ({position, lower_text: lowerText, upper_text: upperText, from_epoch: fromEpoch, to_epoch: toEpoch, ...rest}) => ({
      ...rest,
      index: position - 1,
      lowerText,
      upperText,
      fromEpoch,
      toEpoch,
    }),
  )
}

/** The name of a period in texts: `2024-01`, `2024-01-31`. */
export function periodName({partition}: Period): string {
  const [, year, month, day] = /_y(\d+)m(\d\d)(?:d(\d\d))?$/.exec(partition) ?? []
  return [year?.padStart(4, '0'), month, day].filter(Boolean).join('-')
}
