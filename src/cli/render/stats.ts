import {shortName} from '../../db/qualified-name.js'
import type {CompressionReport, TableCompression} from '../../reports/compression.js'
import type {QueriesReport, QueryStats} from '../../reports/queries.js'
import type {StatsReport, TableStats} from '../../reports/stats.js'
import {closing, renderTable, wrap, type Column, type TableStyle} from './table.js'
import {ageOr, bytesOr, dash, formatInstant, formatElapsed, percentOr, plural, ratioOr} from './words.js'
import {command} from '../../units/command.js'

/** One line a table, the sum, then what to do next. */
export function renderStats(report: StatsReport, style: TableStyle): string {
  const {tables, at} = report
  if (tables.length === 0)
    return [
      'There is no hypertable, no aggregate and no partitioned table in this database.',
      ...notes(report, style),
      `To see some: ${command('demo')}`,
    ].join('\n')
  // Where nothing is managed a mark on every line says nothing.
  const marks = tables.some(({managed}) => managed)
  const size = (row: TableStats) => bytesOr(row.totalBytes, {exact: '', estimated: '~', mixed: '>'}[row.sizeBasis])
  const columns: Column<TableStats>[] = [
    {
      head: 'TABLE',
      cell: (row) =>
        row.table === '' ? 'TOTAL' : `${shortName(row.schema, row.table)}${row.managed || !marks ? '' : ' *'}`,
      shrink: 12,
    },
    {head: 'SIZE', cell: size, right: true},
    {head: 'IN/DAY', cell: (row) => bytesOr(row.bytesPerDay, row.sizeBasis === 'estimated' ? '~' : ''), right: true},
    {head: 'CHUNKS', cell: ({chunks}) => String(chunks), right: true},
    {
      head: 'AVG CHUNK',
      cell: (row) =>
        row.totalBytes === null || row.chunks - row.skippedChunks <= 0
          ? dash
          : bytesOr(row.totalBytes / (row.chunks - row.skippedChunks)),
      right: true,
      wide: true,
    },
    {head: 'COMPR', cell: ({compressedChunks}) => String(compressedChunks), right: true},
    {head: 'BEFORE', cell: ({beforeBytes}) => bytesOr(beforeBytes), right: true, wide: true},
    {head: 'AFTER', cell: ({afterBytes}) => bytesOr(afterBytes), right: true, wide: true},
    {head: 'SAVED', cell: ({savedPercent}) => percentOr(savedPercent), right: true},
    {head: 'OLDEST', cell: (row) => (row.table === '' ? '' : ageIfKnown(row.oldest, at)), right: true, wide: true},
    {head: 'NEWEST', cell: (row) => (row.table === '' ? '' : ageIfKnown(row.newest, at)), right: true},
    {head: 'NEXT DROP', cell: (row) => (row.table === '' ? '' : nextDrop(row, at)), right: true, wide: true},
    {head: 'POLICIES', cell: policies},
  ]
  const table = renderTable(columns, tables, {
    style,
    mark: ({late}) => (late ?? 0) > 0,
    total: tables.length > 1 ? totalOf(tables) : null,
  })
  const late = tables.some((row) => (row.late ?? 0) > 0)
  const footer = [
    ...(marks && tables.some(({managed}) => !managed) ? ['* not in the config, never touched.'] : []),
    tables.some(({sizeBasis}) => sizeBasis === 'estimated')
      ? 'Sizes estimated (~).'
      : tables.some(({sizeBasis}) => sizeBasis === 'mixed')
        ? 'Sizes exact; > without the chunks left out.'
        : 'Sizes exact.',
    late
      ? `Why late: ${command('policies status')}`
      : tables.some(({compressedChunks}) => compressedChunks > 0)
        ? `More: ${command('stats compression')}`
        : `More: ${command('stats chunks')}`,
  ]
  return [table, ...notes(report, style), closing(footer, style.width)].join('\n')
}

/** An integer of unknown unit is wide and says little here; JSON has it. */
function ageIfKnown(value: TableStats['newest'], at: string): string {
  return typeof value === 'string' && /Z( BC)?$/.test(value) ? ageOr(value, at) : dash
}

function nextDrop({nextDrop: next}: TableStats, at: string): string {
  if (next === null) return dash
  const age = ageOr(next, at)
  return age.startsWith('in ') ? age : 'now'
}

function policies(row: TableStats): string {
  if (row.late !== null && row.late > 0) return `${row.late} late`
  if (row.table === '') return ''
  return row.policies === 0 ? 'none' : row.late === null ? 'unknown' : 'ok'
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
    sizeBasis: tables.some(({sizeBasis}) => sizeBasis === 'estimated')
      ? 'estimated'
      : tables.some(({sizeBasis}) => sizeBasis === 'mixed')
        ? 'mixed'
        : 'exact',
    skippedChunks: sum(tables, ({skippedChunks}) => skippedChunks) ?? 0,
    beforeBytes: before,
    afterBytes: after,
    ratio: null,
    savedPercent: before === null || after === null ? null : (100 * (before - after)) / before,
    bytesPerDay: sum(tables, ({bytesPerDay}) => bytesPerDay),
    oldest: null,
    newest: null,
    policies: sum(tables, (row) => row.policies) ?? 0,
    late: sum(tables, ({late}) => late),
    nextDrop: null,
  }
}

