import type {TableClock} from '../catalog/table-clock.js'
import {formatInteger} from '../catalog/format-point.js'
import {ChunkStatus, has, type Chunk, type Table} from '../catalog/table.js'
import {highest, lowest, type Span} from '../catalog/span.js'
import type {DropFacts} from './drop.js'

/** The facts of a drop as JSON reports them. */
export function dropShown(table: Table, clock: TableClock, facts: DropFacts) {
  const point = (value: bigint | null) =>
    value === null || value <= lowest || value >= highest ? null : formatInteger(value, table, clock)
  const gap = ({start, end}: Span) => ({from: point(start), to: point(end)})
  return {
    chunks: facts.chunks.map(({chunk, rows, bytes}) => ({
      schema: table.schema,
      table: table.name,
      chunkSchema: chunk.schema,
      chunk: chunk.name,
      space: chunk.space,
      rangeStart: point(chunk.start),
      rangeEnd: point(chunk.end),
      flags: flagsOf(chunk),
      rows,
      totalBytes: bytes,
    })),
    rows: facts.rows,
    totalBytes: facts.bytes,
    aggregates: facts.coverage.map((each) => {
      const {schema, view, level, gaps} = each
      return {
        schema,
        view,
        level,
        covered: gaps.length === 0,
        filtered: facts.filters.get(each) ?? null,
        gaps: gaps.map(gap),
      }
    }),
    referenced: facts.referenced,
  }
}

function flagsOf({status}: Chunk): string[] {
  return (Object.keys(ChunkStatus) as (keyof typeof ChunkStatus)[]).filter((bit) => has(status, bit))
}
