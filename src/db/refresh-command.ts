import {command} from '../units/command.js'
import {formatQualifiedName, shortName} from './qualified-name.js'

/** An instant, or an integer of an unknown unit: a string if a number of JSON cannot hold it. */
type Point = number | string | null

/** The command that refreshes a range of an aggregate. */
export function refreshCommand(
  {schema, view}: {schema: string; view: string},
  {from, to}: {from: Point; to: Point},
  {short = false, dryRun = false} = {},
): string {
  const name = short ? shortName(schema, view) : formatQualifiedName(schema, view)
  return command('aggregates refresh', [name], {from, to, ...(dryRun && {'dry-run': true})})
}
