import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {calculate, compareDecimals, readDecimal} from '../../../src/columns/decimal.js'
import {reasonOf} from '../../../src/columns/invalid.js'
import {forEachEngine} from '../../helpers/engines.js'

/** A decimal as an integer of its smallest digit, as an independent reference. */
const decimal = fc.tuple(fc.bigInt({min: -(10n ** 34n), max: 10n ** 34n}), fc.nat({max: 12}))
const textOf = ([unscaled, scale]: readonly [bigint, number]) => {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
const scaled = ([unscaled, scale]: readonly [bigint, number]) => unscaled * 10n ** BigInt(24 - scale)

describe('decimals', () => {
  it('compare as decimals, however many digits they have', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const truth = scaled(a) - scaled(b)
        const sign = truth > 0n ? 1 : 0
        expect(compareDecimals(textOf(a), textOf(b))).toBe(truth < 0n ? -1 : sign)
      }),
    )
  })

  it('that differ only in their last digit are different', () => {
    fc.assert(
      fc.property(decimal, ([unscaled, scale]) => {
        expect(compareDecimals(textOf([unscaled, scale]), textOf([unscaled + 1n, scale]))).toBe(-1)
      }),
    )
  })

  it('add, subtract and multiply exactly', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        expect(scaledOf(calculate(textOf(a), '+', textOf(b))!)).toBe(scaled(a) + scaled(b))
        expect(scaledOf(calculate(textOf(a), '-', textOf(b))!)).toBe(scaled(a) - scaled(b))
        expect(scaledOf(calculate(textOf(a), '*', textOf(b))!) * 10n ** 24n).toBe(scaled(a) * scaled(b))
      }),
    )
  })

  it('of numbers are the written form of the number', () => {
    expect(readDecimal(0.00000001, 20, 8)).toBe('0.00000001')
    expect(readDecimal(1e21)).not.toBe('1000000000000000000000')
    expect(reasonOf(readDecimal(1e21))).toMatch(/give it as text/)
    expect(reasonOf(readDecimal(0.1 + 0.2, 20, 8))).toBe('has more than 8 decimal places')
    expect(compareDecimals(5, '5.0')).toBe(0)
  })

  it.each(['', ' 1', '1 ', '1,5', '0x10', '1_000', '--1', '.', 'e5', '1e', '٣', '1e9999999999', 'null'])(
    '%j is none',
    (text) => {
      expect(reasonOf(readDecimal(text))).not.toBeNull()
    },
  )
})

/** With 24 decimal places, which is the maximum of the sums and products above. */
function scaledOf(text: string): bigint {
  const [whole, fraction = ''] = text.replace('-', '').split('.') as [string, string?]
  expect(fraction.slice(24)).toMatch(/^0*$/)
  const value = BigInt(whole + fraction.slice(0, 24).padEnd(24, '0'))
  return text.startsWith('-') ? -value : value
}

/** Any text that could be taken for a decimal. */
const written = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.oneof(fc.bigInt({min: 0n, max: 10n ** 25n}).map(String), fc.constantFrom('', '0', '000', '007')),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{0,12}$/), fc.stringMatching(/^\.[0-9]{1,8}0{1,4}$/)),
    fc.oneof(
      fc.constant(''),
      fc.integer({min: -20, max: 20}).map((n) => `e${n}`),
    ),
  )
  .map((parts) => parts.join(''))

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('are parsed as by PostgreSQL, and refused if PostgreSQL would refuse or round them', async () => {
    const {run} = await engine.database()
    await run(
      `create function cast_or_null(text) returns text language plpgsql as $$ begin return $1::numeric; exception when others then return null; end $$`,
    )
    await run(
      `create function fitted(text) returns text language plpgsql as $$ begin return $1::numeric::numeric(20, 8); exception when others then return null; end $$`,
    )
    const texts = fc.sample(written, 2000)
    const rows = await run<{text: string; whole: string | null; fitted: string | null; same: boolean | null}>(
      'select t as text, cast_or_null(t) as whole, fitted(t) as fitted, fitted(t)::numeric = cast_or_null(t)::numeric as same from unnest($1::text[]) t',
      [texts],
    )
    for (const {text, whole, fitted, same} of rows) {
      const read = readDecimal(text)
      expect(typeof read === 'string', `${text} as numeric`).toBe(whole !== null)
      if (typeof read === 'string') expect(compareDecimals(read, whole), text).toBe(0)
      const exact = readDecimal(text, 20, 8)
      expect(typeof exact === 'string', `${text} as numeric(20,8)`).toBe(fitted !== null && same === true)
      if (typeof exact === 'string') expect(exact, 'no exponent is left').toMatch(/^-?\d+(\.\d+)?$/)
    }
  })
})
