import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import * as generated from '../../../src/qicore/generated/zod.js'
import type {TableDefinition} from '../../../src/schema/definition.js'
import {packageFiles} from '../../../src/schema/package-files.js'
import {propertyNames} from '../../../src/schema/properties.js'
import {qicore} from '../../../src/qicore/definition.js'
import {readCheck} from '../../../src/schema/zod/expression.js'
import {evaluate} from '../../../src/schema/zod/conditions.js'
import {tableSchemaOf, type TableSchema} from '../../../src/schema/zod/table-schema.js'
import {root} from '../../helpers/build.js'
import {forEachEngine} from '../../helpers/engines.js'
import {rowsOf} from '../../helpers/schema-rows.js'

const schemas: Record<string, TableSchema> = {
  exchanges: generated.exchangesSchema,
  crypto_prices: generated.cryptoPricesSchema,
  ohlcv_data: generated.ohlcvDataSchema,
  market_analytics: generated.marketAnalyticsSchema,
  level1_data: generated.level1DataSchema,
} as unknown as Record<string, TableSchema>

describe('what is generated of the definitions and committed', async () => {
  it.each((await packageFiles()).map((file) => [file.path, file] as const))(
    '%s is up to date (npm run generate)',
    (path, {text}) => {
      expect(readFileSync(join(root, path), 'utf8')).toBe(text)
    },
  )
})

describe.each(qicore.tables.map((table) => [table.name, table] as const))('%s', (name, table) => {
  it('the generated module and the schema that is built at run time report the same errors', async () => {
    const atRunTime = await tableSchemaOf(table)
    fc.assert(
      fc.property(rowsOf(table), fc.constantFrom('', 'extra', '__proto__'), (row, more) => {
        const input = more === '' ? row : Object.defineProperty({...row}, more, {value: 1, enumerable: true})
        const [one, other] = [schemas[name]!.safeParse(input), atRunTime.safeParse(input)]
        const messages = ({error}: typeof one) =>
          error?.issues.map(({path, message}) => `${path.join('.')}: ${message}`)
        expect(messages(one)).toEqual(messages(other))
        expect(one.data).toEqual(other.data)
      }),
    )
  })

  it('has all checks that can be evaluated outside of the database', async () => {
    for (const {expression} of table.checks ?? []) expect(await readCheck(expression, table), expression).not.toBeNull()
  })
})

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it.each(qicore.tables.filter(({checks}) => checks).map((table) => [table.name, table] as const))(
    'the checks of %s give the same result as PostgreSQL',
    async (_, table) => {
      const {run} = await engine.database()
      await agrees(run, table, fc.sample(rowsOf(table), 300))
    },
  )

  it('any condition over columns gives the same result as PostgreSQL, or is left to it', async () => {
    const {run} = await engine.database()
    const table: TableDefinition = {
      schema: 'public',
      name: 't',
      doc: '',
      primaryKey: ['a'],
      columns: [
        ...['a', 'b', 'c'].map((name) => ({name, type: 'numeric', nullable: true})),
        {name: 'n', type: 'integer', nullable: true},
        {name: 's', type: 'text', nullable: true},
        {name: 'f', type: 'boolean', nullable: true},
        {name: 't', type: 'timestamptz', nullable: true},
      ],
      checks: fc.sample(conditions, 200).map((expression, index) => ({name: `check_${index}`, expression})),
    }
    const small = fc.option(
      fc.constantFrom('0', '1', '-1', '0.5', '2', '1.5', '100000000000000000000.01', '100000000000000000000.02'),
      {freq: 5},
    )
    const rows = fc.sample(
      fc.record({
        a: small,
        b: small,
        c: small,
        n: fc.option(fc.integer({min: -2, max: 2})),
        s: fc.option(fc.constantFrom('x', 'y', "it's", '')),
        f: fc.option(fc.boolean()),
        t: fc.option(
          fc.constantFrom(
            '2026-01-01T00:00:00Z',
            '2026-01-01T00:00:00.000001Z',
            '2026-01-01T01:00:00+01:00',
            '2025-12-31T23:59:59.999999Z',
          ),
        ),
      }),
      30,
    )
    const translated = await agrees(run, table, rows)
    expect(translated, 'most of them can be said').toBeGreaterThan(100)
  })

  it.each([
    'now() > t',
    'a / b > 1',
    'a is distinct from b',
    "s like 'x%'",
    "s < 'y'",
    'length(s) < 3',
    'a::integer > 1',
    'true',
    '(select true)',
    "t > '2026-01-01'",
    'a > 1; drop table t',
    'a >',
    'unknown > 1',
    "s || 'x' = 'yx'",
  ])('leaves %s to the database', async (expression) => {
    const columns = [
      {name: 'a', type: 'numeric'},
      {name: 'b', type: 'numeric'},
      {name: 's', type: 'text'},
      {name: 't', type: 'timestamptz'},
    ]
    expect(await readCheck(expression, {columns})).toBeNull()
  })
})

