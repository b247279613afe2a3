import {addDays} from '../units/calendar-day.js'
import {bytesOr, dash} from '../units/cell-text.js'
import type {Column, ReportTable} from '../units/report-table.js'
import {sparkline} from '../units/sparkline.js'
import type {Growth, GrowthReport, StorageGrowth, TableGrowth} from './growth-report.js'
import {nameColumns} from './name-columns.js'

/** Days that TREND shows. */
const trendDays = 30

const marks = {exact: '', estimated: '~', mixed: '>'} as const

export const growthTable: ReportTable<TableGrowth, GrowthReport> = {
  columns: [
    ...nameColumns<TableGrowth>({shrink: 12}),
    {id: 'kind', heading: 'KIND', type: 'text', show: 'data', value: (row) => row.kind},
    {
      id: 'total_bytes',
      heading: 'SIZE',
      type: 'bytes',
      value: (row) => row.totalBytes,
      text: (row) => bytesOr(row.totalBytes, marks[row.sizeBasis]),
    },
    {id: 'size_basis', heading: 'SIZE BASIS', type: 'text', show: 'data', value: (row) => row.sizeBasis},
    ...growthColumns<TableGrowth>(),
  ],
}

export const storageTable: ReportTable<StorageGrowth, GrowthReport> = {
  columns: [
    {id: 'kind', heading: 'KIND', type: 'text', value: (row) => row.kind},
    {id: 'name', heading: 'NAME', type: 'name', value: (row) => row.name, shrink: 12},
    {id: 'total_bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.totalBytes},
    ...growthColumns<StorageGrowth>(),
  ],
}

function growthColumns<Row extends Growth>(): Column<Row, GrowthReport>[] {
  return [
    {id: 'basis', heading: 'BASIS', type: 'text', show: 'data', value: (row) => row.basis},
    {id: 'days', heading: 'DAYS', type: 'count', show: 'room', value: (row) => row.days, priority: 4},
    {id: 'first_day', heading: 'FIRST DAY', type: 'text', show: 'data', value: (row) => row.firstDay},
    {id: 'last_day', heading: 'LAST DAY', type: 'text', show: 'data', value: (row) => row.lastDay},
    {
      id: 'bytes_per_day',
      heading: 'PER DAY',
      type: 'bytes',
      value: (row) => row.bytesPerDay,
      text: (row) => `${signed(row.bytesPerDay)}${row.basis === 'chunks' ? '*' : ''}`,
    },
    {
      id: 'bytes_per_week',
      heading: 'PER WEEK',
      type: 'bytes',
      show: 'room',
      value: (row) => row.bytesPerWeek,
      text: (row) => signed(row.bytesPerWeek),
      priority: 3,
    },
    {
      id: 'bytes_per_month',
      heading: 'PER MONTH',
      type: 'bytes',
      show: 'room',
      value: (row) => row.bytesPerMonth,
      text: (row) => signed(row.bytesPerMonth),
      priority: 2,
    },
    ...forecastColumns<Row>(30, 2),
    ...forecastColumns<Row>(90, 1),
    {
      id: 'trend',
      heading: 'TREND',
      type: 'note',
      // The newest days of all rows are below each other, also where a history is short.
      align: 'right',
      show: 'people',
      value: trendOf,
      shrink: 10,
      keep: 'end',
      priority: 3,
    },
  ]
}

function forecastColumns<Row extends Growth>(days: number, priority: number): Column<Row, GrowthReport>[] {
  const forecastOf = (row: Row) => row.forecast?.find((each) => each.days === days) ?? null
  return [
    {
      id: `bytes_in_${days}_days`,
      heading: `IN ${days} D`,
      type: 'bytes',
      value: (row) => forecastOf(row)?.bytes ?? null,
      priority,
    },
    {
      id: `low_in_${days}_days`,
      heading: `LOW ${days} D`,
      type: 'bytes',
      show: 'data',
      value: (row) => forecastOf(row)?.low ?? null,
    },
    {
      id: `high_in_${days}_days`,
      heading: `HIGH ${days} D`,
      type: 'bytes',
      show: 'data',
      value: (row) => forecastOf(row)?.high ?? null,
    },
  ]
}

/** The last days up to the newest size, a day without a size as a space. */
function trendOf({points, lastDay}: Growth): string | null {
  if (lastDay === null) return null
  const sizes = new Map(points.map(({day, totalBytes}) => [day, totalBytes]))
  const days = Array.from({length: trendDays}, (_, index) => addDays(lastDay, index + 1 - trendDays))
  return sparkline(days.map((day) => sizes.get(day) ?? null)).trimStart()
}

/** Net growth has a sign: it may be negative. */
export function signed(bytes: number | null): string {
  if (bytes === null) return dash
  return bytesOr(bytes, bytes > 0 ? '+' : '')
}
