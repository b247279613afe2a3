import type {Database} from '../../db/database.js'
import {sql} from '../../db/sql.js'
import {OpsError, usageError} from '../../errors.js'
import type {Plan} from '../../run/step.js'
import {microsOf} from '../../catalog/time.js'
import {addDays, endOfMonth, type CalendarBound, type Day} from '../../units/calendar.js'
import {durationInWords} from '../../units/duration.js'
import {formatEpochMicros} from '../../units/instant.js'
import {approximateDays, type Every} from '../../units/period.js'
import {readChildren, type Child} from '../children.js'
import {planPeriods, type PeriodPlan} from './plan-periods.js'
import {readPeriods, type PartitionRule, type Period} from '../periods.js'
import {changeableSets, type PartitionSet} from '../sets.js'
import {command} from '../../units/command.js'

/** More partitions than this in one run are taken for a mistake: a hundred years of months, 50 days of hours. */
export const mostPeriods = 1_200

export interface CreateRequest {
  rule: Omit<PartitionRule, 'every' | 'ahead' | 'retention'>
  /** Null means as long as the existing partitions. */
  every: Every | null
  from: CalendarBound
  to: CalendarBound
}

/**
 * Plans the partitions of a range of the table's calendar, of each set that carries its time. Existing partitions are
 * not changed.
 * @throws OpsError EMPTY_RANGE, TOO_MANY, OUT_OF_RANGE, PARTITION_CONFLICT, and the errors of {@link changeableSets}
 */
export async function planCreate(db: Database, request: CreateRequest): Promise<Plan> {
  const {rule} = request
  const sets = await changeableSets(db, rule.relation, {...rule, every: 'month', ahead: 0, retention: null})
  const children = await readChildren(db, sets, false)
  const every = request.every ?? everyOf(rule.relation, children)
  const {first, last} = await localRange(db, request, every)
  const asked = sets.map(({relation}) => ({...rule, relation, every, first, last, ahead: 0}))
  const periods = await readPeriods(db, asked)
  for (const set of sets)
    if (!periods.some(({schema, table}) => schema === set.schema && table === set.table)) throw notStored(set, every)
  refuseOutside(rule, periods)
  const plans: PeriodPlan[] = []
  for (const [index, set] of sets.entries()) {
    const own = children.filter(({parent}) => parent === set.relation)
    const wanted = periods.filter((period) => period.index === index)
    plans.push(await planPeriods(db, {set, children: own, periods: wanted, fill: 'whole', timezone: rule.timezone}))
  }
  const conflicts = plans.flatMap(({findings}) => findings).filter(({kind}) => kind === 'conflict' || kind === 'stray')
  if (conflicts.length > 0)
    throw usageError('PARTITION_CONFLICT', conflicts.map(({message}) => message).join('\n'), [
      `Nothing was changed. The partitions: ${command('partitions list')}`,
    ])
  return {
    operation: `partitions create ${rule.relation}`,
    summary: `create partitions of ${rule.relation}, ${periods[0]!.partition} to ${periods.at(-1)!.partition}`,
    cutoff: null,
    tables: sets.map(({relation}) => relation),
    locks: [],
    steps: plans.flatMap(({steps}) => steps),
  }
}

function refuseOutside(rule: CreateRequest['rule'], periods: readonly Period[]): void {
  const wild = periods.filter(({sane}) => !sane)
  if (wild.length === 0) return
  throw usageError(
    'OUT_OF_RANGE',
    `${wild[0]!.schema}.${wild[0]!.partition}${wild.length > 1 ? ` and ${wild.length - 1} more` : ''} would be ` +
      `before ${rule.earliest} or more than ${durationInWords(rule.within)} ahead.`,
    [`To allow it, set tables.${rule.relation}.partitions.earliest and .within in the configuration.`],
  )
}

/** The error for a range whose bounds the key cannot store: hours in a date, a time before 1970 in a UUIDv7. */
export function notStored({relation, column, type}: PartitionSet, every: Every): OpsError {
  return usageError(
    'PARTITION_KEY',
    `${relation} is partitioned by ${column} (${type}), which cannot hold the bounds of these partitions (every: ` +
      `${every}).`,
    ['A date has whole days; an integer, a UUIDv7 and a ULID have a first and a last instant.'],
  )
}

/** Lengths in days by which the partitions of a set are recognised. A day with a clock change has 23 or 25 hours. */
const lengths: readonly [Every, low: number, high: number][] = [
  ['month', 27.9, 31.1],
  ['day', 0.9, 1.1],
  ['hour', 0.041, 0.042],
  ['week', 6.9, 7.1],
  ['quarter', 89.9, 92.1],
  ['year', 364.9, 366.1],
]

/** The length of a partition that covers so many days; null if no period does. */
export function everyOfDays(days: number): Every | null {
  return lengths.find(([, low, high]) => days > low && days < high)?.[0] ?? null
}

/** The length of the existing partitions; months if there are none. @throws OpsError NO_PERIOD */
export function everyOf(relation: string, children: readonly Child[]): Every {
  const found = children
    .map(({fromEpoch, toEpoch}) => ((toEpoch ?? Number.NaN) - (fromEpoch ?? Number.NaN)) / 86_400)
    .filter(Number.isFinite)
  const every = lengths.find(([, low, high]) => found.every((days) => days > low && days < high))
  if (every !== undefined) return every[0]
  throw usageError('NO_PERIOD', `The partitions of ${relation} have no common length.`, [
    'Give the length of the new partitions: --every month, --every 6h.',
  ])
}

/** The first and the last local time of a request, inclusive. */
async function localRange(
  db: Database,
  {rule, from, to}: CreateRequest,
  every: Every,
): Promise<{first: string; last: string}> {
  const first = from.unit === 'instant' ? await localTime(db, from.instant, rule.timezone) : from.day
  const end = to.unit === 'month' ? addDays(endOfMonth(to.day), 1) : null
  const until = to.unit === 'instant' ? await localTime(db, to.instant, rule.timezone) : (end ?? (to as {day: Day}).day)
  const [start, stop] = [microsOfLocal(first), microsOfLocal(until)]
  if (start >= stop)
    throw usageError('EMPTY_RANGE', `--from ${words(from)} is not before --to ${words(to)}.`, [
      'The range is half-open: --to 2024-02-01 ends with January. Whole months are included: --from 2024-01 --to ' +
        '2024-12.',
    ])
  const count = Math.ceil(Number((stop - start) / 1_000_000n) / 86_400 / approximateDays(every)) + 1
  if (count > mostPeriods)
    throw usageError(
      'TOO_MANY',
      `${first} to ${until} needs about ${count} partitions; one run creates at most ${mostPeriods}.`,
      ['Give a shorter range. A query without a condition on time reads every partition.'],
    )
  return {first, last: formatEpochMicros(stop - 1n).replace('Z', '')}
}

function microsOfLocal(local: string): bigint {
  return microsOf(local.includes('T') ? `${local}Z` : `${local}T00:00:00Z`)
}

/** The local time of an instant, as text. */
export async function localTime(db: Database, instant: string, zone: string): Promise<string> {
  const [row] = await db.query<{local: string}>(
    sql`select to_char(${instant}::timestamptz at time zone ${zone}, 'YYYY-MM-DD"T"HH24:MI:SS.US') as local`,
  )
  if (!row) throw new OpsError('FAILED', 'The server returned no local time.')
  return row.local
}

function words(bound: CalendarBound): string {
  if (bound.unit === 'instant') return bound.instant
  return bound.unit === 'month' ? bound.day.slice(0, 7) : bound.day
}