/** Conditions of the kinds that checks consist of. */
const {condition: conditions} = fc.letrec<{condition: string; number: string}>((tie) => ({
  number: fc.oneof(
    {maxDepth: 2},
    fc.constantFrom('a', 'b', 'c', 'n', '0', '1', '-1', '1.5', '100000000000000000000.01'),
    fc.tuple(tie('number'), fc.constantFrom('+', '-', '*'), tie('number')).map(([l, o, r]) => `(${l} ${o} ${r})`),
  ),
  condition: fc.oneof(
    {maxDepth: 3},
    fc
      .tuple(tie('number'), fc.constantFrom('=', '<>', '!=', '<', '<=', '>', '>='), tie('number'))
      .map((parts) => parts.join(' ')),
    fc.tuple(tie('number'), tie('number'), tie('number')).map(([x, low, high]) => `${x} between ${low} and ${high}`),
    fc.constantFrom(
      "s = 'x'",
      "s <> 'it''s'",
      "s in ('x', 'y')",
      "s not in ('x', '')",
      'a in (1, 2, b)',
      'f',
      'not f',
      's is null',
      'a is not null',
      "t >= '2026-01-01 00:00:00+00'",
      "t < timestamptz '2026-01-01 00:00:00.000001+00'",
      "t = '2026-01-01T01:00:00+01:00'::timestamptz",
    ),
    fc.tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition')).map(([l, o, r]) => `(${l} ${o} ${r})`),
    tie('condition').map((inner) => `not (${inner})`),
  ),
}))

type Run = (text: string, values?: readonly (string | readonly string[])[]) => Promise<Record<string, unknown>[]>

/** Evaluates every check and row in PostgreSQL and here; returns how many checks could be evaluated here. */
async function agrees(run: Run, table: TableDefinition, rows: readonly Record<string, unknown>[]): Promise<number> {
  const properties = propertyNames(table.columns.map(({name}) => name))
  await run(
    `create table checked (${table.columns.map(({name, type}) => `"${name}" ${type.replace('serial', 'int')}`).join(', ')})`,
  )
  const sound = await tableSchemaOf({...table, checks: [], columns: table.columns})
  const usable = rows.flatMap((row) => {
    const {data} = sound.safeParse(row)
    return data ? [data as Record<string, unknown>] : []
  })
  expect(usable.length, 'rows to ask about').toBeGreaterThan(5)
  const byColumn = usable.map((row) =>
    Object.fromEntries(table.columns.map(({name}) => [name, row[properties.get(name)!] ?? null])),
  )
  let translated = 0
  for (const {name, expression} of table.checks ?? []) {
    const parts = await readCheck(expression, table)
    if (parts === null) continue
    translated += 1
    const theirs = await run(`select (${expression}) as holds from json_populate_recordset(null::checked, $1::json)`, [
      JSON.stringify(byColumn),
    ])
    for (const [index, row] of usable.entries())
      expect(
        evaluate({is: 'and', of: parts}, properties, row),
        `${name}: ${expression} of ${JSON.stringify(byColumn[index])}`,
      ).toBe(theirs[index]!.holds)
  }
  return translated
}