/** What compression did and could still do. */
export function renderCompression(report: CompressionReport, style: TableStyle): string {
  const {tables} = report
  if (tables.length === 0) return ['No table has compression switched on.', ...notes(report, style)].join('\n')
  const columns: Column<TableCompression>[] = [
    {head: 'TABLE', cell: (row) => (row.table === '' ? 'TOTAL' : shortName(row.schema, row.table)), shrink: 12},
    {head: 'DONE/DUE', cell: doneOfDue, right: true},
    {
      head: 'NOT DUE',
      cell: ({chunks, dueChunks}) => (dueChunks === null ? dash : String(chunks - dueChunks)),
      right: true,
      wide: true,
    },
    {head: 'AGE', cell: (row) => (row.table === '' ? '' : (row.after ?? dash)), right: true, wide: true},
    {head: 'BEFORE', cell: ({beforeBytes}) => bytesOr(beforeBytes), right: true},
    {head: 'AFTER', cell: ({afterBytes}) => bytesOr(afterBytes), right: true},
    {head: 'RATIO', cell: ({ratio}) => ratioOr(ratio), right: true},
    {head: 'SAVED', cell: ({savedPercent}) => percentOr(savedPercent), right: true},
    {head: 'LIVE NOW', cell: ({liveBytes}) => bytesOr(liveBytes), right: true},
    {head: 'TO GAIN', cell: ({toGainBytes}) => bytesOr(toGainBytes === 0 ? null : toGainBytes), right: true},
    {
      head: 'SEGMENT BY',
      cell: (row) => (row.table === '' ? '' : (row.segmentBy?.join(', ') ?? dash)),
      wide: true,
      shrink: 12,
    },
    {
      head: 'ORDER BY',
      cell: (row) => (row.table === '' ? '' : (row.orderBy?.join(', ') ?? dash)),
      wide: true,
      shrink: 12,
    },
    {
      head: 'OLD SETTINGS',
      cell: ({oldSettingsChunks}) => (oldSettingsChunks === null ? dash : String(oldSettingsChunks)),
      right: true,
      wide: true,
    },
  ]
  const table = renderTable(columns, tables, {
    style,
    mark: ({late}) => late === true,
    total: tables.length > 1 ? totalCompression(tables) : null,
  })
  const [worst] = tables
    .filter(({notDoneChunks}) => (notDoneChunks ?? 0) > 0)
    .sort((a, b) => Number(b.late) - Number(a.late) || b.notDoneChunks! - a.notDoneChunks!)
  const byHand = tables.filter(({after}) => after === null)
  return [
    table,
    ...notes(report, style),
    ...(byHand.length === 0
      ? []
      : [
          wrap(
            `No policy compresses ${byHand.map((row) => shortName(row.schema, row.table)).join(', ')}: nothing is due there.`,
            style.width,
          ),
        ]),
    wrap('BEFORE, AFTER: recorded at compression. LIVE NOW: the same chunks today.', style.width),
    ...(worst === undefined
      ? []
      : [`Not done: ${command('stats chunks', [shortName(worst.schema, worst.table)], {late: true})}`]),
  ].join('\n')
}

function doneOfDue({compressedChunks, dueChunks, notDoneChunks}: TableCompression): string {
  return dueChunks === null || notDoneChunks === null
    ? `${compressedChunks}/-`
    : `${dueChunks - notDoneChunks}/${dueChunks}`
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
    dueChunks: sum(tables, ({dueChunks}) => dueChunks),
    notDoneChunks: sum(tables, ({notDoneChunks}) => notDoneChunks),
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

/** Statements by the time they took in all. */
export function renderQueries(report: QueriesReport, style: TableStyle): string {
  const columns: Column<QueryStats>[] = [
    {head: 'TOTAL', cell: ({totalMs}) => formatElapsed(totalMs), right: true},
    {head: 'MEAN', cell: ({meanMs}) => formatElapsed(meanMs), right: true},
    {head: 'CALLS', cell: ({calls}) => String(calls), right: true},
    {head: 'ROWS', cell: ({rows}) => String(rows), right: true},
    {
      head: 'SHARE',
      cell: ({sharePercent}) => (sharePercent === null ? '-' : `${sharePercent.toFixed(1)}%`),
      right: true,
      drop: 1,
    },
    {head: 'QUERY', cell: queryText, shrink: 20},
  ]
  if (report.queries.length === 0) return [...notes(report, style), 'No statement to show.'].join('\n')
  const nested = report.queries.some(({topLevel}) => topLevel === false)
  const since = report.countedSince === null ? '' : `, counted since ${formatInstant(report.countedSince)}`
  return [
    renderTable(columns, report.queries, {style}),
    ...(nested ? [wrap('> ran inside of another statement, whose time contains it.', style.width)] : []),
    ...notes(report, style),
    wrap(`${plural(report.queries.length, 'statement')}, by total time${since}. The whole texts: --json`, style.width),
  ].join('\n')
}

function queryText({query, queryId, topLevel}: QueryStats): string {
  const text =
    query?.replace(/\s+/g, ' ').trim() ?? (queryId === null ? '(texts of other roles)' : `(query ${queryId})`)
  return topLevel === false ? `> ${text}` : text
}

function notes({notes: lines}: {notes: readonly string[]}, style: TableStyle): string[] {
  return lines.map((line) => wrap(`- ${line}`, style.width))
}

/** Of what is known; null where nothing is. */
function sum<Row>(rows: readonly Row[], of: (row: Row) => number | null): number | null {
  const known = rows.map(of).filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0)
}
