import {formatQualifiedName, shortName} from '../../db/qualified-name.js'
import type {AggregateRow, AggregatesReport, Point} from '../../aggregates/list.js'
import type {Instant} from '../../units/instant.js'
import {closing, renderTable, wrap, type Column, type TableStyle} from './table.js'
import {bytesOr, dash, formatAge, formatInstant, plural} from './words.js'
import {command} from '../../units/command.js'

/** One line an aggregate; what needs a person marked, and said below. */
export function renderAggregates({aggregates}: AggregatesReport, style: TableStyle): string {
  if (aggregates.length === 0) return 'There are no aggregates in this database.'
  const columns: Column<AggregateRow>[] = [
    {head: 'AGGREGATE', cell: ({schema, view}) => shortName(schema, view), shrink: 12},
    {head: 'BUCKET', cell: ({bucket}) => bucket ?? dash},
    {
      head: 'SOURCE',
      cell: ({source}) => (source === null ? dash : shortName(source.schema, source.table)),
      shrink: 10,
      drop: 2,
    },
    {head: 'UP TO (UTC)', cell: ({watermark}) => point(watermark)},
    {head: 'LAG', cell: ({lagSeconds}) => (lagSeconds === null ? dash : formatAge(lagSeconds)), right: true},
    {head: 'PENDING', cell: ({pending}) => (pending === null ? dash : String(pending.ranges)), right: true},
    {head: 'SIZE', cell: ({totalBytes}) => bytesOr(totalBytes), right: true, drop: 1},
    {head: 'REFRESH', cell: refreshCell},
    {head: 'WINDOW', cell: windowCell, wide: true},
    {head: 'PENDING FROM', cell: ({pending}) => point(pending?.from ?? null), wide: true},
    {head: 'PENDING TO', cell: ({pending}) => point(pending?.to ?? null), wide: true},
    {head: 'ROWS SINCE', cell: ({rawFrom}) => point(rawFrom), wide: true},
  ]
  const lost = aggregates.filter(({policyReachesGone}) => policyReachesGone)
  const stale = aggregates.filter(needsRefresh)
  const warnings = lost.map(({schema, view, rawFrom}) =>
    wrap(
      `! ${shortName(schema, view)}: its refresh policy reaches to before ${point(rawFrom)}, where the source's rows are gone: a refresh there loses what was computed from them.`,
      style.width,
    ),
  )
  return [
    renderTable(columns, aggregates, {style, mark: ({policyReachesGone}) => policyReachesGone === true}),
    'PENDING: ranges whose rows changed since they were computed, or were never computed at all (UP TO is then -).',
    ...warnings,
    closing(
      [
        `${plural(aggregates.length, 'aggregate')}, ${aggregates.some(({pending, source}) => source !== null && pending === null) ? 'what is pending is not known' : `${stale.length} with something pending`}.`,
        ...stale.slice(0, 1).map(fix),
      ],
      style.width,
    ),
  ].join('\n')
}

function needsRefresh({pending}: AggregateRow): boolean {
  return pending !== null && pending.ranges > 0
}

function fix({schema, view, pending, policy}: AggregateRow): string {
  const [from, to] = [pending!.from, pending!.to]
  // Integers whose unit is not known are no instants that a flag could take.
  if (typeof from === 'number' && typeof to === 'number' && policy === null)
    return `Fix, in psql: call refresh_continuous_aggregate('${formatQualifiedName(schema, view).replaceAll("'", "''")}', ${from}, ${to});`
  const range = typeof from === 'string' && typeof to === 'string' ? {from, to} : {}
  return `Fix: ${command('aggregates refresh', [shortName(schema, view)], {...range, 'dry-run': true})}`
}

function refreshCell({policy}: AggregateRow): string {
  if (policy === null) return 'none'
  return policy.paused ? 'paused' : policy.every === null ? 'declared' : `every ${policy.every}`
}

function windowCell({policy}: AggregateRow): string {
  return policy === null ? dash : `${policy.startOffset ?? 'the beginning'} to ${policy.endOffset ?? 'now'} ago`
}

function point(value: Point | null): string {
  if (value === null) return dash
  return typeof value === 'string' && value.endsWith('Z') ? formatInstant(value as Instant) : String(value)
}
