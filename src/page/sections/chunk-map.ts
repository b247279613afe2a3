import {shortName} from '../../db/qualified-name.js'
import {
  chunkMap,
  chunkStates,
  mapNotes,
  stateWords,
  type Cell,
  type ChunkMap,
  type MapRow,
} from '../../reports/chunk-map.js'
import type {ChunksReport} from '../../reports/chunks.js'
import {bytesOr} from '../../units/cell-text.js'
import {formatInstant, instantFromMillis} from '../../units/instant.js'
import {plural} from '../../units/plural.js'
import {html, notesList, section, type Markup} from '../markup.js'
import {timeAxis} from '../time-axis.js'

/** Bounds the size of the page: a cell takes about 130 bytes. */
const room = {rows: 40, cells: 2_400, cellsPerRow: 240}
/** Of a row, in pixels. */
const height = 36
const leastHeight = 3

/** Tables × time: one bar for each chunk, its height by size and its colour by state. */
export function chunkMapSection(report: ChunksReport): Markup {
  const map = chunkMap(report.chunks, Date.parse(report.at), room)
  const options = {
    id: 'chunks',
    title: 'Chunks',
    lead: `${plural(report.totalChunks, 'chunk')} on one time axis (UTC).`,
  }
  if (map.from === null || map.to === null)
    return section(options, html`<p>There is no chunk with a range of time.</p>`, notesList(mapNotes(map)))
  return section(
    options,
    html`<ul class="legend">${chunkStates.map((state) => html`<li><svg width="14" height="14" aria-hidden="true"><rect class="s-${state}" width="14" height="14"/></svg> ${stateWords[state]}</li>`)}</ul>
<p class="hint">Each bar is a chunk, or several if there are too many to draw; the height is the size.
  Select a row and use the arrow keys, or point at a bar.</p>
${hatch()}<div class="map">
${map.rows.map((row) => mapRow(row, map))}
<div class="axis">${axis(map.from, map.to)}</div>
</div>`,
    notesList([...mapNotes(map), ...report.notes]),
  )
}

/** A pattern, so that partly compressed chunks differ by more than their colour. */
function hatch(): Markup {
  return html`<svg width="0" height="0" aria-hidden="true" class="defs"><defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="s-uncompressed" width="4" height="4"/><rect class="hatch" width="2" height="4"/></pattern></defs></svg>`
}

function mapRow(row: MapRow, map: ChunkMap): Markup {
  const {cells} = row
  const {position: x} = timeAxis(map.from!, map.to!, 100)
  const largest = cells.reduce((most, {bytes}) => Math.max(most, bytes ?? 0), 1)
  const name = shortName(row.schema, row.table)
  const texts = cells.map(cellWords)
  const bar = ({from, to, bytes, state}: Cell): Markup => {
    const width = Math.max(0.08, x(to) - x(from))
    const tall = Math.max(leastHeight, Math.round(((bytes ?? 0) / largest) * (height - 2)))
    return html`<rect class="s-${state}" x="${x(from).toFixed(2)}%" width="${width.toFixed(2)}%" y="${height - tall}" height="${tall}"/>`
  }
  return html`<div class="row">
<div class="name">${name}<span class="sub">${summary(row)}</span></div>
<div class="cells" role="slider" tabindex="0" aria-label="Chunks of ${name}" aria-valuemin="0" aria-valuemax="${cells.length - 1}" aria-valuenow="${cells.length - 1}" aria-valuetext="${texts.at(-1)}" data-cells="${JSON.stringify(texts)}"><svg width="100%" height="${height}" aria-hidden="true">${cells.map(bar)}</svg></div>
<output class="detail"></output>
</div>
`
}

function summary({cells, counts}: MapRow): string {
  const total = chunkStates.reduce((sum, state) => sum + counts[state], 0)
  const parts = chunkStates.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`)
  const joined = cells.length < total ? `, in ${cells.length} bars` : ''
  return `${plural(total, 'chunk')}: ${parts.join(', ')}${joined}`
}

function cellWords({from, to, chunks, bytes, state, name}: Cell): string {
  const range = `${formatInstant(instantFromMillis(from))} to ${formatInstant(instantFromMillis(to))}`
  return (
    `${name ?? plural(chunks, 'chunk')}, ${range}, ${bytesOr(bytes)}, ` +
    `${chunks > 1 && state !== 'compressed' ? `some ${state}` : state}`
  )
}

function axis(from: number, to: number): Markup {
  const {ticks} = timeAxis(from, to, 100)
  return html`<svg width="100%" height="18" aria-hidden="true">${ticks.map(({position, label, anchor}) => html`<text class="${anchor}" x="${position.toFixed(2)}%" y="13">${label}</text>`)}</svg>`
}
