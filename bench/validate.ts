/**
 * `validate` against JSON.parse and zod's parse of the same lines, in one run; and the memory for a file of a hundred
 * times the size.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Readable} from 'node:stream'
import {known} from '../src/qicore/validation.js'
import type {Source} from '../src/validation/bytes.js'
import {fileSource} from '../src/validation/bytes.js'
import {validateFile} from '../src/validation/file.js'
import {cryptoPrices} from '../src/qicore/tables/crypto-prices.js'
import {race, report} from './measure.js'

const count = Number(process.env.ROWS ?? 50_000)
const start = Date.parse('2026-01-01T00:00:00Z')

/** Rows in the form in which a feed writes them. */
function row(index: number) {
  const time = start + index * 1000
  return {
    coin_id: `coin${index % 200}`,
    symbol: `C${index % 200}`,
    name: `Coin number ${index % 200}`,
    exchange_id: ['binance', 'coinbase', 'kraken', 'bitstamp'][index % 4]!,
    usd_price: (60_000 + index / 7).toFixed(8),
    btc_price: '1.00000000',
    eth_price: (18 + index / 1e5).toFixed(8),
    market_cap: (1.2e12 + index).toFixed(2),
    volume_24h: (3e10 + index).toFixed(2),
    change_24h: '1.2500',
    change_7d: '-3.5000',
    time: new Date(time).toISOString(),
    last_updated: new Date(time - 5000).toISOString(),
    source: 'bench',
    attribution: 'none',
  }
}
const camel = (text: string) => text.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const lines = Array.from({length: count}, (_, index) =>
  JSON.stringify(Object.fromEntries(Object.entries(row(index)).map(([key, value]) => [camel(key), value]))),
)
const header = Object.keys(row(0))
const csv = `${header.join(',')}\n${Array.from({length: count}, (_, index) => Object.values(row(index)).join(',')).join('\n')}\n`

const directory = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))
try {
  writeFileSync(join(directory, 'rows.ndjson'), `${lines.join('\n')}\n`)
  writeFileSync(join(directory, 'rows.csv'), csv)
  const validate = async (source: Source) => {
    const {valid, invalid} = await validateFile(source, known.price, cryptoPrices, {asOf: 'row', limit: 20})
    if (invalid > 0 || valid === 0) throw new Error(`${valid} valid, ${invalid} invalid`)
  }
  const taken = await race(Number(process.env.ROUNDS ?? 7), {
    'JSON.parse and zod': () => {
      for (const line of lines) if (!known.price.schema.safeParse(JSON.parse(line)).success) throw new Error(line)
    },
    'validate price rows.ndjson': async () => validate(await fileSource(join(directory, 'rows.ndjson'))),
    'validate price rows.csv': async () => validate(await fileSource(join(directory, 'rows.csv'))),
  })
  const base = taken['JSON.parse and zod'].median
  report(`Validation of ${count} rows`, Object.values(taken), [
    {what: 'NDJSON, time over JSON.parse and zod', ratio: taken['validate price rows.ndjson'].median / base, atMost: 2},
    {what: 'CSV, the same rows', ratio: taken['validate price rows.csv'].median / base, atMost: 2},
  ])

  const block = Buffer.from(`${lines.slice(0, 1000).join('\n')}\n`)
  const peak = async (blocks: number) => {
    let most = 0
    const source: Source = {
      name: 'stream',
      size: null,
      open: () => Readable.from(repeat(block, blocks), {objectMode: false}),
    }
    globalThis.gc?.()
    await validateFile(source, known.price, cryptoPrices, {
      asOf: 'row',
      limit: 20,
      onProgress: () => (most = Math.max(most, process.memoryUsage().rss)),
    })
    return most / 1024 / 1024
  }
  const small = await peak(20)
  const large = await peak(2000)
  process.stdout.write(
    `  peak memory: ${small.toFixed(0)} MB for 20 000 rows, ${large.toFixed(0)} MB for 2 000 000 (${((block.length * 2000) / 1e6).toFixed(0)} MB)\n`,
  )
} finally {
  rmSync(directory, {recursive: true, force: true})
}

function* repeat(block: Buffer, times: number): Generator<Buffer> {
  for (let index = 0; index < times; index += 1) yield block
}
