import type {ReportedDifference} from '../../schema/verify.js'
import {command} from '../../units/command.js'
import {closingLine, type Around} from './shown.js'
import {plural} from './words.js'

/** The statements that fix differences, and the number of differences that need a person. */
export function aroundVerify(
  differences: readonly ReportedDifference[],
  relations: number,
): Around<ReportedDifference> {
  const compared = plural(relations, 'table and aggregate', 'tables and aggregates')
  if (differences.length === 0) return {below: [closingLine([`${compared} as defined.`])]}
  const fixes = differences.flatMap(({fix}) => fix ?? [])
  const rest = differences.length - fixes.length
  const absent = differences.some(({path, actual, fix}) => path === '' && actual === null && fix === null)
  const byHand = rest > 0 ? `, ${rest} to be resolved by hand` : ''
  return {
    below: [
      ...(fixes.length > 0
        ? [closingLine([], ['To fix:']), {kind: 'raw' as const, text: fixes.map((fix) => `${fix};`).join('\n')}]
        : []),
      closingLine(
        [`${plural(differences.length, 'difference')} in ${compared}${byHand}.`],
        absent ? [`Is a migration pending? ${command('migrate status')}`] : [],
      ),
    ],
  }
}
