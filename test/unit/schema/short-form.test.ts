import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {OpsError} from '../../../src/errors.js'
import {qicore} from '../../../src/qicore/definition.js'
import {readDefinitions} from '../../../src/schema/short-form.js'
import {cryptoPrices} from '../../../src/qicore/tables/crypto-prices.js'

/** As the seed has them. */
const seed = [
  {
    dslType: 'CryptoPriceData',
    tableName: 'crypto_prices',
    hypertable: true,
    partitionBy: ['exchange_id'],
    compression: {after: '7 days', segmentBy: ['exchange_id', 'coin_id']},
  },
  {
    dslType: 'CryptoOHLCVData',
    tableName: 'ohlcv_data',
    hypertable: true,
    partitionBy: ['exchange_id'],
    compression: {after: '30 days', segmentBy: ['exchange_id', 'coin_id', 'timeframe']},
  },
  {
    dslType: 'CryptoMarketAnalytics',
    tableName: 'market_analytics',
    hypertable: true,
    compression: {after: '14 days', segmentBy: ['exchange_id']},
  },
]

const mistakes = (input: unknown) => {
  try {
    readDefinitions(input, 'it')
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(OpsError)
    expect((error as OpsError).exitCode).toBe(2)
    return (error as OpsError).message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- /, ''))
  }
}

describe('the short form', () => {
  it('expands to the tables that are defined in full', () => {
    const {tables} = readDefinitions(seed, 'the seed')
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown
    for (const [index, name] of ['crypto_prices', 'ohlcv_data', 'market_analytics'].entries())
      expect(plain(tables[index])).toEqual(plain(qicore.tables.find((table) => table.name === name)))
  })

  it('coexists with the full form, with other names for constraints and indexes that are taken', () => {
    const {tables} = readDefinitions(
      {tables: [cryptoPrices, {...seed[0], tableName: 'desk prices', schema: 'desk_b'}]},
      'it',
    )
    const names = tables.map((table) =>
      [...(table.uniques ?? []), ...(table.indexes ?? []), ...(table.checks ?? []), ...(table.foreignKeys ?? [])].map(
        ({name}) => name,
      ),
    )
    expect(names[1]!.filter((name) => names[0]!.includes(name))).toEqual([])
    expect(tables[1]).toMatchObject({
      schema: 'desk_b',
      name: 'desk prices',
      primaryKey: ['id', 'time', 'exchange_id'],
      hypertable: {space: {column: 'exchange_id', partitions: 4}},
    })
    expect(tables[1]!.triggers).toBeUndefined()
  })

  it('reports all errors together, by their path in the input', () => {
    expect(
      mistakes([
        {...seed[0], compression: {after: '7 days', segmentBy: ['exchange_id', 'exchange']}},
        {...seed[1], dslType: 'CryptoCandle'},
        {...seed[2], partitionBy: ['market'], compression: {after: '7', segmentBy: []}, chunk: 1},
        {...seed[2], tableName: 'x'.repeat(64), partitionBy: ['market']},
        {...seed[1], tableName: 'c', partitionBy: ['symbol']},
        {
          ...cryptoPrices,
          name: 'other',
          retention: {after: '1 day'},
          indexes: [],
          checks: [],
          foreignKeys: [],
          triggers: [],
        },
      ]),
    ).toEqual([
      expect.stringMatching(
        /^tables\[1\]\.dslType: "CryptoCandle" is not a known type. Known types: CryptoPriceData, /,
      ) as string,
      expect.stringMatching(/^tables\[2\]: .*chunk/) as string,
      'tables[0].compression.segmentBy[1]: crypto_prices has no column "exchange"',
      `tables[3].tableName: "${'x'.repeat(64)}" is longer than 63 bytes`,
      ...mistakes([null, null, null, {...seed[2], tableName: 'x'.repeat(64), partitionBy: ['market']}]).filter(
        (line) => line.startsWith('tables[3]') && !line.startsWith('tables[3].tableName'),
      ),
      'tables[4].uniques[0].columns: it must include symbol, which the table is partitioned by',
      'tables[5].retention.after: 1 day is shorter than a chunk (7 days): a chunk is dropped only when all its rows are that old',
      'tables[5].compression.after: rows are dropped after 1 day, before they would be compressed',
    ])
  })

  it.each([
    undefined,
    null,
    5,
    'tables',
    {},
    {tables: {}},
    [5],
    [null],
    [{tableName: 'x'}],
    [{tableName: null}],
    JSON.parse('{"__proto__":{"tables":[]}}'),
  ])('refuses input that is not a list of definitions (%#)', (input) => {
    expect(mistakes(input).length).toBeGreaterThan(0)
  })

  it('throws only OpsError, whatever the input', () => {
    const entry = fc.oneof(
      fc.anything(),
      fc.record({
        dslType: fc.constantFrom('CryptoPriceData', 'x'),
        tableName: fc.string(),
        hypertable: fc.boolean(),
        partitionBy: fc.array(fc.string(), {maxLength: 2}),
      }),
    )
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.array(entry), fc.record({tables: fc.array(entry)})), (input) => {
        mistakes(input)
      }),
    )
  })
})
