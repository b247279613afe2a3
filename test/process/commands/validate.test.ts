import {gzipSync} from 'node:zlib'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {directoryWith} from '../../helpers/files.js'

const row = {
  coinId: 'bitcoin',
  symbol: 'BTC',
  name: 'Bitcoin',
  exchangeId: 'binance',
  usdPrice: '67000.1',
  time: '2026-03-01T11:59:00Z',
  lastUpdated: '2026-03-01T11:58:00Z',
  source: 'feed',
  attribution: 'none',
}
const rows = `${JSON.stringify(row)}\n${JSON.stringify({...row, usdPrice: 0})}\n{"coinId":\n`

describe('validate', () => {
  it('reports what is wrong, line by line, and exits 3', async () => {
    const cwd = directoryWith({'rows.ndjson': rows})
    const result = await runCli(['validate', 'price', 'rows.ndjson', '--as-of', 'row'], {cwd})
    expectExit(result, 3)
    expect(result.stdout).toBe(
      [
        ' LINE  COLUMN    PROBLEM',
        '!   2  usdPrice  "0" must be more than 0 (crypto_prices_price_positive)',
        '!   3  -         ends where a value was expected (column 11)',
        'rows.ndjson: 3 rows of crypto_prices, 1 valid, 2 invalid.',
        '',
      ].join('\n'),
    )
    expect(result.stderr).toBe('')
  })

  it('reads stdin and gzip, and prints one document with --json', async () => {
    const expected = {
      kind: 'validate',
      version: 1,
      target: null,
      type: 'price',
      table: 'crypto_prices',
      format: 'ndjson',
      valid: 1,
      invalid: 2,
    }
    const piped = await runCli(['validate', 'price', '--as-of', 'off', '--json'], {stdin: rows})
    expectExit(piped, 3)
    expect(jsonOf(piped)).toMatchObject({...expected, file: 'stdin'})
    const cwd = directoryWith({})
    writeFileSync(join(cwd, 'rows.gz'), gzipSync(rows))
    const packed = await runCli(
      ['validate', 'public.crypto_prices', 'rows.gz', '--as-of', '2026-03-01T12:00', '--limit', '1', '--json'],
      {cwd},
    )
    expect(jsonOf(packed)).toMatchObject({
      ...expected,
      type: 'public.crypto_prices',
      file: 'rows.gz',
      errors: [{line: 2, path: 'usdPrice'}],
    })
  })

  it('accepts the tables of the configuration', async () => {
    const cwd = directoryWith({
      'qicore-db.config.yaml':
        'version: 1\ntables:\n  desk_b.ticks:\n    columns: [{name: time, type: timestamptz}, {name: "Best Price", type: "numeric(10,2)"}]\n    primaryKey: [time]\n    checks: [{name: ticks_check, expression: \'"Best Price" > 0\'}]\n',
      'ticks.csv': 'time,Best Price\n2026-03-01T00:00:00Z,5.25\n2026-03-01T00:00:01Z,5.255\n2026-03-01T00:00:02Z,0\n',
    })
    const result = await runCli(['validate', 'desk_b.ticks', 'ticks.csv', '--json'], {cwd})
    expectExit(result, 3)
    expect(jsonOf(result)).toMatchObject({
      valid: 1,
      errors: [
        {line: 3, path: 'Best Price', message: '"5.255" has more than 2 decimal places'},
        {line: 4, path: 'Best Price', message: '"0" must be more than 0 (ticks_check)'},
      ],
    })
  })

  it.each([
    [['validate', 'prise', 'rows.ndjson'], 'NO_SUCH_TYPE'],
    [['validate', 'price', 'none.ndjson'], 'NO_FILE'],
    [['validate', 'price', '.'], 'NO_FILE'],
    [['validate', 'price', 'empty'], 'BAD_FILE'],
    [['validate', 'price', 'list.json'], 'BAD_FILE'],
    [['validate', 'price', 'rows.ndjson', '--as-of', 'yesterday'], 'INSTANT'],
  ])('%j exits 2 with a code', async (args, code) => {
    const cwd = directoryWith({'rows.ndjson': rows, empty: '', 'list.json': '[{}]'})
    const result = await runCli([...args, '--json'], {cwd})
    expectExit(result, 2)
    expect(jsonOf(result)).toMatchObject({error: {code, exitCode: 2}})
  })
})
