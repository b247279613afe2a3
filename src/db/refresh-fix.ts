import {command} from '../units/command.js'
import {formatQualifiedName, shortName} from './qualified-name.js'
import {quoteLiteral} from './sql.js'

/** An instant, or an integer of an unknown unit: a string if a number of JSON cannot hold it. */
type Point = number | string | null

const isInteger = (point: Point) => typeof point === 'number' || (point !== null && /^-?\d+$/.test(point))

/**
 * The refresh of a range of an aggregate, to be run as printed. In psql if the range is in integers of an unknown unit:
 * a flag takes only instants.
 */
export function refreshFix(
  {schema, view}: {schema: string; view: string},
  {from, to}: {from: Point; to: Point},
  {short = false, dryRun = false} = {},
): {kind: 'command' | 'sql'; text: string} {
  const name = formatQualifiedName(schema, view)
  if (isInteger(from) || isInteger(to))
    return {
      kind: 'sql',
      text: `call refresh_continuous_aggregate(${quoteLiteral(name)}, ${from ?? 'null'}, ${to ?? 'null'})`,
    }
  const range = {from: from === null ? null : String(from), to: to === null ? null : String(to)}
  const flags = {...range, ...(dryRun && {'dry-run': true})}
  return {kind: 'command', text: command('aggregates refresh', [short ? shortName(schema, view) : name], flags)}
}
