import type {Table} from '../catalog/table.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'
import {addDays, type Day} from '../units/calendar-day.js'
import type {Growth, GrowthPoint} from './growth-report.js'
import {predict, type Trend} from './trend.js'

/** The fewest days of known sizes from which growth is computed. */
export const fewestDays = 7
/** The distances of the forecasts, in days. */
export const horizons = [30, 90] as const

/** An object whose sizes are recorded. */
export interface History {
  kind: 'table' | 'database' | 'tablespace'
  schema: string
  name: string
  /** Its oid: a former object of the same name had another one. */
  relation: number
}

/** The recorded sizes of one object. */
export interface Series {
  /** Number of days with a known size. */
  days: number
  /** Null if they are less than {@link fewestDays}. */
  trend: Trend | null
  /** In order: days from the day of the report, with the size on that day; null if it is not known. */
  points: readonly (readonly [day: number, bytes: number | null])[]
}

interface HistoryRow extends History {
  days: number
  slope: number | null
  intercept: number | null
  mean_day: number | null
  sxx: number | null
  syy: number | null
  sxy: number | null
  points: [number, number | null][]
}

export interface HistoryRead {
  history: ReadonlyMap<string, HistoryRow>
  /** Whether this role may not read the recorded sizes. */
  closed: boolean
}

export const emptyHistory: HistoryRead = {history: new Map(), closed: false}

/** The recorded sizes of the last 90 days, in one statement. @param only one table instead of all */
export async function readHistory(db: Database, day: Day, only: Table | null): Promise<HistoryRead> {
  try {
    const rows = await db.query<HistoryRow>(
      statement(loadSql('reports/growth'), [day, only?.schema ?? null, only?.name ?? null]),
    )
    return {history: new Map(rows.map((row) => [identity(row), row])), closed: false}
  } catch (error) {
    const state = sqlState(error)
    if (state === SqlState.noPrivilege) return {...emptyHistory, closed: true}
    // The schema is older than core.1.16.0.
    if (state === SqlState.undefinedTable) return emptyHistory
    throw error
  }
}

function identity({kind, schema, name, relation}: History): string {
  return JSON.stringify([kind, schema, name, relation])
}

/** The series of an object, without the sizes of a former object of the same name. */
export function seriesOf(history: HistoryRead['history'], object: History): Series {
  const row = history.get(identity(object))
  if (row === undefined) return {days: 0, trend: null, points: []}
  return {days: row.days, trend: trendOf(row), points: row.points.sort(([a], [b]) => a - b)}
}

function trendOf({days, slope, intercept, mean_day: meanDay, sxx, syy, sxy}: HistoryRow): Trend | null {
  if (days < fewestDays || slope === null) return null
  return {days, slope, intercept: intercept!, meanDay: meanDay!, sxx: sxx!, syy: syy!, sxy: sxy!}
}

/** Net growth by the recorded sizes; all null if there are too few of them. */
export function growthOf({days, trend, points}: Series, day: Day): Growth {
  const known = points.filter(([, bytes]) => bytes !== null)
  const perDay = trend?.slope ?? null
  const times = (factor: number) => (perDay === null ? null : Math.round(perDay * factor))
  return {
    basis: trend === null ? null : 'snapshots',
    days,
    firstDay: dayOf(known.at(0), day),
    lastDay: dayOf(known.at(-1), day),
    bytesPerDay: times(1),
    bytesPerWeek: times(7),
    bytesPerMonth: times(30),
    forecast: trend === null ? null : horizons.map((ahead) => ({days: ahead, ...predict(trend, ahead)})),
    points: points.map(([at, totalBytes]): GrowthPoint => ({day: addDays(day, at), totalBytes})),
  }
}

function dayOf(point: Series['points'][number] | undefined, day: Day): Day | null {
  return point === undefined ? null : addDays(day, point[0])
}
