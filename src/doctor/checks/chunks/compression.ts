import {plural} from '../../../units/plural.js'
import {ago} from '../../../catalog/ages.js'
import type {CatalogSnapshot} from '../../../catalog/snapshot.js'
import {has, qualifiedName, type Chunk, type Table} from '../../../catalog/table.js'
import {literal} from '../../../db/sql.js'
import {formatName} from '../../../db/qualified-name.js'
import type {Server} from '../../../db/server.js'
import {can} from '../../../engines/index.js'
import {command} from '../../../units/command.js'
import {compareAscending} from '../../../units/compare.js'
import type {Check} from '../../check.js'
import type {Finding} from '../../finding.js'
import {advice, commandFix, objectOf, sqlFix} from '../../shared.js'

/** Old enough: what is compressed by hand is compressed by then. */
const oldAge = {months: 0, days: 30, seconds: 0}
/** Usual tables reach 8 to 20; below this the settings are wrong more often than the data. */
const poorRatio = 3
/** A batch takes up to 1000 rows; with fewer than this each column is compressed a few values at a time. */
const fewRows = 100
/** The newest compressed chunks of a table tell what its settings do. */
const judgedChunks = 10

const applies = ({engine}: Server) => can(engine, 'compression')

function neverCompressed(table: Table, {clocks, policies}: CatalogSnapshot): Finding[] {
  const has30days = table.time === 'integer' ? null : ago(clocks.get(table)!, oldAge)
  if (!table.compression || has30days === null) return []
  // A policy that is late is the finding of another check.
  if (policies.some((policy) => policy.table === table && policy.kind === 'compression')) return []
  const old = table.chunks.filter(
    ({status, end, tiered}) =>
      !tiered && end !== null && end <= has30days && !has(status, 'compressed') && !has(status, 'frozen'),
  )
  if (old.length === 0) return []
  return [
    {
      severity: 'warning',
      object: objectOf(table),
      message:
        `Compression is enabled, no policy compresses, and ${plural(old.length, 'chunk')} older than 30 days ` +
        `${old.length === 1 ? 'is' : 'are'} not compressed.`,
      data: {chunks: old.length, ofChunks: table.chunks.length, olderThanDays: oldAge.days},
      fix: commandFix(command('policies set compression', [qualifiedName(table)], {after: '30d'})),
    },
  ]
}

interface BatchRow {
  relation: number
  rows: number | null
  batches: number | null
}

function newestCompressed({chunks}: Table): Chunk[] {
  return chunks
    .filter(({status, compressed, id}) => has(status, 'compressed') && compressed !== null && id !== undefined)
    .sort((a, b) => compareAscending(b.end ?? 0n, a.end ?? 0n))
    .slice(0, judgedChunks)
}

const sum = (numbers: readonly (number | null)[]) => numbers.reduce<number>((total, each) => total + (each ?? 0), 0)

/** What the settings made of the newest chunks that were compressed with them. */
function poorCompression(table: Table, chunks: readonly Chunk[], rows: ReadonlyMap<number, BatchRow>): Finding[] {
  const known = chunks.filter(({relation, beforeBytes, afterBytes}) => {
    const row = rows.get(relation)
    return row?.rows != null && row.batches != null && row.batches > 0 && beforeBytes !== null && afterBytes !== null
  })
  const before = sum(known.map(({beforeBytes}) => beforeBytes))
  const after = sum(known.map(({afterBytes}) => afterBytes))
  if (known.length === 0 || after === 0) return []
  const of = (field: 'rows' | 'batches') => sum(known.map(({relation}) => rows.get(relation)![field]))
  const measured = {
    ratio: before / after,
    rowsPerBatch: of('rows') / of('batches'),
    rowsPerChunk: of('rows') / known.length,
    chunks: known.length,
  }
  if (measured.ratio >= poorRatio) return []
  const reason = reasonOf(table, measured)
  if (reason === null) return []
  const {ratio, rowsPerBatch, rowsPerChunk} = measured
  return [
    {
      severity: 'warning',
      object: objectOf(table),
      message:
        `${effectInWords(ratio)}: ${reason.why}. Compressed chunks keep their settings until they are ` +
        'recompressed.',
      data: {
        reason: reason.code,
        ratio: Math.round(ratio * 100) / 100,
        rowsPerBatch: Math.round(rowsPerBatch),
        rowsPerChunk: Math.round(rowsPerChunk),
        chunks: known.length,
        segmentBy: table.segmentBy,
        orderBy: table.orderBy,
      },
      fix: reason.fix,
    },
  ]
}

