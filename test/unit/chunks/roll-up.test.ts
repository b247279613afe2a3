import fc from 'fast-check'
import {expect, it} from 'vitest'
import {newChunk, type Chunk} from '../../../src/catalog/table.js'
import {rollUpOrder} from '../../../src/chunks/roll-up.js'

const chunkOf = (start: number, length: number, space: string | null = null, compressed = false): Chunk =>
  newChunk({
    ...{relation: start, schema: 's', name: `${space}-${start}`, space},
    ...{start: BigInt(start), end: BigInt(start + length), status: compressed ? 1 : 0},
  })

const order = (all: readonly Chunk[], interval: bigint | null) => {
  const isCompressed = ({status}: Chunk) => status === 1
  const todo = new Set(all.filter((chunk) => !isCompressed(chunk)))
  return [...rollUpOrder(all, todo, interval, isCompressed)].map(([chunk, before]) => [chunk.name, before.name])
}

const hours = [0, 1, 2, 3, 4].map((start) => chunkOf(start, 1))

it('orders the chunks of each group that fits the interval, and not the groups', () => {
  expect(order(hours, 2n)).toEqual([
    ['null-1', 'null-0'],
    ['null-3', 'null-2'],
  ])
})

it('orders none if the table does not merge, or if the interval is that of a chunk', () => {
  expect(order(hours, null)).toEqual([])
  expect(order(hours, 1n)).toEqual([])
})

it('begins a new group after a gap and in another slice', () => {
  const chunks = [chunkOf(0, 1, '1/2'), chunkOf(2, 1, '1/2'), chunkOf(3, 1, '2/2'), chunkOf(4, 1, '2/2')]
  expect(order(chunks, 10n)).toEqual([['2/2-4', '2/2-3']])
})

it('counts compressed neighbours as part of the group', () => {
  // 0 to 2 is compressed: 2 fits in with it, 3 does not and begins the next group.
  const chunks = [chunkOf(0, 2, null, true), ...[2, 3, 4].map((start) => chunkOf(start, 1))]
  expect(order(chunks, 3n)).toEqual([['null-4', 'null-3']])
})

it('two chunks that would be merged are never without an order, whatever the sizes', () => {
  const lengths = fc.array(fc.record({gap: fc.nat(1), length: fc.integer({min: 1, max: 4}), compressed: fc.boolean()}))
  fc.assert(
    fc.property(lengths, fc.integer({min: 1, max: 12}), (sizes, interval) => {
      let at = 0
      const all = sizes.map(({gap, length, compressed}) => {
        const chunk = chunkOf(at + gap, length, null, compressed)
        at += gap + length
        return chunk
      })
      const before = rollUpOrder(all, new Set(all.filter(({status}) => status === 0)), BigInt(interval), () => true)
      // What TimescaleDB does with the chunks one after the other: the chunk with which each one becomes one.
      let merged: {start: bigint; end: bigint; last: Chunk | null} | null = null
      for (const chunk of all) {
        const joins: boolean =
          merged !== null && merged.end === chunk.start && chunk.end! - merged.start <= BigInt(interval)
        if (chunk.status === 0) expect(before.get(chunk) ?? null).toBe(joins ? merged!.last : null)
        const last: Chunk | null = joins ? merged!.last : null
        merged = {
          start: joins ? merged!.start : chunk.start!,
          end: chunk.end!,
          last: chunk.status === 0 ? chunk : last,
        }
      }
    }),
  )
})
