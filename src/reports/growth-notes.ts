import {formatQualifiedName} from '../db/qualified-name.js'
import {addDays, type Day} from '../units/calendar-day.js'
import {command} from '../units/command.js'
import type {StorageSeries} from './disk-forecast.js'
import type {TableGrowth} from './growth-report.js'
import {fewestDays} from './growth-series.js'
import {formatNames} from './notes.js'

export interface GrowthFacts {
  day: Day
  /** Whether this role may not read the recorded sizes. */
  closed: boolean
  /** Whether nothing is recorded. */
  empty: boolean
}

const fromChunks =
  '* is the size written per day according to the chunks, before compression and without retention, ' +
  'because less than seven days of sizes are recorded.'

/** Why growth is not known by recorded sizes, from when on it will be, and the next command. */
export function growthNotes(
  tables: readonly TableGrowth[],
  storage: readonly StorageSeries[],
  {day, closed, empty}: GrowthFacts,
): string[] {
  const chunks = tables.some(({basis}) => basis === 'chunks') ? [fromChunks] : []
  if (closed)
    return [
      'This role may not read the recorded sizes. ' +
        'GRANT USAGE ON SCHEMA qicore and SELECT ON qicore.size_snapshot, or run sql/roles.sql.',
      ...chunks,
    ]
  const next = `The daemon records them every day. To record them now: ${command('jobs run', ['snapshot'])}`
  if (empty) return [`No sizes were recorded in the last 90 days. ${next}`, ...chunks]
  const newest = [...storage.map(({series}) => lastDay(series.points, day)), ...tables.map((table) => table.lastDay)]
    .filter((each) => each !== null)
    .sort()
    .at(-1)
  const stale = newest !== undefined && newest < addDays(day, -1)
  return [
    ...(stale ? [`The newest recorded sizes are from ${newest}. ${next}`] : []),
    ...waiting(tables, storage, newest ?? day),
    ...chunks,
  ]
}

/** One note for each day on which the growth of some objects will be known. */
function waiting(tables: readonly TableGrowth[], storage: readonly StorageSeries[], newest: Day): string[] {
  const waiters = [
    ...tables.map(({schema, table, days}) => ({name: formatQualifiedName(schema, table), days})),
    ...storage
      .filter(({size}) => size.bytes !== null)
      .map(({size, series}) => ({name: `${size.kind} ${size.name}`, days: series.days})),
  ].filter(({days}) => days < fewestDays)
  return [...new Set(waiters.map(({days}) => days))]
    .sort((a, b) => b - a)
    .map((days) => {
      const names = waiters.filter((each) => each.days === days).map(({name}) => name)
      const known = addDays(newest, fewestDays - days)
      return (
        `${formatNames(names)}: sizes of ${days} days are recorded, and growth needs ${fewestDays}. ` +
        `It will be known on ${known} if the daemon records sizes every day.`
      )
    })
}

function lastDay(points: StorageSeries['series']['points'], day: Day): Day | null {
  const last = points.findLast(([, bytes]) => bytes !== null)
  return last === undefined ? null : addDays(day, last[0])
}
