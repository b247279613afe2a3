import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Day} from '../units/calendar.js'
import {toInterval, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'

export type Every = 'month' | 'day'

/** How a partition set is looked after: what the configuration says, or the definitions. */
export interface PartitionRule {
  /** As written: `public.crypto_prices`. */
  relation: string
  every: Every
  /** Periods after the one of now that are always there. */
  ahead: number
  timezone: string
  /** Periods that end before this are no sane time for these rows. */
  earliest: Instant
  /** Nor are those that begin later than this from now. */
  within: Duration
  /** What `detach` and `drop` go by where no age is given. */
  retention: Duration | null
}

/** Periods of one set: a range of its calendar, or now and so many ahead. */
export interface WantedPeriods extends Omit<PartitionRule, 'ahead' | 'retention'> {
  /** Null: the period of now. */
  first: Day | null
  /** Inclusive; null: `ahead` periods after the first. */
  last: Day | null
  ahead: number
}

/** One period of a set, and the relation under its name. */
export interface Period {
  /** Which of the wanted it belongs to, from 0. */
  index: number
  schema: string
  table: string
  partition: string
  /** The bounds as the key's type writes them. */
  lowerText: string
  upperText: string
  from: Instant
  to: Instant
  fromEpoch: number
  toEpoch: number
  sane: boolean
  /** The set's default partition carries a constraint that a killed run left. */
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

/** One question for all sets. A relation that is no fit set gives no period. */
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

/** The words for a range of periods: `2024-01 to 2024-03`. */
export function periodName({partition}: Period): string {
  const [, year, month, day] = /_y(\d+)m(\d\d)(?:d(\d\d))?$/.exec(partition) ?? []
  return [year?.padStart(4, '0'), month, day].filter(Boolean).join('-')
}
