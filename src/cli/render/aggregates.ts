import {formatQualifiedName, shortName} from '../../db/qualified-name.js'
import type {AggregateRow, AggregatesReport, Point} from '../../aggregates/list.js'
import {command} from '../../units/command.js'
import type {Instant} from '../../units/instant.js'
import {closingLine, legend, note, type Around} from './shown.js'
import {dash, formatInstant, plural} from './words.js'

/** What is lost by a refresh, how many have something pending, and the command that computes it. */
export function aroundAggregates({aggregates, notes}: AggregatesReport): Around<AggregateRow> {
  if (aggregates.length === 0) return {below: [closingLine(['There are no aggregates in this database.'])]}
  const lost = aggregates.filter(({policyReachesGone}) => policyReachesGone)
  const stale = aggregates.filter(needsRefresh)
  const unknown = aggregates.some(({pending, source}) => source !== null && pending === null)
  const pending = unknown ? 'what is pending is not known' : `${stale.length} with something pending`
  return {
    below: [
      legend(
        'PENDING: ranges whose rows changed since they were computed, or were never computed at all (UP TO is then -).',
      ),
      ...lost.map(({schema, view, rawFrom}) =>
        note(
          `${shortName(schema, view)}: its refresh policy reaches to before ${point(rawFrom)}, where the source's rows are gone: a refresh there loses what was computed from them.`,
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

function fix({schema, view, pending, policy}: AggregateRow): string {
  const [from, to] = [pending!.from, pending!.to]
  // Integers whose unit is not known are no instants that a flag could take.
  if (typeof from === 'number' && typeof to === 'number' && policy === null)
    return `Fix, in psql: call refresh_continuous_aggregate('${formatQualifiedName(schema, view).replaceAll("'", "''")}', ${from}, ${to});`
  const range = typeof from === 'string' && typeof to === 'string' ? {from, to} : {}
  return `Fix: ${command('aggregates refresh', [shortName(schema, view)], {...range, 'dry-run': true})}`
}

function point(value: Point | null): string {
  if (value === null) return dash
  return typeof value === 'string' && value.endsWith('Z') ? formatInstant(value as Instant) : String(value)
}
