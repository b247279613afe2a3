import {scaleLinear} from 'd3-scale'
import {area, line} from 'd3-shape'
import {diskText} from '../../reports/disk-text.js'
import type {DiskForecast, GrowthReport, StorageGrowth} from '../../reports/growth-report.js'
import {growthTable} from '../../reports/growth-table.js'
import {formatBytes} from '../../units/bytes.js'
import {bytesOr} from '../../units/cell-text.js'
import {html, notesList, reportTable, section, type Markup} from '../markup.js'
import {timeAxis} from '../time-axis.js'

const day = 86_400_000
const mostRows = 100
/** Width and height of the drawing, which the page stretches to its own. */
const [width, height] = [1000, 200]

interface Point {
  at: number
  bytes: number
}

interface Band {
  at: number
  low: number
  high: number
}

/** The recorded sizes of the database with their forecast, and the growth of each table. */
export function growthSection(report: GrowthReport): Markup {
  const database = report.storage.find(({kind}) => kind === 'database')
  const {disk} = report
  // The chart is of the database: the size of a tablespace's disk has no place in it.
  const limit = disk === null || disk.tablespace !== null ? null : disk.bytes
  const chart = database === undefined ? null : databaseChart(database, report.at, limit)
  return section(
    {id: 'growth', title: 'Growth', lead: leadOf(database, disk)},
    chart,
    report.tables.length === 0
      ? null
      : reportTable(growthTable, report.tables.slice(0, mostRows), report, {
          label: 'Growth of tables',
          columns: [
            'table',
            'total_bytes',
            'bytes_per_day',
            'bytes_per_month',
            'bytes_in_30_days',
            'bytes_in_90_days',
            'trend',
          ],
          cells: {trend: (_, text) => html`<span aria-hidden="true" class="spark">${text}</span>`},
        }),
    notesList(report.notes),
  )
}

function leadOf(database: StorageGrowth | undefined, disk: DiskForecast | null): string {
  const full = disk === null ? '' : ` ${diskText(disk)}`
  if (database === undefined || database.bytesPerDay === null)
    return `Sizes by day, recorded by the job snapshot.${full}`
  const forecast = database.forecast?.find(({days}) => days === 90)
  const ahead =
    forecast === undefined
      ? ''
      : `; in 90 days ${formatBytes(forecast.bytes)}, between ${formatBytes(forecast.low)} and ` +
        `${formatBytes(forecast.high)}`
  return (
    `The database has ${bytesOr(database.totalBytes)} and grows by ${formatBytes(database.bytesPerDay)} per ` +
    `day${ahead}.${full}`
  )
}

/**
 * A line of the recorded sizes and a band of two standard errors around the forecast; null with less than two sizes.
 * @param limit size of the disk, in bytes; null if it is not known
 */
function databaseChart(
  {points, forecast, name}: StorageGrowth,
  reportedAt: string,
  limit: number | null,
): Markup | null {
  const known = points.flatMap((point): Point[] =>
    point.totalBytes === null ? [] : [{at: Date.parse(`${point.day}T00:00:00Z`), bytes: point.totalBytes}],
  )
  const last = known.at(-1)
  if (last === undefined || known.length < 2) return null
  const band: Band[] = [
    {at: last.at, low: last.bytes, high: last.bytes},
    ...(forecast ?? []).map(({days, low, high}) => ({at: Date.parse(reportedAt) + days * day, low, high})),
  ]
  const largest = Math.max(...known.map(({bytes}) => bytes), ...band.map(({high}) => high))
  // A disk that is far larger would press the growth into the bottom of the chart.
  const drawnLimit = limit !== null && limit <= 3 * largest ? limit : null
  const most = Math.max(largest, drawnLimit ?? 0)
  const {position: x, ticks} = timeAxis(known[0]!.at, band.at(-1)!.at, width)
  // Round numbers of kB, MB, GB, not of bytes.
  const unit = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(1, most)) / Math.log(1024)))
  const scale = scaleLinear([0, most / unit], [height, 0]).nice(4)
  const y = (bytes: number) => scale(bytes / unit)
  const sizes = line<Point>(
    (point) => x(point.at),
    (point) => y(point.bytes),
  ).digits(1)(known)
  const range = area<Band>(
    (one) => x(one.at),
    (one) => y(one.low),
    (one) => y(one.high),
  ).digits(1)(band)
  return html`<svg class="chart" width="100%" height="220" role="img" aria-label="Size of the database ${name} by day, from ${formatBytes(known[0]!.bytes)} to ${formatBytes(last.bytes)}, with a forecast">
${scale.ticks(4).map((tick) => gridLine(4 + (88 * scale(tick)) / height, formatBytes(tick * unit)))}
${drawnLimit === null ? null : limitLine(4 + (88 * y(drawnLimit)) / height, drawnLimit)}
<svg x="0" y="4%" width="100%" height="88%" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none"><path class="band" d="${range}"/><path class="line" d="${sizes}" vector-effect="non-scaling-stroke"/></svg>
${ticks.map(({position, label, anchor}) => html`<text class="${anchor}" x="${((100 * position) / width).toFixed(2)}%" y="99%">${label}</text>`)}
</svg>`
}

/** @param percent of the height; the label is below the line, where the topmost one is still inside */
function gridLine(percent: number, label: string): Markup {
  const y = `${percent.toFixed(2)}%`
  return html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/><text x="2" y="${y}" dy="13">${label}</text>`
}

/** @param percent of the height */
function limitLine(percent: number, bytes: number): Markup {
  const y = `${percent.toFixed(2)}%`
  return html`<line class="limit" x1="0" x2="100%" y1="${y}" y2="${y}"/><text class="end" x="100%" y="${y}" dy="13">disk ${formatBytes(bytes)}</text>`
}