function effectInWords(ratio: number): string {
  return ratio < 1
    ? `Compression makes chunks ${(1 / ratio).toFixed(1)} times larger`
    : `Compression makes chunks only ${ratio.toFixed(1)} times smaller`
}

interface Measured {
  rowsPerBatch: number
  rowsPerChunk: number
}

/** SQL that sets how chunks are compressed from now on: no segments, in this order. */
function settingsFix(table: Table, orderBy: readonly string[], segmentBy: readonly string[]): Finding['fix'] {
  const object = table.kind === 'aggregate' ? 'materialized view' : 'table'
  const segments = literal(segmentBy.join(', ')).text
  const order = literal(orderBy.join(', ')).text
  return sqlFix(
    `alter ${object} ${qualifiedName(table)} set (timescaledb.compress, timescaledb.compress_segmentby = ` +
      `${segments}, timescaledb.compress_orderby = ${order})`,
  )
}

/** Null where the settings are not to blame: some data does not compress. */
function reasonOf(
  table: Table,
  {rowsPerBatch, rowsPerChunk}: Measured,
): {code: string; why: string; fix: Finding['fix']} | null {
  const {segmentBy, orderBy, timeColumn} = table
  const columns = (segmentBy ?? []).map(formatName)
  if (timeColumn === null) return null
  const byTime = `${formatName(timeColumn)} desc`
  if (columns.length > 0 && rowsPerBatch < fewRows && rowsPerChunk >= fewRows)
    return {
      code: 'segment_too_fine',
      why:
        `segmentby (${columns.join(', ')}) leaves ${plural(Math.round(rowsPerBatch), 'row')} to a batch, which ` +
        'could hold 1000',
      fix: settingsFix(table, [...columns, byTime], []),
    }
  if (rowsPerChunk < fewRows)
    return {
      code: 'few_rows',
      why: `a chunk has ${plural(Math.round(rowsPerChunk), 'row')}, and a batch could hold 1000`,
      fix: advice(
        `Longer chunks hold more rows: select set_chunk_time_interval(${literal(qualifiedName(table)).text}, …); ` +
          'or do not compress this table.',
      ),
    }
  // TimescaleDB adds the time at the end where it is not named.
  const first = orderBy?.[0]?.replace(/( desc)?( nulls (first|last))?$/, '')
  if (columns.length > 0 && first !== undefined && first !== timeColumn)
    return {
      code: 'order_without_time',
      why:
        `orderby begins with ${first}, not with ${timeColumn}, so consecutive values of other columns in a batch ` +
        'differ more',
      fix: settingsFix(table, [byTime], columns),
    }
  return null
}

export const compressionChecks: readonly Check[] = [
  {
    id: 'chunks.never_compressed',
    about: 'tables',
    applies,
    passes: 'Where compression is enabled, old chunks are compressed or a policy compresses them.',
    problem: 'old chunks that nothing compresses',
    async run(context) {
      const snapshot = await context.snapshot()
      return snapshot.tables.flatMap((table) => neverCompressed(table, snapshot))
    },
  },
  {
    id: 'chunks.poor_compression',
    about: 'tables',
    applies,
    passes: 'No compression setting keeps compression from saving space.',
    problem: 'compression that saves little',
    async run(context) {
      const {tables} = await context.snapshot()
      const judged = tables.map((table) => ({table, chunks: newestCompressed(table)}))
      const all = judged.flatMap(({table, chunks}) => chunks.map((chunk) => ({chunk, root: table.relation})))
      if (all.length === 0) return []
      const rows = await context.ask<BatchRow>('compression-rows', [
        all.map(({chunk}) => chunk.id!),
        all.map(({chunk}) => chunk.relation),
        all.map(({chunk}) => chunk.compressed!),
        all.map(({root}) => root),
      ])
      const byRelation = new Map(rows.map((row) => [row.relation, row]))
      return judged.flatMap(({table, chunks}) => poorCompression(table, chunks, byRelation))
    },
  },
]
