import type {Database} from '../db/database.js'
import {calendarSql} from '../catalog/calendar-sql.js'
import {statement} from '../db/sql.js'
import {endOf, timeKeyOf, type KeyDeclaration, type TimeKey} from '../catalog/time-key.js'
import type {Span} from '../catalog/span.js'
import {instantOf} from '../catalog/time.js'
import {toInterval, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {gridOf, type Every} from '../units/period.js'
import type {Stages} from './retain/stages.js'
import {epochsOf, rangeBetween, rangeOfBound, sameRange, type KeyRange} from './key-range.js'

/** How a partition set is managed, from the configuration or the definitions. */
export interface PartitionRule extends KeyDeclaration {
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
  /** The stages of its retention; absent if it has none. */
  stages?: Stages | null
}

/** Periods of one table: a range of its calendar, or the current one and a number ahead. */
export interface WantedPeriods extends Omit<PartitionRule, 'ahead' | 'retention' | 'stages'> {
  /** A local time in the first period, such as `2024-01-31`; null means the current one. */
  first: string | null
  /** A local time in the last period; null means `ahead` periods after the first. */
  last: string | null
  ahead: number
}

/** One period of a set, and the state of the relation with its name. */
export interface Period {
  /** Index of the entry in the request, from 0. */
  index: number
  schema: string
  table: string
  partition: string
  range: KeyRange
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

interface PeriodRow extends Pick<Period, 'schema' | 'table' | 'partition' | 'sane' | 'guarded' | 'detaching'> {
  position: number
  type: string
  /** Microseconds since 1970. */
  start: string
  stop: string
  exists: boolean
  attached: boolean
  pending: boolean
  bound: string | null
}

/**
 * Reads the periods of all sets in one query. A table that is not partitioned by a time key, and has no partitions that
 * are, has none; neither has a time that the key cannot store.
 */
export async function readPeriods(db: Database, wanted: readonly WantedPeriods[]): Promise<Period[]> {
  const grids = wanted.map(({every}) => gridOf(every))
  const rows = await db.query<PeriodRow>(
    statement(calendarSql('partitions/periods'), [
      wanted.map(({relation}) => relation),
      grids.map(({months}) => months),
      grids.map(({hours}) => hours),
      grids.map(({suffix}) => suffix),
      wanted.map(({timezone}) => timezone),
      wanted.map(({first}) => first) as string[],
      wanted.map(({last}) => last) as string[],
      wanted.map(({ahead}) => ahead),
      wanted.map(({earliest}) => earliest),
      wanted.map(({within}) => toInterval(within)),
      wanted.map(({timeUnit, keyFormat}) => String(timeUnit !== null || keyFormat !== null)),
    ]),
  )
  return rows.flatMap((row) => periodOf(row, wanted[row.position - 1]!))
}

function periodOf(row: PeriodRow, declared: KeyDeclaration): Period[] {
  const {schema, table, partition, sane, guarded, detaching, bound} = row
  // The collation of a text key is judged with the set: where it does not fit, no period is created.
  const found = timeKeyOf({column: '', type: row.type, bytewise: true}, declared)
  if (!('key' in found)) return []
  const range = rangeIfStored(found.key, {start: BigInt(row.start), end: BigInt(row.stop)})
  if (range === null) return []
  const [from, to] = [instantOf(range.start), instantOf(range.end)]
  if (from === null || to === null) return []
  const state = stateOf(row, bound === null ? null : rangeOfBound(found.key, bound), range)
  const index = row.position - 1
  return [{schema, table, partition, sane, guarded, detaching, index, range, from, to, ...epochsOf(range), state}]
}

/** Null if the key cannot store exactly these bounds: hours in a date, times before 1970 in a UUIDv7. */
function rangeIfStored(key: TimeKey, span: Span): KeyRange | null {
  try {
    const range = rangeBetween(key, span)
    return endOf(key, range.lowerText) === span.start && endOf(key, range.upperText) === span.end ? range : null
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function stateOf({exists, attached, pending}: PeriodRow, found: KeyRange | null, wanted: KeyRange): Period['state'] {
  if (!exists) return 'missing'
  if (!attached) return 'taken'
  if (pending) return 'pending'
  return found !== null && sameRange(found, wanted) ? 'present' : 'other'
}

/** The name of a period in texts: `2024-01`, `2024-01-31`, `2024-01-31 06h`, `2024-W05`, `2024-Q1`, `2024`. */
export function periodName({partition}: Pick<Period, 'partition'>): string {
  const [, year, rest = ''] = /_y(\d+)((?:w\d\d)|(?:q\d)|(?:m\d\d(?:d\d\d(?:h\d{2,4})?)?))?$/.exec(partition) ?? []
  if (year === undefined) return partition
  const parts = rest.replace(/^w/, '-W').replace(/^q/, '-Q').replace(/^m/, '-').replace('d', '-')
  return `${year.padStart(4, '0')}${parts.replace(/h(\d+)$/, ' $1h')}`
}
