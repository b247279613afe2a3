import {shortName} from '../../db/qualified-name.js'
import type {AggregateRow, AggregatesReport, Point} from '../../aggregates/list.js'
import {refreshCommand} from '../../db/refresh-command.js'
import type {Instant} from '../../units/instant.js'
import {closingLine, legend, note, type Around} from './shown.js'
import {dash, formatInstant, plural} from './words.js'

/** Refreshes that would lose data, the number of aggregates with pending ranges, and the command that computes them. */
export function aroundAggregates({aggregates, notes}: AggregatesReport): Around<AggregateRow> {
  if (aggregates.length === 0) return {below: [closingLine(['This database has no aggregates.'])]}
  const lost = aggregates.filter(({policyReachesGone}) => policyReachesGone)
  const stale = aggregates.filter(needsRefresh)
  const unknown = aggregates.some(({pending, source}) => source !== null && pending === null)
  const pending = unknown ? 'pending ranges unknown' : `${stale.length} with pending ranges`
  return {
    below: [
      legend(
        'PENDING: ranges whose rows changed since they were computed, or that were never computed (UP TO is then -).',
      ),
      ...lost.map(({schema, view, rawFrom}) =>
        note(
          `${shortName(schema, view)}: its refresh policy starts before ${point(rawFrom)}, where the source rows ` +
            'were dropped; refreshing that range loses what was computed from them.',
          '!',
        ),
      ),
      ...notes.map((text) => note(text)),
      closingLine([`${plural(aggregates.length, 'aggregate')}, ${pending}.`], stale.slice(0, 1).map(fix)),
    ],
  }
}

function needsRefresh({pending}: AggregateRow): boolean {
  return pending !== null && pending.ranges > 0
}

function fix(row: AggregateRow): string {
  return `Fix: ${refreshCommand(row, row.pending!, {short: true, dryRun: true})}`
}

function point(value: Point | null): string {
  if (value === null) return dash
  return typeof value === 'string' && value.endsWith('Z') ? formatInstant(value as Instant) : String(value)
}
