import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {OpsError} from '../../../src/errors.js'
import {
  formatEpochMicros,
  instantFromServer,
  parseAnyInstant,
  parseInstant,
  secondsBetween,
} from '../../../src/units/instant.js'
import {forEachEngine} from '../../helpers/engines.js'

describe('an instant that a user types', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00Z'],
    ['2026-01', '2026-01-01T00:00:00Z'],
    ['2026-01-31 12:30', '2026-01-31T12:30:00Z'],
    ['2026-01-31T12:30:15Z', '2026-01-31T12:30:15Z'],
    ['2026-01-31T12:30:15.123456Z', '2026-01-31T12:30:15.123456Z'],
    ['2026-01-31T00:30:00+02:00', '2026-01-30T22:30:00Z'],
    ['2026-01-31T00:30:00+02', '2026-01-30T22:30:00Z'],
    ['2026-01-31T00:30:00-0330', '2026-01-31T04:00:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z'],
    ['2026-01-31T24:00', '2026-02-01T00:00:00Z'],
  ])('%s is UTC unless it has an offset', (text, instant) => {
    expect(parseInstant(text)).toBe(instant)
  })

  it.each([
    ['12345-01-02', '12345-01-02T00:00:00Z'],
    ['12345-01-02T12:00:00+02', '12345-01-02T10:00:00Z'],
    ['0044-03-15T00:00:00.5 BC', '0044-03-15T00:00:00.5Z BC'],
    ['0001-01-01T00:00:00+01 BC', '0002-12-31T23:00:00Z BC'],
    ['9999-12-31T23:00:00-02', '10000-01-01T01:00:00Z'],
  ])('%s is a bound of a range of rows, and refused where Date must hold it', (text, instant) => {
    expect(parseAnyInstant(text)).toBe(instant)
    expect(() => parseInstant(text)).toThrow(/is not an instant/)
  })

  it.each([
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-01-31T25:00',
    '2026-1-3',
    '01/02/2026',
    '1700000000',
    '2026-01-31T12:00:00.1234567Z',
    'infinity',
    '2025-02-29',
    '2026-01-31T12:60',
    '2026-01-31T24:00:01',
    '2026-01-31T12:00.5',
    '2026-01-31T12:00+99',
    '0000-01-01',
    '002026-01-01',
    '5000-01-01 BC',
    '294248-01-01',
  ])('%j is refused', (text) => {
    expect(() => parseInstant(text)).toThrow(OpsError)
    expect(() => parseAnyInstant(text)).toThrow(/is not an instant/)
  })

  it('is parsed back unchanged', () => {
    const instants = fc
      .date({min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true})
      .map((date) => date.toISOString())
    fc.assert(fc.property(instants, (text) => Date.parse(parseInstant(text)) === Date.parse(text)))
  })

  it('is parsed back unchanged in every year, as it is printed', () => {
    const [first, last] = [-210_866_803_200_000_000n, 2n ** 63n - 2n]
    fc.assert(
      fc.property(fc.bigInt({min: first, max: last}), (micros) => {
        const text = formatEpochMicros(micros)
        expect(parseAnyInstant(text)).toBe(text)
        expect(parseAnyInstant(text.replace('Z', ''))).toBe(text)
      }),
    )
  })

  it('any text is an instant or a refusal', () => {
    const near = fc.string({unit: fc.constantFrom(...'0123456789-T:Z+. ')})
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        try {
          expect(parseAnyInstant(text)).toMatch(/^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
        } catch (error) {
          expect(error).toBeInstanceOf(OpsError)
        }
      }),
    )
  })
})

it('counts seconds between instants, also in years that only corrupt data has', () => {
  expect(secondsBetween('2026-01-01T00:00:00Z', '2026-01-02T00:00:01Z')).toBe(86_401)
  expect(secondsBetween('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z')).toBe(-86_400)
  expect(secondsBetween('9999-12-31T23:59:59Z', '10000-01-01T00:00:00Z')).toBe(1)
  expect(secondsBetween('2026-01-01T00:00:00Z', '58031-05-19T00:00:00Z')).toBeGreaterThan(0)
  expect(secondsBetween('0001-12-31T23:59:59Z BC', '0001-01-01T00:00:00Z')).toBe(1)
})

forEachEngine({native: true}, (engine) => {
  it('is read from the server to the microsecond, and infinity as no bound', async () => {
    const {db} = await engine.database()
    const [row] = await db.query<Record<string, string | null>>({
      text: "select '0044-03-15 BC'::timestamptz as before, '2026-01-31 12:00:00.000001+00'::timestamptz as micro, '2026-01-31 14:00+02'::timestamptz as zoned, 'infinity'::timestamptz as last, '-infinity'::timestamptz as first, '12026-01-31'::timestamptz as far",
      values: [],
    })
    expect(row).toEqual({
      before: '0044-03-15T00:00:00Z BC',
      micro: '2026-01-31T12:00:00.000001Z',
      zoned: '2026-01-31T12:00:00Z',
      last: null,
      first: null,
      far: '12026-01-31T00:00:00Z',
    })
  })

  it('is sent to the server as the same instant', async () => {
    const {db} = await engine.database()
    const seconds = fc.sample(fc.integer({min: -62_135_596_800, max: 250_000_000_000}), 200)
    const made = await db.query<{time: string}>({
      text: "select timestamptz 'epoch' + s * interval '1 second' + (s % 1000000) * interval '1 microsecond' as time from unnest($1::float8[]::int8[]) with ordinality as given (s, i) order by i",
      values: [seconds],
    })
    const again = await db.query<{time: string}>({
      text: 'select t::timestamptz as time from unnest($1::text[]) with ordinality as given (t, i) order by i',
      values: [made.map(({time}) => time)],
    })
    expect(again).toEqual(made)
  })
})

it('keeps the text of the server', () => {
  expect(instantFromServer('2026-01-31 00:00:00+00')).toBe('2026-01-31T00:00:00Z')
})
