import {formatQualifiedName, shortName} from '../../db/qualified-name.js'
import type {PartitionRow, PartitionsReport, SetReport} from '../../partitions/list.js'
import {closing, renderTable, wrap, type Column, type TableStyle} from './table.js'
import {bytesOr, dash, formatInstant, plural} from './words.js'
import {command} from '../../units/command.js'

const shown = 20

/** Every set in a line; what needs a person is marked, and said below. */
export function renderSets(report: PartitionsReport, style: TableStyle): string {
  const {tables, absent} = report
  const gone = absent.map((name) => wrap(`! ${name} is declared, and is no partitioned table here.`, style.width))
  if (tables.length === 0)
    return ['No table here is partitioned.', ...gone, ...verdict(tables, style.width, absent)].join('\n')
  const columns: Column<SetReport>[] = [
    {head: 'TABLE', cell: (set) => `${nameOf(set)}${set.managed ? '' : ' *'}`, shrink: 16},
    {head: 'EVERY', cell: ({every}) => every ?? dash, drop: 2},
    {head: 'PARTS', cell: ({partitions}) => String(partitions), right: true},
    {head: 'FROM (UTC)', cell: ({from}) => instantOr(from), drop: 1},
    {head: 'TO', cell: ({to}) => instantOr(to)},
    {head: 'AHEAD', cell: ({ahead}) => (ahead === null ? dash : `${ahead.there}/${ahead.wanted}`), right: true},
    {head: 'LEFT', cell: ({daysLeft}) => (daysLeft === null ? dash : `${daysLeft} d`), right: true},
    {head: '~ROWS', cell: ({estimatedRows}) => countOr(estimatedRows), right: true},
    {head: 'SIZE', cell: ({totalBytes}) => bytesOr(totalBytes), right: true},
    {
      head: 'KEY',
      cell: ({column, type}) => (column === null ? dash : `${column} ${short(type)}`),
      wide: true,
      shrink: 10,
    },
    {head: 'ZONE', cell: ({timezone}) => timezone ?? dash, wide: true},
    {head: 'GAPS', cell: ({gaps}) => String(gaps.length), right: true, wide: true},
    {
      head: 'IN DEFAULT',
      cell: ({defaultPartition}) => (defaultPartition === null ? dash : countOr(defaultPartition.rows)),
      right: true,
      wide: true,
    },
    {head: 'RUN BY', cell: ({managedBy}) => managedBy ?? 'nobody', wide: true},
  ]
  const foot = tables.some(({managed}) => !managed) ? ['* not declared: shown, never changed.'] : []
  return [
    renderTable(columns, tables, {style, mark: needsSomebody}),
    ...findingsOf(tables, style),
    ...gone,
    ...foot,
    ...verdict(tables, style.width, absent),
  ].join('\n')
}

/** The partitions of one set, newest first, twenty at most, with its gaps between them. */
export function renderPartitions({tables, partitions}: PartitionsReport, style: TableStyle): string {
  const gaps = new Map(tables[0]?.gaps.map((gap) => [gap.from, gap]))
  const rows: Line[] = partitions.slice(0, shown).flatMap((row) => {
    const gap = row.to === null ? undefined : gaps.get(row.to)
    return gap
      ? [{...gap, partition: '(nothing)', estimatedRows: null, totalBytes: null, mark: true, note: 'gap'}, lineOf(row)]
      : [lineOf(row)]
  })
  if (rows.length === 0)
    return ['It has no partitions.', ...findingsOf(tables, style), ...verdict(tables, style.width)].join('\n')
  const columns: Column<Line>[] = [
    {head: 'PARTITION', cell: ({partition}) => partition, shrink: 20},
    {head: 'FROM (UTC)', cell: ({from}) => instantOr(from)},
    {head: 'TO', cell: ({to}) => instantOr(to)},
    {head: '~ROWS', cell: ({estimatedRows}) => countOr(estimatedRows), right: true},
    {head: 'SIZE', cell: ({totalBytes}) => bytesOr(totalBytes), right: true},
    {head: 'NOTE', cell: ({note}) => note, shrink: 8},
  ]
  const used = rows.some(({note}) => note !== '') ? columns : columns.slice(0, -1)
  const rest = partitions.length - shown
  const more = rest > 0 ? [` … and ${rest} older (--json and --csv have them all)`] : []
  return [
    renderTable(used, rows, {style, mark: ({mark}) => mark}),
    ...more,
    ...findingsOf(tables, style),
    ...verdict(tables, style.width),
  ].join('\n')
}

interface Line extends Pick<PartitionRow, 'from' | 'to' | 'partition' | 'estimatedRows' | 'totalBytes'> {
  mark: boolean
  note: string
}

function lineOf(row: PartitionRow): Line {
  const unbounded = row.from === null && row.to === null ? row.bound.replace('FOR VALUES ', '').toLowerCase() : ''
  const name =
    row.partitionSchema === row.schema
      ? shortName('public', row.partition)
      : formatQualifiedName(row.partitionSchema, row.partition)
  return {...row, partition: name, mark: row.detachPending, note: row.detachPending ? 'pending detach' : unbounded}
}

function findingsOf(tables: readonly SetReport[], style: TableStyle): string[] {
  return tables.flatMap((set) =>
    set.findings.map(({message}) => wrap(`${set.managed ? '!' : ' '} ${nameOf(set)}: ${message}.`, style.width)),
  )
}

function verdict(tables: readonly SetReport[], width: number | null, absent: readonly string[] = []): string[] {
  const declared = tables.filter(({managed}) => managed)
  const troubled = declared.filter(needsSomebody).length + absent.length
  const total = declared.length + absent.length
  const has = (...kinds: string[]) => declared.find(({findings}) => findings.some(({kind}) => kinds.includes(kind)))
  const pending = has('pending')
  const gap = has('gap')
  const missing = has('now missing', 'ahead missing', 'guard')
  // Rows of a missing period in the default partition keep it from being made: the command alone may not help then.
  const first = missing?.findings.some(({kind}) => kind === 'default rows')
    ? 'move rows of missing periods out of the default partition, then '
    : ''
  const fix = missing
    ? `${first}${command('partitions ensure')}`
    : pending
      ? command('partitions detach', [shortName(pending.schema, pending.table)])
      : gap?.gaps[0]?.from && gap.gaps[0].to
        ? command('partitions create', [shortName(gap.schema, gap.table)], {from: gap.gaps[0].from, to: gap.gaps[0].to})
        : null
  if (total === 0) return []
  if (troubled === 0) return [`${plural(total, 'declared set')}, nothing missing.`]
  const what = `${troubled} of ${plural(total, 'declared set')} ${troubled === 1 ? 'needs' : 'need'} something.`
  return fix === null ? [what] : closing([what, `Fix: ${fix}`], width).split('\n')
}

function needsSomebody({managed, findings}: SetReport): boolean {
  return managed && findings.length > 0
}

function nameOf({schema, table}: SetReport): string {
  return shortName(schema, table)
}

function instantOr(instant: string | null): string {
  return instant === null ? dash : formatInstant(instant)
}

function countOr(rows: number | null): string {
  if (rows === null) return dash
  if (rows < 10_000) return String(rows)
  return rows < 10_000_000
    ? `${(rows / 1e3).toFixed(rows < 100_000 ? 1 : 0)}k`
    : `${(rows / 1e6).toFixed(rows < 1e8 ? 1 : 0)}M`
}

function short(type: string | null): string {
  return type === 'timestamp with time zone'
    ? 'timestamptz'
    : type === 'timestamp without time zone'
      ? 'timestamp'
      : (type ?? '')
}
