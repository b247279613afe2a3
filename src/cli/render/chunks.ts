import {formatQualifiedName, shortName} from '../../db/qualified-name.js'
import type {ChunksReport, ChunkStats} from '../../reports/chunks.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import {closing, renderTable, wrap, type Column, type TableStyle} from './table.js'
import {ageOr, bytesOr, dash, formatAge, formatInstant, fromHead, plural, ratioOr} from './words.js'
import {command} from '../../units/command.js'

const shown = 20
const unitSeconds = {s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9} as const

/** Newest first, twenty at most: who wants them all has --json. */
export function renderChunks(
  report: ChunksReport,
  style: TableStyle,
  {late, fast}: {late: boolean; fast: boolean},
): string {
  const {chunks, at, totalChunks} = report
  const notes = report.notes.map((line) => wrap(`- ${line}`, style.width))
  if (chunks.length === 0)
    return [...notes, late ? `None of the ${totalChunks} chunks is overdue.` : 'There are no chunks.'].join('\n')
  const several = new Set(chunks.map(({schema, table}) => formatQualifiedName(schema, table))).size > 1
  const columns: Column<ChunkStats>[] = [
    ...(several ? [{head: 'TABLE', cell: ({schema, table}: ChunkStats) => shortName(schema, table), shrink: 10}] : []),
    {head: 'CHUNK', cell: chunkName, shrink: 16},
    {
      head: fromHead(chunks.map(({rangeStart}) => rangeStart)),
      cell: ({rangeStart, rangeUnit}) => edge(rangeStart, rangeUnit),
      shrink: 13,
    },
    {head: 'TO', cell: ({rangeEnd, rangeUnit}) => edge(rangeEnd, rangeUnit), wide: true},
    {head: 'SPAN', cell: span, drop: 1},
    ...(chunks.some(({space}) => space !== null)
      ? [{head: 'SPACE', cell: ({space}: ChunkStats) => space ?? dash}]
      : []),
    {head: 'STATUS', cell: status},
    {head: 'SIZE', cell: ({totalBytes}) => bytesOr(totalBytes, fast ? '~' : ''), right: true},
    {head: 'INDEX', cell: ({indexBytes}) => bytesOr(indexBytes, fast ? '~' : ''), right: true, wide: true},
    {head: 'BEFORE', cell: ({beforeBytes}) => bytesOr(beforeBytes), right: true, drop: 2},
    {head: 'RATIO', cell: ({ratio}) => ratioOr(ratio), right: true, wide: true},
    {
      head: 'DUE SINCE',
      cell: ({due, dueSince}) => (due === false ? dash : dueSince === null ? 'unknown' : ageOr(dueSince, at)),
      right: true,
    },
    {head: 'WHY', cell: ({why}) => why ?? '', wide: true, shrink: 16},
  ]
  const listed = chunks.slice(0, shown)
  const rest = chunks.length - listed.length
  return [
    renderTable(columns, listed, {style, mark: (chunk) => chunk.late === true}),
    ...(rest > 0 ? [` … and ${rest} more (--json and --csv have them all)`] : []),
    ...notes,
    closing(verdict(report, late), style.width),
  ].join('\n')
}

function verdict({chunks, totalChunks}: ChunksReport, late: boolean): string[] {
  const due = chunks.filter((chunk) => chunk.due)
  const unknown = chunks.filter((chunk) => chunk.due === null)
  const count = late
    ? `${chunks.length} of ${plural(totalChunks, 'chunk')}.`
    : `${plural(totalChunks, 'chunk')}, ${unknown.length === chunks.length ? 'due: unknown' : `${due.length} overdue`}${unknown.length > 0 && unknown.length < chunks.length ? `, ${unknown.length} unknown` : ''}.`
  const compress = due.find(({duePolicy}) => duePolicy === 'compression')
  if (compress !== undefined)
    return [
      count,
      `Fix: ${command('chunks compress', [shortName(compress.schema, compress.table)], {'dry-run': true})}`,
    ]
  const drop = due.at(-1)
  return drop === undefined
    ? [count]
    : [count, `Look: ${command('chunks drop', [shortName(drop.schema, drop.table)], {'dry-run': true})}`]
}

/** TimescaleDB's own schema goes without saying, and so does that of the table. */
function chunkName({schema, chunkSchema, chunk}: ChunkStats): string {
  return chunkSchema === '_timescaledb_internal' || chunkSchema === schema
    ? shortName('public', chunk)
    : formatQualifiedName(chunkSchema, chunk)
}

function edge(value: ChunkStats['rangeStart'], unit: ChunkStats['rangeUnit']): string {
  if (value === null) return dash
  if (unit === 'time') return formatInstant(value as Instant)
  const seconds = unit === null || unit === 'integer' ? null : Number(value) * unitSeconds[unit]
  if (seconds === null || Math.abs(seconds) > 8.64e12) return String(value)
  return formatInstant(new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z'))
}

function span({rangeStart, rangeEnd, rangeUnit}: ChunkStats): string {
  if (rangeStart === null || rangeEnd === null || rangeUnit === null) return dash
  if (rangeUnit === 'time') return formatAge(secondsBetween(rangeStart as Instant, rangeEnd as Instant))
  const count = BigInt(rangeEnd) - BigInt(rangeStart)
  return rangeUnit === 'integer' ? count.toString() : formatAge(Number(count) * unitSeconds[rangeUnit])
}

function status({flags}: ChunkStats): string {
  const word =
    (['tiered', 'partial', 'unordered', 'compressed'] as const).find((flag) => flags.includes(flag)) ?? 'uncompressed'
  return flags.includes('frozen') ? `${word}, frozen` : word
}
