import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {mapLayout, renderChunkMap, type MapStyle} from '../../../src/cli/render/chunk-map.js'
import {widthOf} from '../../../src/cli/render/text.js'
import {notes} from '../../../src/cli/render/shown.js'
import {chunkMap, chunkStates, columnsOf, mapNotes, mapStates, type ChunkState} from '../../../src/reports/chunk-map.js'
import type {ChunkStats} from '../../../src/reports/chunks.js'
import {hourlyChunk, reportedAt} from '../../helpers/report-document.js'

const mapOf = (chunks: ChunkStats[]) =>
  chunkMap(chunks, Date.parse(reportedAt), {rows: 40, cells: Infinity, cellsPerRow: Infinity})

function render(chunks: ChunkStats[], style: MapStyle): string {
  const map = mapOf(chunks)
  const layout = mapLayout(map, style)
  const columns = map.rows.map((row) => columnsOf(row, map, layout.columns))
  return renderChunkMap({map, columns, states: mapStates(map), below: notes(mapNotes(map))}, layout, style)
}

const anyChunk = fc
  .record({
    table: fc.constantFrom('ticks', 'a_table_with_a_very_long_name_that_does_not_fit', '日本', 'a\u001B[31m'),
    index: fc.integer({min: 0, max: 20_000}),
    totalBytes: fc.option(fc.nat()),
    late: fc.boolean(),
    flags: fc.constantFrom<ChunkStats['flags']>([], ['compressed'], ['partial']),
    rangeUnit: fc.constantFrom<ChunkStats['rangeUnit']>('time', 'time', 'ms'),
  })
  .map(({table, index, ...fields}) => hourlyChunk(table, index, fields))

describe('the map of chunks', () => {
  it('is never wider than the terminal, and every column shows the worst state of its chunks', () => {
    const chunksOf = fc.array(anyChunk, {maxLength: 300})
    fc.assert(
      fc.property(chunksOf, fc.integer({min: 40, max: 220}), fc.boolean(), (chunks, width, color) => {
        const text = render(chunks, {width, color})
        for (const line of text.split('\n')) expect(widthOf(line), line).toBeLessThanOrEqual(width)
        if (!color) expect(text).not.toContain('\u001B')
        const map = mapOf(chunks)
        for (const {cells, counts} of map.rows) {
          const columns = columnsOf({cells}, map, width)
          const worst = (states: readonly ChunkState[]) =>
            Math.max(...states.map((state) => chunkStates.indexOf(state)))
          expect(worst(columns.flatMap((column) => (column === null ? [] : [column.state])))).toBe(
            worst(chunkStates.filter((state) => counts[state] > 0)),
          )
          const at = (instant: number) => ((instant - map.from!) / (map.to! - map.from!)) * width
          for (const cell of cells) {
            const column = columns[Math.min(width - 1, Math.floor(at(cell.from)))]!
            expect(chunkStates.indexOf(column!.state)).toBeGreaterThanOrEqual(chunkStates.indexOf(cell.state))
          }
        }
      }),
    )
  })

  it('draws size above state, and gaps where there are no chunks', () => {
    const chunks = [
      hourlyChunk('ticks', 39, {totalBytes: 100, flags: ['compressed']}),
      hourlyChunk('ticks', 30, {totalBytes: null}),
      hourlyChunk('ticks', 20, {totalBytes: 800, flags: ['partial']}),
      hourlyChunk('ticks', 0, {totalBytes: 400, late: true}),
    ]
    const [axis, sizes, states, , ...legend] = render(chunks, {width: 49, color: false}).split('\n')
    // The names take nine columns and a space, so that each chunk of an hour is in a column of its own.
    const left = 'ticks'.padEnd(9)
    expect(axis).toBe(`${' '.repeat(9)}01-30 20:00   01-31 16:00    02-01 12:00`)
    expect(sizes).toBe(`${left}▁${' '.repeat(8)}?${' '.repeat(9)}█${' '.repeat(19)}▄`)
    expect(states).toBe(`4 chunks =${' '.repeat(8)}#${' '.repeat(9)}%${' '.repeat(19)}!`)
    expect(legend.slice(0, 4).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '= 1',
      '# 1',
      '% 1',
      '! 1',
    ])
  })

  it('says so where no chunk can be placed in time', () => {
    const text = render([hourlyChunk('ticks', 1, {rangeUnit: 'ms'})], {width: 80, color: false})
    expect(text).toMatch(/- 1 chunk not shown: the range is not a time/)
  })
})
