import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ident, inline, literal, quoteIdent, quoteLiteral, raw, sql, statement, type Value} from '../../../src/db/sql.js'
import {forEachEngine} from '../../helpers/engines.js'

describe('a statement', () => {
  it('makes a parameter of every value and text of every fragment', () => {
    const made = sql`select ${1}, ${'a'} from ${ident('My Schema', 'a"b')} where x = ${literal("it's")} limit ${2}`
    expect(made).toEqual({
      text: `select $1, $2 from "My Schema"."a""b" where x = 'it''s' limit $3`,
      values: [1, 'a', 2],
    })
  })

  it('is printed with its constants, but not inside of strings, names and comments', () => {
    expect(inline(statement(`select $1, '$1', "$1" -- $1\n, $2`, ["it's", null]))).toBe(
      `select 'it''s', '$1', "$1" -- $1\n, null`,
    )
    expect(inline(statement('select 1 -$1', [-5]))).toBe('select 1 -(-5)')
  })
})

/** Text that PostgreSQL can store: no NUL, no half of a surrogate pair, with many quotes and backslashes. */
const text = fc.oneof(
  fc.string({unit: 'binary', maxLength: 20}).filter((given) => !given.includes('\0')),
  fc.string({
    unit: fc.constantFrom("'", '"', '\\', '$', '$1', ';', '--', '/*', '\n', 'E', '{', ',', ' ', 'é', '🦀'),
    maxLength: 12,
  }),
)
const name = text.filter((given) => given !== '' && Buffer.byteLength(given) <= 63)
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({noNaN: true, noDefaultInfinity: true}),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, -0),
)

forEachEngine({}, (engine) => {
  it('parses every quoted constant back to its value', async () => {
    const {db} = await engine.database()
    for (const standardStrings of ['on', 'off']) {
      const texts = fc.sample(text, 300)
      // The setting of another session into which a dry run's script may be pasted.
      const rows = await db.transaction({readOnly: true, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
        await tx.query(
          statement(
            `select set_config('standard_conforming_strings', '${standardStrings}', true), set_config('escape_string_warning', 'off', true)`,
          ),
        )
        return tx.query<{value: string}>(
          statement(
            `select value from (values ${texts.map((given, index) => `(${index}, ${quoteLiteral(given)})`).join(', ')}) as given (position, value) order by position`,
          ),
        )
      })
      expect(rows.map(({value}) => value)).toEqual(texts)
    }
    const numbers = fc.sample(number, 200)
    const [row] = await db.query<{values: number[]}>(
      statement(`select array[${numbers.map((given) => `${quoteLiteral(given)}::float8`).join(', ')}] as values`),
    )
    expect(row!.values.map((value) => (value === 0 ? 0 : value))).toEqual(
      numbers.map((value) => (value === 0 ? 0 : value)),
    )
  })

  it('finds every quoted name again', async () => {
    const {run} = await engine.database()
    const names = [...new Set(fc.sample(name, 100))]
    const [row] = await run<Record<string, number>>(
      `select ${names.map((given, index) => `${index} as ${quoteIdent(given)}`).join(', ')}`,
    )
    expect(row).toEqual(Object.fromEntries(names.map((given, index) => [given, index])))
    for (const [schema, table] of fc.sample(fc.tuple(name, name), 5)) {
      await run(sql`create schema if not exists ${ident(schema.replace(/^pg_/, 'x'))}`)
      await run(sql`create table ${ident(schema.replace(/^pg_/, 'x'), table)} (x int)`)
      const found = await run({
        text: 'select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = $1 and relname = $2',
        values: [schema.replace(/^pg_/, 'x'), table],
      })
      expect(found).toHaveLength(1)
    }
  })

  it('with its constants inlined returns the same as with parameters', async () => {
    const {db} = await engine.database()
    const scalar: fc.Arbitrary<Value> = fc.oneof(text, fc.constant(null))
    const question = `select $1::text as a, $2::float8 - $3::int as b, $4::text[] as c, '$1' as d, $5::boolean as e, $6::jsonb->>'k' as f, $1::text || '''$2''' as g`
    const given = fc.record({
      a: scalar,
      b: number,
      c: fc.integer({min: -2_147_483_648, max: 2_147_483_647}),
      d: fc.array(text, {maxLength: 4}),
      e: fc.boolean(),
      f: text,
    })
    for (const {a, b, c, d, e, f} of fc.sample(given, 40)) {
      const asked = statement(question, [a, b, c, d, e, JSON.stringify({k: f})])
      const [[bound], [inlined]] = [await db.query(asked), await db.query(statement(inline(asked)))]
      expect(inlined, inline(asked)).toEqual(bound)
    }
  })

  it('accepts raw text only if that is explicit', async () => {
    const {db} = await engine.database()
    expect(await db.query(sql`select ${raw('1 + 1')} as two, ${'1 + 1'}::text as words`)).toEqual([
      {two: 2, words: '1 + 1'},
    ])
  })
})
