/**
 * Column types as zod schemas. They reject what PostgreSQL would reject, and also what it would silently round,
 * truncate or drop. The output is text or a value that PostgreSQL reads back unchanged.
 */
import {z} from 'zod'
import {isIP} from 'node:net'
import {readDecimal, type Decimal, type DecimalInput} from './decimal.js'
import {invalid, reasonOf, type Invalid} from './invalid.js'
import {readDay, readInstant, readLocalTime} from './instant.js'

export type Column<Out, In = Out> = z.ZodType<Out, In>
type Read<Out> = (input: unknown) => Out | Invalid

/** One function per column: unions and chains of schemas are several times slower. */
function column<Out, In = Out>(read: Read<Out>): Column<Out, In> {
  return z.transform((input: unknown, context): Out => {
    const value = read(input)
    const problem = typeof value === 'object' ? reasonOf(value) : null
    if (problem === null) return value as Out
    context.issues.push({code: 'custom', input, message: messageOf(input, problem)})
    return z.NEVER
  }) as unknown as Column<Out, In>
}

function messageOf(input: unknown, problem: string): string {
  if (input === undefined) return 'is missing'
  return input === null ? 'is empty (NULL) but the column is NOT NULL' : `${show(input)} ${problem}`
}

/** A value quoted for a message: truncated, on one line. */
export function show(input: unknown): string {
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'object' && input !== null && !(input instanceof Date) && !isNumeric(input)) return 'an object'
  const text = typeof input === 'string' ? JSON.stringify(input.slice(0, 80)) : String(input)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function isNumeric(input: object): boolean {
  return 'c' in input && 'e' in input && 's' in input
}

/** Without arguments, any decimal that fits PostgreSQL's numeric. */
export function numeric(precision?: number, scale = 0): Column<Decimal, DecimalInput> {
  return column((input) => readDecimal(input, precision, scale))
}

function notWhole(input: unknown): string {
  return typeof input === 'string' && /^[+-]?\d+$/.test(input)
    ? 'is text: write the number without quotes'
    : 'is not a whole number'
}

function wholeNumber(least: number, most: number): Column<number> {
  return column((input) => {
    if (typeof input === 'bigint') return invalid(`is not between ${least} and ${most}`)
    if (typeof input !== 'number' || !Number.isInteger(input)) return invalid(notWhole(input))
    return input < least || input > most ? invalid(`is not between ${least} and ${most}`) : input
  })
}

export const smallint = () => wholeNumber(-32_768, 32_767)
export const integer = () => wholeNumber(-2_147_483_648, 2_147_483_647)
/** Serial ids are assigned by the database and stay far below 2^53. */
export const serial = () => wholeNumber(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

export function bigint(): Column<bigint, number | bigint> {
  return column((input) => {
    if (typeof input !== 'bigint' && !(typeof input === 'number' && Number.isInteger(input)))
      return invalid(notWhole(input))
    if (typeof input === 'number' && !Number.isSafeInteger(input))
      return invalid('is more than a JavaScript number holds exactly: give it as a bigint')
    const value = BigInt(input)
    return BigInt.asIntN(64, value) === value ? value : invalid('does not fit into 64 bits')
  })
}

/** real and double precision: the nearest representable value, as in the database. */
export function float(): Column<number, DecimalInput> {
  return column((input) => {
    const text = readDecimal(input)
    if (typeof text !== 'string') return text
    return Number.isFinite(Number(text)) ? Number(text) : invalid('is too large')
  })
}

export function boolean(): Column<boolean> {
  return column((input) => (typeof input === 'boolean' ? input : invalid('is neither true nor false')))
}

const unstorable = /[\0\ud800-\udfff]/u

/** @param most maximum length in characters, as PostgreSQL counts them (not UTF-16 code units) */
export function text(most = Number.POSITIVE_INFINITY): Column<string> {
  return column((input) => {
    if (typeof input !== 'string') return invalid('is not text')
    if (unstorable.test(input))
      return invalid(
        input.includes('\0') ? 'has a NUL character, which PostgreSQL cannot store' : 'has half of a surrogate pair',
      )
    if (input.length > most && [...input].length > most) return invalid(`has more than ${most} characters`)
    return input
  })
}

export const varchar = text
export const char = text

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export function uuid(): Column<string> {
  return column((input) => (typeof input === 'string' && uuidText.test(input) ? input : invalid('is not a UUID')))
}

/** Text of `\x` and hexadecimal digits. */
export function bytea(): Column<string> {
  return column((input) =>
    typeof input === 'string' && /^\\x([0-9a-f]{2})*$/i.test(input)
      ? input
      : invalid('is not \\x and pairs of hexadecimal digits'),
  )
}

export function inet(): Column<string> {
  return column((input) => {
    const [, address = '', bits] = (typeof input === 'string' && /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(input)) || []
    const version = isIP(address)
    return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128)
      ? (input as string)
      : invalid('is not an IP address')
  })
}

