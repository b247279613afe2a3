import {shortName} from '../../db/qualified-name.js'
import type {CompressionReport, TableCompression} from '../../reports/compression.js'
import type {QueriesReport, QueryStats} from '../../reports/queries.js'
import type {StatsReport, TableStats} from '../../reports/stats.js'
import {bytesOr} from '../../units/cell-text.js'
import {command} from '../../units/command.js'
import {closingLine, legend, notes, type Around} from './shown.js'
import {formatInstant, plural} from './words.js'

/** The total, how the sizes were measured, and the next commands. */
export function aroundStats(report: StatsReport): Around<TableStats> {
  const {tables} = report
  if (tables.length === 0)
    return {
      below: [
        closingLine(['This database has no hypertables, aggregates or partitioned tables.']),
        ...notes(report.notes),
        closingLine([], [`To see some: ${command('demo')}`]),
      ],
    }
  const unmanaged = tables.some(({managed}) => managed) && tables.some(({managed}) => !managed)
  return {
    total: tables.length > 1 ? totalOf(tables) : null,
    below: [
      ...notes(report.notes),
      closingLine(
        [],
        [
          ...(unmanaged ? ['* not in the configuration, never changed.'] : []),
          sizesInWords(tables),
          nextInWords(tables),
        ],
      ),
    ],
  }
}

function sizesInWords(tables: readonly TableStats[]): string {
  if (tables.some(({sizeBasis}) => sizeBasis === 'estimated')) return 'Sizes estimated (~).'
  return tables.some(({sizeBasis}) => sizeBasis === 'mixed')
    ? 'Sizes exact; > without the skipped chunks.'
    : 'Sizes exact.'
}

function nextInWords(tables: readonly TableStats[]): string {
  if (tables.some((row) => (row.late ?? 0) > 0)) return `Why late: ${command('policies status')}`
  return tables.some(({compressedChunks}) => compressedChunks > 0)
    ? `More: ${command('stats compression')}`
    : `More: ${command('stats chunks')}`
}

function totalOf(tables: readonly TableStats[]): TableStats {
  const before = sum(tables, ({beforeBytes}) => beforeBytes)
  const after = sum(tables, ({afterBytes}) => afterBytes)
  return {
    schema: '',
    table: '',
    kind: 'hypertable',
    managed: true,
    chunks: sum(tables, ({chunks}) => chunks) ?? 0,
    compressedChunks: sum(tables, ({compressedChunks}) => compressedChunks) ?? 0,
    totalBytes: sum(tables, ({totalBytes}) => totalBytes),
    sizeBasis: basisOf(tables),
    skippedChunks: sum(tables, ({skippedChunks}) => skippedChunks) ?? 0,
    shards: null,
    nodes: null,
    beforeBytes: before,
    afterBytes: after,
    ratio: null,
    savedPercent: before === null || after === null ? null : (100 * (before - after)) / before,
    bytesPerDay: sum(tables, ({bytesPerDay}) => bytesPerDay),
    oldest: null,
    newest: null,
    policies: sumOfAll(tables, (row) => row.policies),
    late: sum(tables, ({late}) => late),
    paused: null,
    nextDrop: null,
  }
}

function basisOf(tables: readonly TableStats[]): TableStats['sizeBasis'] {
  return (['estimated', 'mixed'] as const).find((basis) => tables.some((row) => row.sizeBasis === basis)) ?? 'exact'
}

/** What compression saved and could still save: the total, tables without a policy, and where to look. */
export function aroundCompression(report: CompressionReport): Around<TableCompression> {
  const {tables} = report
  if (tables.length === 0)
    return {
      below: [
        closingLine(['No table has compression enabled.']),
        ...notes([...uncompressedNote(report), ...report.notes]),
      ],
    }
  const [worst] = tables
    .filter(({notDoneChunks}) => (notDoneChunks ?? 0) > 0)
    .sort((a, b) => Number(b.late) - Number(a.late) || b.notDoneChunks! - a.notDoneChunks!)
  const byHand = tables.filter(({after}) => after === null).map((row) => shortName(row.schema, row.table))
  return {
    total: tables.length > 1 ? totalCompression(tables) : null,
    below: [
      ...notes([...uncompressedNote(report), ...report.notes]),
      ...(byHand.length === 0 ? [] : [legend(`No policy compresses ${byHand.join(', ')}: nothing is due there.`)]),
      legend('BEFORE, AFTER: recorded at compression. LIVE NOW: the same chunks today.'),
      ...(worst === undefined
        ? []
        : [
            closingLine(
              [],
              [`Not done: ${command('stats chunks', [shortName(worst.schema, worst.table)], {late: true})}`],
            ),
          ]),
    ],
  }
}

/** Tables and aggregates without a row in the report, because their compression is disabled. */
function uncompressedNote({uncompressed}: CompressionReport): string[] {
  if (uncompressed.length === 0) return []
  const named = uncompressed
    .slice(0, 3)
    .map(({schema, table, totalBytes}) => `${shortName(schema, table)} (${bytesOr(totalBytes)})`)
  const more = uncompressed.length > named.length ? ` and ${uncompressed.length - named.length} more` : ''
  return [`Compression is off for ${named.join(', ')}${more}.`]
}

function totalCompression(tables: readonly TableCompression[]): TableCompression {
  const before = sum(tables, ({beforeBytes}) => beforeBytes)
  const after = sum(tables, ({afterBytes}) => afterBytes)
  const known = before !== null && after !== null
  return {
    schema: '',
    table: '',
    chunks: sum(tables, ({chunks}) => chunks) ?? 0,
    compressedChunks: sum(tables, ({compressedChunks}) => compressedChunks) ?? 0,
    // If the due chunks of one table are unknown, so is the total.
    dueChunks: sumOfAll(tables, ({dueChunks}) => dueChunks),
    notDoneChunks: sumOfAll(tables, ({notDoneChunks}) => notDoneChunks),
    late: null,
    beforeBytes: before,
    afterBytes: after,
    ratio: known ? before / after : null,
    savedPercent: known ? (100 * (before - after)) / before : null,
    liveBytes: sum(tables, ({liveBytes}) => liveBytes),
    toGainBytes: sum(tables, ({toGainBytes}) => toGainBytes),
    segmentBy: null,
    orderBy: null,
    oldSettingsChunks: sum(tables, ({oldSettingsChunks}) => oldSettingsChunks),
    after: null,
  }
}

/** When counting started, and the meaning of the mark. */
export function aroundQueries(report: QueriesReport): Around<QueryStats> {
  if (report.queries.length === 0) return {below: [...notes(report.notes), closingLine(['No statements to show.'])]}
  const nested = report.queries.some(({topLevel}) => topLevel === false)
  const since = report.countedSince === null ? '' : `, counted since ${formatInstant(report.countedSince)}`
  return {
    below: [
      ...(nested ? [legend('> ran inside another statement, whose time includes it.')] : []),
      ...notes(report.notes),
      legend(`${plural(report.queries.length, 'statement')}, by total time${since}. Full texts: --csv`),
    ],
  }
}

/** Sum of the known values; null if none is known. */
function sum<Row>(rows: readonly Row[], of: (row: Row) => number | null): number | null {
  const known = rows.map(of).filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0)
}

/** Null if any value is unknown. */
function sumOfAll<Row>(rows: readonly Row[], of: (row: Row) => number | null): number | null {
  return rows.some((row) => of(row) === null) ? null : sum(rows, of)
}
