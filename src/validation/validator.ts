import type {z} from 'zod'
import {readInstant} from '../columns/instant.js'
import {usageError} from '../errors.js'
import type {AsOf, RowRule, ValidationError} from './row-rule.js'

export interface ValidationOptions {
  /** The time that freshness is measured against: an instant (default: now), `row` for the row's own time, or `off`. */
  asOf?: Date | AsOf | undefined
}

export type ValidationResult<Row> =
  | {isValid: true; value: Row; errors: readonly []}
  | {isValid: false; value: null; errors: readonly ValidationError[]}

/** Returns every error of a row at once. Keys are properties (`usdPrice`) or columns (`usd_price`). */
export type Validator<Row> = (input: unknown, options?: ValidationOptions) => ValidationResult<Row>

/** The parts of a validator. */
export interface Validated<Row> {
  table: string
  schema: z.ZodType<Row> & {shape: Record<string, z.ZodType>}
  rules: readonly RowRule[]
  /** Properties by column name. */
  properties: ReadonlyMap<string, string>
}

export function validator<Row>(of: Validated<Row>): Validator<Row> {
  return (input, {asOf = new Date()} = {}) => check(of, input, clock(asOf))
}

/** @throws OpsError INSTANT */
export function clock(asOf: Date | AsOf): AsOf {
  const text = asOf instanceof Date ? asOf.toISOString() : asOf
  if (text !== 'row' && text !== 'off' && typeof readInstant(text) !== 'string')
    throw usageError('INSTANT', `asOf "${text}" is not an instant.`)
  return text
}

/** Validates one row; the clock is read once for many rows. */
export function check<Row>(of: Validated<Row>, input: unknown, asOf: AsOf): ValidationResult<Row> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return invalid([{path: '', message: `a row of ${of.table} must be an object`}])
  const keys = Object.keys(input)
  const given = input as Record<string, unknown>
  // Most rows use property names and need not be copied.
  if (!keys.some((key) => (of.properties.get(key) ?? key) !== key)) return checkProperties(of, given, asOf, null)
  const names = new Map<string, string>()
  const row: Record<string, unknown> = {}
  const errors: ValidationError[] = []
  for (const key of keys) {
    const property = of.properties.get(key) ?? key
    const other = names.get(property)
    if (other !== undefined) errors.push({path: property, message: `is given twice, as ${other} and as ${key}`})
    names.set(property, key)
    if (property === '__proto__') Object.defineProperty(row, property, {value: given[key], enumerable: true})
    else row[property] = given[key]
  }
  return checkProperties(of, row, asOf, names, errors)
}

/**
 * The same for a row whose keys are properties.
 * @param names names used by the source of the row; others are reported by column name
 * @param errors errors that are already known
 */
export function checkProperties<Row>(
  {table, schema, rules, properties}: Validated<Row>,
  row: Record<string, unknown>,
  asOf: AsOf,
  names: ReadonlyMap<string, string> | null,
  errors: ValidationError[] = [],
): ValidationResult<Row> {
  const parsed = schema.safeParse(row)
  const sound = parsed.success ? (parsed.data as Record<string, unknown>) : {}
  if (!parsed.success) {
    for (const issue of parsed.error.issues) errors.push(...errorsOf(issue, table))
    Object.assign(sound, soundPart(schema.shape, row, errors))
  }
  for (const rule of rules) {
    const error = rule(sound, asOf)
    if (error) errors.push(error)
  }
  if (parsed.success && errors.length === 0) return {isValid: true, value: parsed.data, errors: []}
  return invalid(names === null ? errors : named(errors, names, properties))
}

function invalid(errors: readonly ValidationError[]): {
  isValid: false
  value: null
  errors: readonly ValidationError[]
} {
  return {isValid: false, value: null, errors}
}

function named(
  errors: readonly ValidationError[],
  names: ReadonlyMap<string, string>,
  properties: ReadonlyMap<string, string>,
): ValidationError[] {
  const columns = new Map(Array.from(properties, ([column, property]) => [property, column]))
  return errors.map(({path, ...error}) => {
    const [, property = path, rest = ''] = /^(.*?)(\[\d+\].*)?$/s.exec(path) ?? []
    return {...error, path: (names.get(property) ?? columns.get(property) ?? property) + rest}
  })
}

function errorsOf(issue: z.core.$ZodIssue, table: string): ValidationError[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({path: key, message: `is not a column of ${table}`}))
  const path = issue.path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('')
  return [{path, message: issue.message}]
}

/** The columns without errors, converted to their types: an error in one column must not hide errors in others. */
function soundPart(
  shape: Record<string, z.ZodType>,
  row: Record<string, unknown>,
  errors: readonly ValidationError[],
): Record<string, unknown> {
  const wrong = new Set(errors.map(({path}) => path))
  const sound = Object.entries(shape)
    .filter(([property]) => !wrong.has(property) && Object.hasOwn(row, property))
    .map(([property, schema]) => [property, schema.safeParse(row[property]).data] as const)
  return Object.fromEntries(sound)
}
