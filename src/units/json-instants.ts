import {jsonInstant} from './instant.js'

/** JSON fields that hold instants, by their names in the contract; other values in them are unchanged. */
const instantField =
  /^(at|from|to|since|until|time|begins|first|last|next|cutoff|oldest|newest|watermark|local)$|(At|Since|Until|From|To|Start|End|Drop|Run)$/

const instant = /^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z( BC)?$/

/** A copy of the report with all instants in the form `2026-11-27T22:40:00.000Z`. */
export function withJsonInstants(report: unknown, field = ''): unknown {
  if (typeof report === 'string') return instantField.test(field) && instant.test(report) ? jsonInstant(report) : report
  if (Array.isArray(report)) return report.map((each) => withJsonInstants(each, field))
  if (typeof report !== 'object' || report === null || 'toJSON' in report) return report
  return Object.fromEntries(Object.entries(report).map(([name, value]) => [name, withJsonInstants(value, name)]))
}
