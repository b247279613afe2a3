import Big from 'big.js'
import {compareAscending} from '../units/compare.js'
import {invalid, type Invalid} from './invalid.js'

/** A decimal number as text with all its digits: `0.00000001`. */
export type Decimal = string

/** A big.js object, described by its shape so that users of these types do not need the types of big.js. */
export interface BigDecimal {
  readonly s: number
  readonly e: number
  readonly c: readonly number[]
}

/** Accepted input for a decimal. A number means its shortest exact decimal text. */
export type DecimalInput = string | number | bigint | BigDecimal

/** Digits before the decimal point of a numeric without precision in PostgreSQL. */
const mostBefore = 131_072
const mostAfter = 16_383

const plain = /^-?\d+(?:\.\d+)?$/
const any = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?$/

/**
 * Reads a decimal as PostgreSQL does, but without rounding: a value that does not fit is an error, worded to follow the
 * quoted value. Returns plain digits, never an exponent.
 */
export function readDecimal(input: unknown, precision?: number, scale = 0): Decimal | Invalid {
  const text = textOf(input)
  if (typeof text !== 'string') return text
  if (text.length <= 15 && plain.test(text)) {
    const dot = text.indexOf('.')
    const before = (dot < 0 ? text.length : dot) - (text.startsWith('-') ? 1 : 0)
    // Leading and trailing zeros are handled below, on the slower path.
    if (precision === undefined || (before <= precision - scale && (dot < 0 || text.length - dot - 1 <= scale)))
      return text
  }
  return readLong(text, precision, scale)
}

function textOf(input: unknown): string | Invalid {
  if (typeof input === 'string')
    return any.test(input)
      ? input
      : invalid(/^[+-]?(nan|inf(inity)?)$/i.test(input) ? 'is not a finite number' : 'is not a decimal number')
  if (typeof input === 'number') {
    if (!Number.isFinite(input)) return invalid('is not a finite number')
    if (Math.abs(input) > Number.MAX_SAFE_INTEGER)
      return invalid('is more than a JavaScript number holds exactly: give it as text')
    return String(input)
  }
  if (typeof input === 'bigint') return String(input)
  if (input instanceof Big)
    return input.e > mostBefore || input.c.length > mostBefore + mostAfter ? invalid('is too large') : input.toString()
  return invalid('is not a decimal number')
}

function readLong(text: string, precision: number | undefined, scale: number): Decimal | Invalid {
  const exponent = /[eE]([+-]?\d+)$/.exec(text)
  if (exponent && Math.abs(Number(exponent[1])) > mostBefore + mostAfter) return invalid('is too large or too small')
  const value = new Big(
    exponent || !plain.test(text)
      ? text
          .replace(/^\+/, '')
          .replace(/^(-?)\./, '$10.')
          .replace(/\.(?=$|[eE])/, '')
      : text,
  )
  const before = value.e + 1
  const after = value.c.length - 1 - value.e
  if (precision !== undefined && before > precision - scale && !value.eq(0))
    return invalid(`has more than ${precision - scale} digits before the point`)
  if (precision !== undefined && after > scale)
    return invalid(
      scale === 0 ? 'has decimal places, which the column cannot store' : `has more than ${scale} decimal places`,
    )
  if (before > mostBefore || after > mostAfter) return invalid('has more digits than PostgreSQL can store')
  return plain.test(text) ? text : value.toFixed()
}

/** Negative, zero or positive, as a comparator; null if one of them is not a decimal. Exact at any length. */
export function compareDecimals(a: unknown, b: unknown): number | null {
  const left = operand(a)
  const right = operand(b)
  if (left === null || right === null) return null
  // Fifteen digits are exact in a double.
  if (left.length <= 15 && right.length <= 15) return compareAscending(Number(left), Number(right))
  return new Big(left).cmp(right)
}

/** Exact sum, difference or product; null if one operand is not a decimal. */
export function calculate(a: unknown, operator: '+' | '-' | '*', b: unknown): Decimal | null {
  const left = operand(a)
  const right = operand(b)
  if (left === null || right === null) return null
  return operations[operator](new Big(left), right).toFixed()
}

const operations: Record<'+' | '-' | '*', (left: Big, right: string) => Big> = {
  '+': (left, right) => left.plus(right),
  '-': (left, right) => left.minus(right),
  '*': (left, right) => left.times(right),
}

function operand(value: unknown): string | null {
  if (typeof value === 'string') return plain.test(value) ? value : null
  if (typeof value === 'number') return Number.isFinite(value) ? new Big(value).toFixed() : null
  return typeof value === 'bigint' ? String(value) : null
}
