import {scaleLinear} from 'd3-scale'
import {shortName} from '../../db/qualified-name.js'
import {compressionTable} from '../../reports/compression-table.js'
import type {CompressionReport, TableCompression} from '../../reports/compression.js'
import {statsTable} from '../../reports/stats-table.js'
import type {StatsReport} from '../../reports/stats.js'
import {formatBytes} from '../../units/bytes.js'
import {plural} from '../../units/plural.js'
import {html, notesList, reportTable, section, type Markup} from '../markup.js'

const mostRows = 200
/** Bars in the chart of savings. */
const mostBars = 12

/** Sizes, growth and age of every table. */
export function tablesSection(report: StatsReport): Markup {
  const {tables} = report
  const largest = tables.reduce((most, {totalBytes}) => Math.max(most, totalBytes ?? 0), 1)
  const x = scaleLinear([0, largest], [0, 100])
  return section(
    {id: 'tables', title: 'Tables', lead: `${plural(tables.length, 'table')}, largest first.`},
    reportTable(statsTable, tables.slice(0, mostRows), report, {
      label: 'Tables',
      columns: [
        'table',
        'total_bytes',
        'bytes_per_day',
        'chunks',
        'compressed_chunks',
        'saved_percent',
        'oldest',
        'newest',
        'next_drop',
        'late',
      ],
      tone: ({late}) => ((late ?? 0) > 0 ? 'critical' : null),
      cells: {
        total_bytes: ({totalBytes}, text) =>
          html`${text}<svg class="bar" width="100%" height="4" aria-hidden="true"><rect class="s-size" width="${x(totalBytes ?? 0).toFixed(1)}%" height="4"/></svg>`,
      },
    }),
    tables.length > mostRows ? html`<p class="hint">${tables.length - mostRows} smaller ones not shown.</p>` : null,
    notesList(report.notes),
  )
}

type Compressed = TableCompression & {beforeBytes: number; afterBytes: number}

/** What compression saved: the size before and after, as recorded at compression. */
export function savingsSection(report: CompressionReport): Markup {
  const compressed = report.tables
    .filter((table): table is Compressed => table.beforeBytes !== null && table.afterBytes !== null)
    .sort((a, b) => b.beforeBytes - b.afterBytes - (a.beforeBytes - a.afterBytes))
  const saved = compressed.reduce((sum, {beforeBytes, afterBytes}) => sum + beforeBytes - afterBytes, 0)
  const lead =
    compressed.length === 0
      ? 'No chunk has a recorded compression.'
      : `${formatBytes(saved)} saved, by the sizes recorded at compression.`
  const most = compressed.reduce((largest, {beforeBytes}) => Math.max(largest, beforeBytes), 1)
  const x = scaleLinear([0, most], [0, 100])
  const bars = compressed.slice(0, mostBars).map(
    ({schema, table, beforeBytes, afterBytes}) => html`<div class="pair">
<div class="name">${shortName(schema, table)}<span class="sub">${formatBytes(beforeBytes)} to ${formatBytes(afterBytes)}, ratio ${(beforeBytes / afterBytes).toFixed(1)}</span></div>
<svg width="100%" height="22" role="img" aria-label="${shortName(schema, table)}: ${formatBytes(beforeBytes)} before, ${formatBytes(afterBytes)} after compression"><rect class="s-before" width="${x(beforeBytes).toFixed(1)}%" height="9"/><rect class="s-compressed" y="11" width="${Math.max(0.2, x(afterBytes)).toFixed(1)}%" height="9"/></svg>
</div>
`,
  )
  return section(
    {id: 'savings', title: 'Compression', lead},
    bars.length === 0 ? null : html`<div class="pairs">${bars}</div>`,
    report.tables.length === 0
      ? null
      : reportTable(compressionTable, report.tables.slice(0, mostRows), report, {
          label: 'Compression settings and outstanding work',
          columns: [
            'table',
            'compressed_chunks',
            'due_chunks',
            'not_done_chunks',
            'ratio',
            'live_bytes',
            'to_gain_bytes',
            'segment_by',
            'order_by',
          ],
          tone: ({late}) => (late ? 'critical' : null),
        }),
    notesList(report.notes),
  )
}
