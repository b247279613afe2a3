import type {PartitionRow, PartitionsReport, SetReport} from '../../reports/partitions.js'
import {formatBytes} from '../../units/bytes.js'

const shown = 20
const dash = '-'

/** Sets, or the partitions of one, with what needs a person marked and said below. */
export function renderPartitions({tables, partitions, absent}: PartitionsReport, options: {one: boolean; columns: number}): string {
  const gone = absent.map((name) => `! ${name} is declared, and is no partitioned table here.`)
  if (tables.length === 0) return ['No table here is partitioned.', ...gone].join('\n')
  const [first] = tables
  const lines = options.one ? partitionLines(first!, partitions) : setLines(tables, options.columns)
  return [...lines, ...findingLines(tables), ...gone, ...closing(tables, options.one)].join('\n')
}

function setLines(tables: readonly SetReport[], columns: number): string[] {
  const wide = columns >= 120
  const head = ['TABLE', 'EVERY', 'PARTS', 'FROM', 'TO', 'AHEAD', '~ROWS', 'SIZE', ...(wide ? ['KEY', 'ZONE', 'MISSING', 'GAPS', 'DEFAULT ROWS', 'RUN BY'] : [])]
  const rows = tables.map((set) => ({
    mark: set.managed && set.findings.length > 0,
    cells: [
      `${nameOf(set)}${set.managed ? '' : ' *'}`,
      set.every ?? dash,
      String(set.partitions),
      day(set.from),
      day(set.to),
      set.ahead === null ? dash : `${set.ahead.there}/${set.ahead.wanted}`,
      count(set.estimatedRows),
      set.totalBytes === null ? dash : formatBytes(set.totalBytes),
      ...(wide
        ? [`${set.column ?? dash} ${short(set.type)}`.trim(), set.timezone ?? dash, String(set.missing.length), String(set.gaps.length), set.defaultPartition === null ? dash : count(set.defaultPartition.rows), set.managedBy ?? 'nobody']
        : []),
    ],
  }))
  return align(head, rows, new Set([2, 5, 6, 7, 10, 11, 12]))
}

function partitionLines(set: SetReport, partitions: readonly PartitionRow[]): string[] {
  const gaps = new Map(set.gaps.map((gap) => [gap.from, gap]))
  const rows = partitions.slice(0, shown).flatMap((row) => {
    const gap = row.to === null ? undefined : gaps.get(row.to)
    const note = row.detachPending ? 'pending detach' : row.isDefault ? 'default' : ''
    const own = {mark: row.detachPending, cells: [row.partition, ...edges(row), count(row.estimatedRows), row.totalBytes === null ? dash : formatBytes(row.totalBytes), note]}
    return gap ? [{mark: true, cells: ['(gap)', day(gap.from), day(gap.to), dash, dash, '']}, own] : [own]
  })
  const rest = partitions.length - shown
  const lines = align([`PARTITION OF ${nameOf(set)}`, 'FROM (UTC)', 'TO', '~ROWS', 'SIZE', ''], rows, new Set([3, 4]))
  return rest > 0 ? [...lines, ` … and ${rest} older (--json has them all)`] : lines
}

function edges({from, to, bound, isDefault}: PartitionRow): [string, string] {
  if (isDefault) return [dash, dash]
  const named = /MINVALUE|MAXVALUE/.exec(bound)
  return from === null && to === null && !named ? [bound.replace('FOR VALUES ', '').toLowerCase(), ''] : [from === null ? 'beginning' : day(from), to === null ? 'end' : day(to)]
}

function findingLines(tables: readonly SetReport[]): string[] {
  return tables.flatMap((set) => set.findings.map(({message}) => wrap(`${set.managed ? '!' : ' '} ${nameOf(set)}: ${message}.`, 80)))
}

function closing(tables: readonly SetReport[], one: boolean): string[] {
  const declared = tables.filter(({managed}) => managed)
  const troubled = declared.filter(({findings}) => findings.length > 0)
  const missing = troubled.some(({findings}) => findings.some(({kind}) => kind === 'now missing' || kind === 'ahead missing'))
  const pending = tables.find(({detachPending}) => detachPending.length > 0)
  const fixes = [
    ...(missing ? ['Fix: qicore-db partitions ensure'] : []),
    ...(pending ? [`Fix: qicore-db partitions detach ${nameOf(pending)}`] : []),
  ]
  const foot = tables.some(({managed}) => !managed) ? ['* nobody declared it: shown, never touched.'] : []
  const verdict = declared.length === 0 ? [] : [`${troubled.length} of ${declared.length} declared ${declared.length === 1 ? 'set needs' : 'sets need'} something.`]
  return [...foot, ...(one && troubled.length === 0 ? [] : verdict), ...fixes]
}

interface Row {
  mark: boolean
  cells: readonly string[]
}

function align(head: readonly string[], rows: readonly Row[], right: ReadonlySet<number>): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(({cells}) => cells[column]!.length)))
  const line = (mark: boolean, cells: readonly string[]) =>
    `${mark ? '!' : ' '}${cells.map((cell, column) => (right.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ')}`.trimEnd()
  return [line(false, head), ...rows.map(({mark, cells}) => line(mark, cells))]
}

function nameOf({schema, table}: SetReport): string {
  return schema === 'public' ? table : `${schema}.${table}`
}

/** A day where it is one, else to the minute. */
function day(instant: string | null): string {
  if (instant === null) return dash
  return instant.endsWith('T00:00:00Z') ? instant.slice(0, -10) : instant.replace('T', ' ').replace(/(:\d\d)(\.\d+)?Z$/, '')
}

function count(rows: number | null): string {
  if (rows === null) return dash
  if (rows < 10_000) return String(rows)
  return rows < 10_000_000 ? `${(rows / 1e3).toFixed(rows < 100_000 ? 1 : 0)}k` : `${(rows / 1e6).toFixed(rows < 1e8 ? 1 : 0)}M`
}

function short(type: string | null): string {
  return type === 'timestamp with time zone' ? 'timestamptz' : type === 'timestamp without time zone' ? 'timestamp' : (type ?? '')
}

function wrap(text: string, width: number): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!
    if (last !== '' && last.length + 1 + word.length > width) lines.push(`  ${word}`)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.join('\n')
}
