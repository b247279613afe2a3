import type {ReportedDifference} from '../../schema/verify.js'
import {command} from '../../units/command.js'
import {closingLine, type Around} from './shown.js'
import {plural} from './words.js'

/** The statements that mend what can be mended, and how many differences are left to a person. */
export function aroundVerify(
  differences: readonly ReportedDifference[],
  relations: number,
): Around<ReportedDifference> {
  const compared = plural(relations, 'table and aggregate', 'tables and aggregates')
  if (differences.length === 0) return {below: [closingLine([`${compared} as defined.`])]}
  const mends = differences.flatMap(({mend}) => mend ?? [])
  const rest = differences.length - mends.length
  const absent = differences.some(({path, actual, mend}) => path === '' && actual === null && mend === null)
  const byHand = rest > 0 ? `, ${rest} to be looked at by hand` : ''
  return {
    below: [
      ...(mends.length > 0
        ? [closingLine([], ['To mend:']), {kind: 'raw' as const, text: mends.map((mend) => `${mend};`).join('\n')}]
        : []),
      closingLine(
        [`${plural(differences.length, 'difference')} in ${compared}${byHand}.`],
        absent ? [`Is a migration pending? ${command('migrate status')}`] : [],
      ),
    ],
  }
}
