/**
 * SQL comparisons for the checks of generated schemas. The result is true, false, or null if an operand is null or has
 * the wrong type (such a column has an error of its own). Only false fails a check.
 */
import {calculate, compareDecimals, type Decimal} from './decimal.js'
import {millisecondsBetween} from './instant.js'

export type Truth = boolean | null
export type Operator = '=' | '<>' | '<' | '<=' | '>' | '>='

function holds(order: number | null, operator: Operator): Truth {
  if (order === null) return null
  if (order === 0) return operator === '=' || operator === '<=' || operator === '>='
  return (
    operator === '<>' || (order < 0 ? operator === '<' || operator === '<=' : operator === '>' || operator === '>=')
  )
}

export function isDecimal(a: unknown, operator: Operator, b: unknown): Truth {
  return holds(compareDecimals(a, b), operator)
}

export function isInstant(a: unknown, operator: Operator, b: unknown): Truth {
  return holds(millisecondsBetween(a, b), operator)
}

/** Equality only: the order of strings depends on the database's collation, which is unknown here. */
export function isText(a: unknown, operator: '=' | '<>', b: unknown): Truth {
  if (typeof a !== 'string' || typeof b !== 'string') return null
  return (a === b) === (operator === '=')
}

export function isOneOf(value: unknown, texts: readonly string[]): Truth {
  return typeof value === 'string' ? texts.includes(value) : null
}

export function isTrue(value: unknown): Truth {
  return typeof value === 'boolean' ? value : null
}

export function isNull(value: unknown): Truth {
  return value === null || value === undefined
}

export function both(...parts: readonly Truth[]): Truth {
  if (parts.includes(false)) return false
  return parts.includes(null) ? null : true
}

export function either(...parts: readonly Truth[]): Truth {
  if (parts.includes(true)) return true
  return parts.includes(null) ? null : false
}

export function not(value: Truth): Truth {
  return value === null ? null : !value
}

export function plus(a: unknown, b: unknown): Decimal | null {
  return calculate(a, '+', b)
}

export function minus(a: unknown, b: unknown): Decimal | null {
  return calculate(a, '-', b)
}

export function times(a: unknown, b: unknown): Decimal | null {
  return calculate(a, '*', b)
}
