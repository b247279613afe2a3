import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {OpsError, usageError} from '../errors.js'
import type {Plan} from '../run/step.js'
import {addDays, daysBetween, endOfMonth, type CalendarBound, type Day} from '../units/calendar.js'
import {durationInWords} from '../units/duration.js'
import {readChildren} from './children.js'
import {planPeriods} from './plan-periods.js'
import {readPeriods, type Every, type PartitionRule} from './periods.js'
import {changeableSet} from './sets.js'
import {command} from '../units/command.js'

/** More partitions than this in one run are taken for a mistake: a hundred years of months, three years of days. */
const mostPeriods = 1_200

export interface CreateRequest {
  rule: Omit<PartitionRule, 'every' | 'ahead' | 'retention'>
  /** Null means as long as the existing partitions. */
  every: Every | null
  from: CalendarBound
  to: CalendarBound
}

/**
 * Plans the partitions of a range of the table's calendar. Existing partitions are not changed.
 * @throws OpsError EMPTY_RANGE, TOO_MANY, OUT_OF_RANGE, PARTITION_CONFLICT, and the errors of {@link changeableSet}
 */
export async function planCreate(db: Database, request: CreateRequest): Promise<Plan> {
  const {rule} = request
  const set = await changeableSet(db, rule.relation)
  const every = request.every ?? (await everyOf(db, set.relation))
  const first = await firstDay(db, request.from, rule.timezone)
  const last = await lastDay(db, request.to, rule.timezone)
  if (daysBetween(first, last) < 0)
    throw usageError('EMPTY_RANGE', `--from ${words(request.from)} is not before --to ${words(request.to)}.`, [
      'The range is half-open: --to 2024-02-01 ends with January. Whole months are included: --from 2024-01 --to 2024-12.',
    ])
  const count = every === 'day' ? daysBetween(first, last) + 1 : Math.ceil(daysBetween(first, last) / 30.4) + 1
  if (count > mostPeriods)
    throw usageError(
      'TOO_MANY',
      `${first} to ${last} needs about ${count} partitions; one run creates at most ${mostPeriods}.`,
      ['Give a shorter range. A query without a condition on time reads every partition.'],
    )
  const periods = await readPeriods(db, [{...rule, relation: set.relation, every, first, last, ahead: 0}])
  const wild = periods.filter(({sane}) => !sane)
  if (wild.length > 0)
    throw usageError(
      'OUT_OF_RANGE',
      `${wild[0]!.schema}.${wild[0]!.partition}${wild.length > 1 ? ` and ${wild.length - 1} more` : ''} would be before ${rule.earliest} or more than ${durationInWords(rule.within)} ahead.`,
      [`To allow it, set tables.${rule.relation}.partitions.earliest and .within in the configuration.`],
    )
  const {steps, findings} = await planPeriods(db, set, periods, {within: false})
  const conflicts = findings.filter(({kind}) => kind === 'conflict' || kind === 'stray')
  if (conflicts.length > 0)
    throw usageError('PARTITION_CONFLICT', conflicts.map(({message}) => message).join('\n'), [
      `Nothing was changed. The partitions: ${command('partitions list')}`,
    ])
  const range = `${periods[0]?.partition ?? first} to ${periods.at(-1)?.partition ?? last}`
  return {
    operation: `partitions create ${set.relation}`,
    summary: `create partitions of ${set.relation}, ${range}`,
    cutoff: null,
    tables: [set.relation],
    locks: [],
    steps,
  }
}

/** The length of the existing partitions; months if there are none. @throws OpsError NO_PERIOD */
export async function everyOf(db: Database, relation: string): Promise<Every> {
  const lengths = (await readChildren(db, [relation], false))
    .map(({fromEpoch, toEpoch}) => ((toEpoch ?? Number.NaN) - (fromEpoch ?? Number.NaN)) / 86_400)
    .filter(Number.isFinite)
  // A day with a clock change has 23 or 25 hours.
  const all = (test: (days: number) => boolean) => lengths.length > 0 && lengths.every(test)
  if (lengths.length === 0 || all((days) => days > 27.9 && days < 31.1)) return 'month'
  if (all((days) => days > 0.9 && days < 1.1)) return 'day'
  throw usageError('NO_PERIOD', `The partitions of ${relation} are neither all months nor all days.`, [
    'Give the length of the new partitions: --every month or --every day.',
  ])
}

async function firstDay(db: Database, bound: CalendarBound, zone: string): Promise<Day> {
  return bound.unit === 'instant' ? localDay(db, bound.instant, zone, '0') : bound.day
}

async function lastDay(db: Database, bound: CalendarBound, zone: string): Promise<Day> {
  if (bound.unit === 'instant') return localDay(db, bound.instant, zone, '1 microsecond')
  return bound.unit === 'month' ? endOfMonth(bound.day) : addDays(bound.day, -1)
}

async function localDay(db: Database, instant: string, zone: string, before: string): Promise<Day> {
  const [row] = await db.query<{day: string}>(
    sql`select to_char((${instant}::timestamptz - ${before}::interval) at time zone ${zone}, 'YYYY-MM-DD') as day`,
  )
  if (!row) throw new OpsError('FAILED', 'The server returned no local day.')
  return row.day
}

function words(bound: CalendarBound): string {
  if (bound.unit === 'instant') return bound.instant
  return bound.unit === 'month' ? bound.day.slice(0, 7) : bound.day
}
