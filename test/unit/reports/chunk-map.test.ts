import fc from 'fast-check'
import {expect, it} from 'vitest'
import {chunkMap, chunkStates} from '../../../src/reports/chunk-map.js'
import type {ChunkStats} from '../../../src/reports/chunks.js'
import {hourlyChunk, reportedAt} from '../../helpers/report-document.js'

const at = Date.parse(reportedAt)
const room = {rows: 40, cells: 2_400, cellsPerRow: 240}
const anyChunk: fc.Arbitrary<ChunkStats> = fc
  .record({
    table: fc.constantFrom('a', 'b', 'c'),
    index: fc.integer({min: -200_000, max: 200_000}),
    totalBytes: fc.option(fc.nat()),
    late: fc.constantFrom(true, false, null),
    flags: fc.constantFrom<ChunkStats['flags']>([], ['compressed'], ['partial'], ['compressed', 'unordered']),
    rangeUnit: fc.constantFrom<ChunkStats['rangeUnit']>('time', 'time', 'time', 'ms'),
  })
  .map(({table, index, ...fields}) => hourlyChunk(table, index, fields))

it('every chunk is in one cell or counted as not shown, and cells of a row do not overlap', () => {
  fc.assert(
    fc.property(fc.array(anyChunk, {maxLength: 400}), (chunks) => {
      const {rows, unplaced, from, to} = chunkMap(chunks, at, room)
      const inCells = rows.flatMap(({cells}) => cells).reduce((sum, cell) => sum + cell.chunks, 0)
      expect(inCells + unplaced).toBe(chunks.length)
      for (const {cells, counts} of rows) {
        expect(cells.reduce((sum, cell) => sum + cell.chunks, 0)).toBe(
          chunkStates.reduce((sum, state) => sum + counts[state], 0),
        )
        for (const [index, cell] of cells.entries()) {
          expect(cell.from).toBeLessThan(cell.to)
          expect(cell.from).toBeGreaterThanOrEqual(cells[index - 1]?.to ?? from!)
          expect(cell.to).toBeLessThanOrEqual(to!)
          expect(cell.name === null).toBe(cell.chunks > 1)
        }
        const worst = Math.max(...cells.map(({state}) => chunkStates.indexOf(state)))
        expect(chunkStates.findLast((state) => counts[state] > 0)).toBe(chunkStates[worst])
      }
    }),
  )
})

it('the number of cells is limited, and the sizes of chunks that share one are added', () => {
  const chunks = ['a', 'b', 'c'].flatMap((table) =>
    Array.from({length: 20_000}, (_, index) => hourlyChunk(table, index)),
  )
  const {rows} = chunkMap(chunks, at, room)
  for (const {cells} of rows) {
    expect(cells.length).toBeLessThanOrEqual(241)
    expect(cells.length).toBeGreaterThan(200)
    const bytes = cells.reduce((sum, cell) => sum + cell.bytes!, 0)
    expect(bytes).toBe(chunks.slice(0, 20_000).reduce((sum, {totalBytes}) => sum + totalBytes!, 0))
  }
})

it('a size is unknown if one of the chunks has none', () => {
  const chunks = [hourlyChunk('a', 1, {space: '1/2'}), hourlyChunk('a', 1, {space: '2/2', totalBytes: null})]
  expect(chunkMap(chunks, at, room).rows[0]!.cells).toMatchObject([{chunks: 2, bytes: null, name: null}])
})
