import Big from 'big.js'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {JsonError, parseJsonLine} from '../../../src/validation/json-line.js'

/** JSON text with blanks anywhere and repeated keys, written by hand so that JSON.stringify decides nothing. */
const blank = fc.constantFrom('', '', ' ', '\t', '  ')
const {json} = fc.letrec<{json: string; object: string; array: string}>((tie) => ({
  json: fc.oneof(
    {maxDepth: 3},
    fc.integer().map(String),
    fc.double({noNaN: true, noDefaultInfinity: true}).map((n) => JSON.stringify(n)),
    fc.string().map((s) => JSON.stringify(s)),
    fc.constantFrom('true', 'false', 'null'),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .array(fc.tuple(blank, fc.string({maxLength: 3}), blank, tie('json'), blank), {maxLength: 4})
    .map((pairs) => `{${pairs.map(([a, k, b, v, c]) => `${a}${JSON.stringify(k)}${b}:${v}${c}`).join(',')}}`),
  array: fc
    .array(fc.tuple(blank, tie('json'), blank), {maxLength: 4})
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
}))

/** What JSON.parse would return if it kept every digit. */
function rounded(value: unknown): unknown {
  if (value instanceof Big) return Number(value.toString())
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(rounded)
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]))
    : value
}

function attempt<T>(work: () => T): {value: T} | {error: unknown} {
  try {
    return {value: work()}
  } catch (error) {
    return {error}
  }
}

describe('a line of JSON', () => {
  it('parses as with JSON.parse, except for repeated keys', () => {
    fc.assert(
      fc.property(json, (text) => {
        const ours = attempt(() => parseJsonLine(text))
        if ('error' in ours) expect((ours.error as Error).message).toMatch(/twice$|__proto__/)
        else expect(rounded(ours.value)).toEqual(JSON.parse(text))
      }),
      {numRuns: 500},
    )
  })

  it('is refused if JSON.parse refuses it, with a position within the line', () => {
    const mutated = fc
      .tuple(
        json,
        fc.nat(),
        fc.oneof(
          fc.string({maxLength: 2}),
          fc.constantFrom('"', '\\', '\0', ',', '}', '\\u12', '1.', '-', '01', 'NaN', 'Infinity'),
        ),
      )
      .map(([text, at, by]) => text.slice(0, at % (text.length + 1)) + by + text.slice((at % (text.length + 1)) + 1))
    fc.assert(
      fc.property(mutated, (text) => {
        const theirs = attempt(() => JSON.parse(text) as unknown)
        const ours = attempt(() => parseJsonLine(text))
        if ('error' in theirs) expect(ours).toHaveProperty('error')
        if ('value' in ours) {
          expect(rounded(ours.value)).toEqual((theirs as {value: unknown}).value)
          return
        }
        expect(ours.error).toBeInstanceOf(JsonError)
        const {column} = ours.error as JsonError
        expect(column).toBeGreaterThan(0)
        expect(column).toBeLessThanOrEqual(text.length + 1)
      }),
      {numRuns: 1000},
    )
  })

  it('keeps every digit of a number', () => {
    const digits = fc
      .tuple(fc.bigInt({min: -(10n ** 30n), max: 10n ** 30n}), fc.nat({max: 20}))
      .map(([n, scale]) => new Big(String(n)).times(new Big(10).pow(-scale)))
    fc.assert(
      fc.property(digits, (exact) => {
        const {n} = parseJsonLine(`{"n":${exact.toFixed()}}`) as {n: number | bigint | Big}
        expect(new Big(typeof n === 'bigint' ? String(n) : n).eq(exact)).toBe(true)
      }),
    )
  })

  it.each([
    ['{"a":1,"a":2}', 8, 'has the key "a" twice'],
    ['{"a":1,"\\u0061":2}', 8, 'has the key "a" twice'],
    ['{"a":{"b":1,"b" :2}}', 13, 'has the key "b" twice'],
    ['{"a":": 1","a":2}', 12, 'has the key "a" twice'],
    ['{"__proto__":{"isAdmin":true}}', 2, 'has the key "__proto__", which cannot be a column name'],
    ['{"a":{"\\u005f_proto__":1}}', 7, 'has the key "__proto__", which cannot be a column name'],
    ['{"a":NaN}', 6, 'has "N" where a value was expected'],
    ['{"a":-Infinity}', 6, 'has "-" where a value was expected'],
    ['{"a":"b\0c"}', 8, 'has a bare NUL within a string'],
    ['{"a":"b', 6, 'has an unterminated string'],
    ['{"a":1', 7, 'ends where a comma or a brace was expected'],
    ['{"a":1e99999999}', 6, 'has a number whose exponent is too large'],
    [`${'['.repeat(200)}${']'.repeat(200)}`, 101, 'is nested more than 100 deep'],
    ["{'a':1}", 2, 'has "\'" where a key was expected'],
  ])('%j has an error with position and reason', (text, column, message) => {
    const {error} = attempt(() => parseJsonLine(text)) as {error: JsonError}
    expect(error.message).toBe(message)
    expect(error.column).toBe(column)
  })
})