export function timestamptz(): Column<string, string | Date> {
  return column(readInstant)
}

export function timestamp(): Column<string> {
  return column(readLocalTime)
}

export function date(): Column<string> {
  return column(readDay)
}

const units = (...names: readonly string[]) => names.map((name) => `(?:[+-]?\\d{1,9} ?(?:${name})s?(?: |$))?`).join('')
const clockTime = '(?:[+-]?\\d{1,9}:[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,6})?)?)'
const intervalText = new RegExp(
  `^(?=.)${units('year', 'month|mon', 'week', 'day')}(?:${clockTime}|${units('hour', 'minute|min', 'second|sec', 'millisecond')})$`,
)
const isoInterval =
  /^P(?=.)(?:\d{1,9}Y)?(?:\d{1,9}M)?(?:\d{1,9}W)?(?:\d{1,9}D)?(?:T(?=.)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d{1,6})?S)?)?$/

/** In PostgreSQL's output format (`1 day 02:00:00`) or ISO 8601 (`P1DT2H`). */
export function interval(): Column<string> {
  return column((input) =>
    typeof input === 'string' && (intervalText.test(input) || isoInterval.test(input))
      ? input
      : invalid('is not an interval like 1 day 02:00:00 or P1DT2H'),
  )
}

export type JsonValue = string | number | boolean | null | JsonValue[] | {[key: string]: JsonValue}

/** Any JSON value except null, which is written as SQL NULL. */
export function json(): Column<JsonValue> {
  return column((input) => {
    const problem = input === undefined || input === null ? '' : jsonProblem(input, 0)
    return problem === null ? (input as JsonValue) : invalid(problem)
  })
}

function jsonProblem(input: unknown, depth: number): string | null {
  if (depth > 100) return 'is nested more than 100 deep'
  if (input === null || typeof input === 'boolean') return null
  if (typeof input === 'number') return Number.isFinite(input) ? null : 'holds a number that is not finite'
  if (typeof input === 'string')
    return input.includes('\0') ? 'holds a NUL character, which PostgreSQL cannot store' : null
  if (Array.isArray(input))
    return input.map((entry) => jsonProblem(entry, depth + 1)).find((problem) => problem !== null) ?? null
  if (typeof input === 'bigint' || (typeof input === 'object' && isNumeric(input as object))) return null
  const prototype: unknown = typeof input === 'object' ? Object.getPrototypeOf(input) : undefined
  if (prototype !== Object.prototype && prototype !== null) return 'holds a value that JSON cannot represent'
  return (
    Object.entries(input as object)
      .flat()
      .map((entry) => jsonProblem(entry, depth + 1))
      .find((problem) => problem !== null) ?? null
  )
}

/** Elements may be null, as in PostgreSQL. */
export function list<Out, In>(of: Column<Out, In>): Column<(Out | null)[], (In | null)[]> {
  return z.array(of.nullable(), {
    error: (issue) => (issue.input === undefined ? 'is missing' : `${show(issue.input)} is not a list`),
  }) as unknown as Column<(Out | null)[], (In | null)[]>
}
