import {spanOf} from '../catalog/span.js'
import type {Chunk} from '../catalog/table.js'
import type {DropRange} from './drop-steps.js'
import {oldestFirst} from './hypertable.js'

/** Groups chunks by time range, the oldest first. */
export function groupByRange(chunks: readonly Chunk[]): DropRange[] {
  const ranges = new Map<string, DropRange>()
  for (const chunk of oldestFirst(chunks)) {
    const span = spanOf(chunk)
    const key = `${span.start}/${span.end}`
    const range = ranges.get(key)
    if (range) range.chunks.push(chunk)
    else ranges.set(key, {span, chunks: [chunk]})
  }
  return [...ranges.values()]
}

/** The sum of a number of each chunk; null if one of them is not known. */
export function total(chunks: readonly Chunk[], of: ReadonlyMap<Chunk, number | null>): number | null {
  let sum = 0
  for (const chunk of chunks) {
    const one = of.get(chunk) ?? null
    if (one === null) return null
    sum += one
  }
  return sum
}
