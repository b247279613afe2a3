/** CHECK conditions as TypeScript code, as a predicate over a row, and as a requirement in words. */
import * as columns from '../../columns/compare.js'
import type {Truth} from '../../columns/compare.js'
import {member, quoted} from '../properties.js'
import type {Condition, Term} from './expression.js'

type Properties = ReadonlyMap<string, string>
type RowSchema = Readonly<Record<string, unknown>>

const comparators = {decimal: 'isDecimal', instant: 'isInstant', text: 'isText'} as const
const calculations = {'+': 'plus', '-': 'minus', '*': 'times'} as const

/** Recognises a list of equalities of one column with texts, which is how the parser represents `in`. */
function oneOf(condition: Condition): {column: string; texts: string[]} | null {
  if (condition.is !== 'or' || condition.of.length < 2) return null
  const texts: string[] = []
  const columns = new Set<string>()
  for (const part of condition.of) {
    if (
      part.is !== 'comparison' ||
      part.operator !== '=' ||
      part.left.term !== 'column' ||
      part.right.term !== 'constant' ||
      part.left.kind !== 'text'
    )
      return null
    columns.add(part.left.column)
    texts.push(part.right.text)
  }
  const [column, ...others] = columns
  return column === undefined || others.length > 0 ? null : {column, texts}
}

/**
 * The condition as an expression over `row`.
 * @param used receives the names of the functions of columns/ that the code calls
 */
export function toCode(condition: Condition, properties: Properties, used: Set<string>): string {
  const call = (helper: keyof typeof columns, ...args: readonly string[]) => {
    used.add(helper)
    return `${helper}(${args.join(', ')})`
  }
  const value = (term: Term): string => {
    if (term.term === 'column') return member('row', properties.get(term.column)!)
    return term.term === 'constant'
      ? quoted(term.text)
      : call(calculations[term.operator], value(term.left), value(term.right))
  }
  const inner = (part: Condition) => toCode(part, properties, used)
  const set = oneOf(condition)
  if (set) return call('isOneOf', member('row', properties.get(set.column)!), `[${set.texts.map(quoted).join(', ')}]`)
  switch (condition.is) {
    case 'comparison':
      return call(
        comparators[condition.left.kind as 'decimal'],
        value(condition.left),
        quoted(condition.operator),
        value(condition.right),
      )
    case 'truth':
      return call('isTrue', value(condition.of))
    case 'null':
      return call('isNull', member('row', properties.get(condition.column)!))
    case 'not':
      return call('not', inner(condition.of))
    default:
      return call(condition.is === 'and' ? 'both' : 'either', ...condition.of.map(inner))
  }
}

/** Evaluates the condition for a row directly. */
export function evaluate(condition: Condition, properties: Properties, row: RowSchema): Truth {
  const value = (term: Term): unknown => {
    if (term.term === 'column') return row[properties.get(term.column)!]
    return term.term === 'constant'
      ? term.text
      : columns[calculations[term.operator]](value(term.left), value(term.right))
  }
  switch (condition.is) {
    case 'comparison':
      return columns[comparators[condition.left.kind as 'decimal']](
        value(condition.left),
        condition.operator as '=',
        value(condition.right),
      )
    case 'truth':
      return columns.isTrue(value(condition.of))
    case 'null':
      return columns.isNull(row[properties.get(condition.column)!])
    case 'not':
      return columns.not(evaluate(condition.of, properties, row))
    default:
      return columns[condition.is === 'and' ? 'both' : 'either'](
        ...condition.of.map((part) => evaluate(part, properties, row)),
      )
  }
}

const words = {
  '=': 'must be',
  '<>': 'must not be',
  '<': 'must be less than',
  '<=': 'must be at most',
  '>': 'must be more than',
  '>=': 'must be at least',
}

/** The property at which a violated condition is reported, and the requirement in words. */
export function demandOf(
  condition: Condition,
  expression: string,
  properties: Properties,
): {property: string; demand: string} {
  const spoken = (term: Term): string => {
    if (term.term === 'column') return properties.get(term.column)!
    return term.term === 'constant' ? term.text : `${spoken(term.left)} ${term.operator} ${spoken(term.right)}`
  }
  const at = (column: string) => properties.get(column)!
  if (condition.is === 'comparison' && condition.left.term === 'column')
    return {property: at(condition.left.column), demand: `${words[condition.operator]} ${spoken(condition.right)}`}
  const set = oneOf(condition)
  if (set) return {property: at(set.column), demand: `must be one of ${set.texts.join(', ')}`}
  return {property: at(firstColumn(condition)!), demand: `does not satisfy ${expression}`}
}

/** Null if the condition names no column. */
export function firstColumn(condition: Condition): string | null {
  const ofTerm = (term: Term): string | null => {
    if (term.term === 'column') return term.column
    return term.term === 'constant' ? null : (ofTerm(term.left) ?? ofTerm(term.right))
  }
  switch (condition.is) {
    case 'comparison':
      return ofTerm(condition.left) ?? ofTerm(condition.right)
    case 'truth':
      return ofTerm(condition.of)
    case 'null':
      return condition.column
    case 'not':
      return firstColumn(condition.of)
    default:
      return condition.of.map(firstColumn).find((column) => column !== null) ?? null
  }
}
