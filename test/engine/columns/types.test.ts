import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {z} from 'zod'
import * as columns from '../../../src/columns/types.js'
import {forEachEngine} from '../../helpers/engines.js'

const digits = (n: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${n}}$`))
const calendar = fc
  .tuple(fc.integer({min: 0, max: 9999}), fc.integer({min: 0, max: 13}), fc.integer({min: 0, max: 32}))
  .map(([y, m, d]) => `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`)
const clock = fc
  .tuple(
    fc.integer({min: 0, max: 25}),
    fc.integer({min: 0, max: 61}),
    fc.integer({min: 0, max: 61}),
    fc.option(digits(8), {nil: undefined}),
  )
  .map(
    ([h, m, s, f]) =>
      `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}:${String(s).padStart(2, '0')}${f === undefined ? '' : `.${f}`}`,
  )
const zone = fc.constantFrom('Z', 'z', '+00', '-05', '+05:30', '+0530', '-15:59', '+16', '+24:00', ' UTC', '')
const words = fc.constantFrom(
  'infinity',
  '-infinity',
  'now',
  'epoch',
  'NaN',
  'null',
  '',
  ' ',
  'true',
  '\\x',
  'nul\0l',
  'é',
  '👩‍💻',
  '0x1F',
)

/** A column's schema, PostgreSQL's type, and texts that may be values of it. */
const types: Record<
  string,
  {schema: z.ZodType; sql: string; from: fc.Arbitrary<string>; read?: (text: string) => unknown}
> = {
  'varchar(3)': {
    schema: columns.varchar(3),
    sql: 'varchar(3)',
    from: fc.oneof(fc.string({maxLength: 5}), fc.string({maxLength: 5, unit: 'binary'})),
  },
  'char(3)': {schema: columns.char(3), sql: 'char(3)', from: fc.string({maxLength: 5, unit: 'grapheme'})},
  text: {schema: columns.text(), sql: 'text', from: fc.string({unit: 'binary'})},
  timestamptz: {
    schema: columns.timestamptz(),
    sql: 'timestamptz',
    from: fc.tuple(calendar, fc.constantFrom('T', ' '), clock, zone).map((parts) => parts.join('')),
  },
  timestamp: {
    schema: columns.timestamp(),
    sql: 'timestamp',
    from: fc.tuple(calendar, fc.constantFrom('T', ' '), clock, zone).map((parts) => parts.join('')),
  },
  date: {schema: columns.date(), sql: 'date', from: calendar},
  uuid: {
    schema: columns.uuid(),
    sql: 'uuid',
    from: fc.oneof(
      fc.uuid(),
      fc.uuid().map((text) => text.slice(1)),
    ),
  },
  inet: {
    schema: columns.inet(),
    sql: 'inet',
    from: fc
      .tuple(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended()),
        fc.option(fc.integer({min: -1, max: 130}), {nil: undefined}),
      )
      .map(([ip, n]) => (n === undefined ? ip : `${ip}/${n}`)),
  },
  bytea: {schema: columns.bytea(), sql: 'bytea', from: fc.stringMatching(/^\\x[0-9a-fA-F]{0,5}$/)},
  interval: {
    schema: columns.interval(),
    sql: 'interval',
    from: fc.constantFrom(
      '1 day',
      '02:00:00',
      'P1DT2H',
      '1 mon -2 days',
      '-3 days 04:05:06.789',
      '1 day ',
      '2 weeks 1 hour',
      '1 fortnight',
      'P',
      'PT',
      '04:05:60',
      '1 day 1 day',
    ),
  },
  integer: {
    schema: columns.integer(),
    sql: 'integer',
    from: fc.bigInt({min: -(2n ** 33n), max: 2n ** 33n}).map(String),
    read: Number,
  },
  smallint: {
    schema: columns.smallint(),
    sql: 'smallint',
    from: fc.integer({min: -40_000, max: 40_000}).map(String),
    read: Number,
  },
  bigint: {
    schema: columns.bigint(),
    sql: 'bigint',
    from: fc.bigInt({min: -(2n ** 65n), max: 2n ** 65n}).map(String),
    read: BigInt,
  },
  jsonb: {
    schema: columns.json(),
    sql: 'jsonb',
    from: fc.json().filter((text) => text !== 'null'),
    read: JSON.parse as never,
  },
}

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it.each(Object.entries(types))(
    '%s accepts nothing that PostgreSQL refuses, truncates or rounds',
    async (_, {schema, sql, from, read}) => {
      const {run} = await engine.database()
      await run(`create table stored (value ${sql})`)
      await run(`create function store(given text) returns text language plpgsql as $f$
      declare result text;
      begin
        execute format('insert into stored values (%L) returning value::text', given) into result;
        return result;
      exception when others then return null;
      end $f$`)
      // NUL cannot be sent at all.
      const texts = [...fc.sample(from, 400), ...fc.sample(words, 20)].filter((text) => !text.includes('\0'))
      const stored = await run<{given: string; result: string | null}>(
        'select given, store(given) as result from unnest($1::text[]) given',
        [texts],
      )
      let taken = 0
      for (const {given, result} of stored) {
        let input: unknown = given
        try {
          if (read && sql !== 'jsonb' && !/^-?\d+$/.test(given)) continue
          input = read ? read(given) : given
        } catch {
          continue
        }
        if (!schema.safeParse(input).success) continue
        taken += 1
        expect(result, `${JSON.stringify(given)} was taken`).not.toBeNull()
        if (['varchar(3)', 'text', 'integer', 'bigint', 'date'].includes(sql)) expect(result).toBe(given)
      }
      expect(taken, 'some of them are right').toBeGreaterThan(5)
    },
  )

  it('timestamptz accepts every instant that PostgreSQL accepts', async () => {
    const {run} = await engine.database()
    const rows = await run<{text: string}>(
      "select to_char(t at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.USZ') as text from generate_series('0001-01-01Z'::timestamptz, '9999-12-01Z', '441 days 13:47:11.123457') t",
    )
    for (const {text} of rows) expect(columns.timestamptz().safeParse(text).success, text).toBe(true)
  })
})

describe('a column', () => {
  it.each([
    [columns.text(), 'nul\0', 'has a NUL character, which PostgreSQL cannot store'],
    [columns.text(), '\ud800', 'has half of a surrogate pair'],
    [columns.varchar(2), 'abc', '"abc" has more than 2 characters'],
    [columns.integer(), '5', '"5" is text: write the number without quotes'],
    [columns.integer(), 2_147_483_648, '2147483648 is not between -2147483648 and 2147483647'],
    [columns.timestamptz(), 1_700_000_000, '1700000000 could be seconds or milliseconds'],
    [columns.timestamptz(), '2026-01-31T12:00:00', 'has no zone'],
    [columns.timestamptz(), '2026-02-30T12:00:00Z', 'does not exist'],
    [columns.timestamptz(), '2026-01-31T12:00:00.1234567Z', 'has more than six decimal places of a second'],
    [columns.timestamptz(), new Date(Number.NaN), 'is an invalid Date'],
    [columns.timestamp(), '2026-01-31T12:00:00Z', 'has a zone, which the column cannot store'],
    [columns.numeric(20, 8), Number.NaN, 'NaN is not a finite number'],
    [columns.numeric(20, 8), 'Infinity', 'is not a finite number'],
    [columns.numeric(20, 8), '1234567890123', 'has more than 12 digits before the point'],
    [columns.boolean(), 'true', 'is neither true nor false'],
    [columns.text(), undefined, 'is missing'],
    [columns.text(), null, 'is empty (NULL) but the column is NOT NULL'],
    [columns.list(columns.integer()), 'a', '"a" is not a list'],
    [columns.json(), {at: new Date(0)}, 'holds a value that JSON cannot represent'],
    [columns.bigint(), 2 ** 53, 'give it as a bigint'],
    [columns.text(), `${'x'.repeat(1e6)}\0`, 'has a NUL character'],
  ])('reports what is wrong (%#)', (schema: z.ZodType, input, message) => {
    const {error} = schema.safeParse(input)
    expect(error?.issues.map((issue) => issue.message).join()).toContain(message)
    expect(error!.issues[0]!.message.length).toBeLessThan(200)
  })

  it('that is a list reports the index of the wrong element', () => {
    const {error} = columns.list(columns.integer()).safeParse([1, null, 'x'])
    expect(error?.issues.map(({path}) => path)).toEqual([[2]])
  })
})
