import {Readable} from 'node:stream'
import {gzipSync} from 'node:zlib'
import {stringify} from 'csv-stringify/sync'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {exchanges} from '../../../src/qicore/tables/exchanges.js'
import {cryptoPrices} from '../../../src/qicore/tables/crypto-prices.js'
import {known} from '../../../src/qicore/validation.js'
import {fileSource} from '../../../src/validation/bytes.js'
import {validateFile, type FileOptions} from '../../../src/validation/file.js'
import {validatedOf} from '../../../src/validation/of-table.js'
import {rowsOf} from '../../helpers/schema-rows.js'
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
const header = 'coin_id,symbol,name,exchange_id,usd_price,time,last_updated,source,attribution'
const line = 'bitcoin,BTC,Bitcoin,binance,67000.1,2026-03-01T11:59:00Z,2026-03-01T11:58:00Z,feed,none'

/** Reads it in pieces of any size, as from a pipe. */
function validate(content: string | Buffer, options: Partial<FileOptions> & {piece?: number} = {}) {
  const bytes = Buffer.from(content)
  const piece = options.piece ?? 65_536
  const pieces = Array.from({length: Math.ceil(bytes.length / piece)}, (_, index) =>
    bytes.subarray(index * piece, (index + 1) * piece),
  )
  return validateFile({name: 'rows', size: null, open: () => Readable.from(pieces)}, known.price, cryptoPrices, {
    asOf: 'row',
    limit: 20,
    ...options,
  })
}

const text = (changes: object) => JSON.stringify({...row, ...changes})

describe('NDJSON', () => {
  it('counts valid and invalid rows, with lines', async () => {
    expect(
      await validate(
        [text({}), text({usdPrice: -1}), '', text({symbol: 5}), '   ', text({usdPrice: '0.00000001'})].join('\r\n'),
      ),
    ).toEqual({
      format: 'ndjson',
      valid: 2,
      invalid: 2,
      errors: [
        {line: 2, path: 'usdPrice', message: '"-1" must be more than 0 (crypto_prices_price_positive)'},
        {line: 4, path: 'symbol', message: '5 is not text'},
      ],
    })
  })

  it.each([
    ['a broken line', '{"coinId":', 'ends where a value was expected (column 11)'],
    ['a list', '[1]', 'is not a JSON object'],
    ['a bare NUL', '{"a":"\0"}', 'has a bare NUL within a string (column 7)'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'is not UTF-8'],
    [
      'half of a character',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')]),
      'is not UTF-8',
    ],
    ['two equal keys', '{"usdPrice":1,"usdPrice":2}', 'has the key "usdPrice" twice (column 15)'],
    ['a key of prototypes', '{"__proto__":1}', 'has the key "__proto__", which cannot be a column name (column 2)'],
    ['a line that is too long', `{"a":"${'x'.repeat(1_100_000)}"}`, 'is longer than 1048576 bytes'],
  ])('reports %s with its line, and continues', async (_, broken, message) => {
    for (const piece of [1000, 65_536]) {
      const summary = await validate(
        Buffer.concat([Buffer.from(`${text({})}\n`), Buffer.from(broken as string), Buffer.from(`\n${text({})}`)]),
        {piece},
      )
      expect(summary).toEqual({format: 'ndjson', valid: 2, invalid: 1, errors: [{line: 2, path: null, message}]})
    }
  })

  it('keeps the errors of the first rows only, and counts all', async () => {
    const {valid, invalid, errors} = await validate(Array.from({length: 3000}, () => text({usdPrice: 0})).join('\n'), {
      limit: 2,
    })
    expect({valid, invalid, lines: errors.map((error) => error.line)}).toEqual({valid: 0, invalid: 3000, lines: [1, 2]})
  })

  it('needs no more memory for a file of a gigabyte than for a small one', async () => {
    const block = Buffer.from(`${text({})}\n`.repeat(1000))
    const sizes: number[] = []
    const source = {
      name: 'rows',
      size: null,
      open: () =>
        Readable.from(
          (function* () {
            for (let index = 0; index < 80; index += 1) yield block
          })(),
        ),
    }
    await validateFile(source, known.price, cryptoPrices, {
      asOf: 'row',
      limit: 20,
      onProgress: () => sizes.push(process.memoryUsage().arrayBuffers),
    })
    expect(Math.max(...sizes.slice(-10))).toBeLessThan(Math.max(...sizes.slice(0, 10)) + 20 * block.length)
  })
})

describe('CSV', () => {
  it('is read by its header, in any order, with column names or property names', async () => {
    expect(await validate(`${header}\n${line}\n`)).toMatchObject({format: 'csv', valid: 1, invalid: 0})
    expect(
      await validate(
        `attribution,lastUpdated,time,usdPrice,exchangeId,name,symbol,coinId,source\nnone,2026-03-01T11:58:00Z,2026-03-01T11:59:00Z,1,b,n,s,c,f`,
      ),
    ).toMatchObject({valid: 1})
  })

  it('distinguishes an empty text from no value by quotes', async () => {
    const {errors} = await validate(`${header}\n${line.replace(',feed,', ',,')}\n${line.replace(',feed,', ',"",')}\n`)
    expect(errors).toEqual([{line: 2, path: 'source', message: 'is empty (NULL) but the column is NOT NULL'}])
  })

  it('counts lines correctly if a cell has line breaks', async () => {
    const {errors, valid} = await validate(
      `${header}\r\n${line.replace('none', '"two\r\nlines"')}\r\n${line.replace('67000.1', '"-1"')}\r\n\r\n${line.replace('67000.1', 'x')}`,
    )
    expect(valid).toBe(1)
    expect(errors.map((error) => [error.line, error.path])).toEqual([
      [4, 'usd_price'],
      [6, 'usd_price'],
    ])
  })

  it.each([
    ['a row that is too short', 'bitcoin,BTC', 'has 2 cells, and the header 9'],
    [
      'a quote in the middle',
      line.replace('BTC', 'B"T"C'),
      'is not CSV: Invalid Opening Quote: a quote is found on field 1',
    ],
    ['invalid UTF-8', Buffer.concat([Buffer.from(line), Buffer.from([0xff])]), 'is not UTF-8'],
  ])('reports %s with its line, and continues', async (_, broken, message) => {
    const summary = await validate(
      Buffer.concat([Buffer.from(`${header}\n${line}\n`), Buffer.from(broken as string), Buffer.from(`\n${line}`)]),
    )
    expect(summary).toMatchObject({valid: 2, invalid: 1})
    expect(summary.errors[0]).toMatchObject({line: 3, path: null})
    expect(summary.errors[0]!.message).toContain(message)
  })

  it('refuses a header that does not match, naming every wrong column', async () => {
    await expect(validate(`coin_id,coinId,color,,symbol\n`)).rejects.toThrow(
      /^rows:1: the header has coin_id twice; it has "color", which is not a column of crypto_prices; it has a column without a name, .*; it has no name, exchange_id, usd_price, time, last_updated, source, attribution\.$/,
    )
  })

  it('reports where an unterminated quote begins, and the invalid rows before it', async () => {
    const end = {path: null, message: 'opens a quote that is never closed; what follows it was not checked'}
    const long = await validate(`${header}\n${line}\n"${`${line}\n`.repeat(20_000)}`)
    expect(long).toMatchObject({valid: 1, invalid: 1, errors: [{line: 3, ...end}]})
    const bad = 'a,b'
    const last = await validate(`${header}\n${`${bad}\n`.repeat(5)}${line}\n"${line}`)
    expect(last).toMatchObject({valid: 1, invalid: 6})
    expect(last.errors.map(({line: at}) => at)).toEqual([2, 3, 4, 5, 6, 8])
    expect(last.errors.at(-1)).toEqual({line: 8, ...end})
  })

  it('gives the same result for rows as NDJSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rowsOf(cryptoPrices), {minLength: 1, maxLength: 20}),
        fc.boolean(),
        async (rows, quoted) => {
          const columns = Object.keys(row).concat('id', 'btcPrice', 'marketCap', 'change24h')
          const table = rows.map((each) => columns.map((column) => each[column] ?? null))
          const csv = stringify([columns, ...table], {
            quoted_empty: true,
            quoted: false,
            quoted_string: quoted,
            cast: {boolean: String},
          })
          const json = rows
            .map((each) => JSON.stringify(Object.fromEntries(columns.map((column) => [column, each[column] ?? null]))))
            .join('\n')
          const counts = async (content: string) => {
            const {valid, invalid} = await validate(content)
            return {valid, invalid}
          }
          expect(await counts(csv)).toEqual(await counts(json))
        },
      ),
      {numRuns: 30},
    )
  })

  it('converts cells to the types of their columns', async () => {
    const {validated} = {validated: await validatedOf(exchanges)}
    const of = (content: string) =>
      validateFile(
        {name: 'rows', size: null, open: () => Readable.from([Buffer.from(content)])},
        validated,
        exchanges,
        {asOf: 'off', limit: 20},
      )
    const {errors, valid} = await of(
      'id,name,is_active,supported_pairs,withdrawal_fees\na,A,t,"[""BTC-USD""]","{""BTC"": 0.0005}"\nb,B,maybe,{BTC-USD},{\n',
    )
    expect(valid).toBe(1)
    expect(errors).toEqual([
      {line: 3, path: 'supported_pairs', message: 'is not JSON: has "B" where a key was expected (character 2)'},
      {line: 3, path: 'withdrawal_fees', message: 'is not JSON: ends where a key was expected (character 2)'},
      {line: 3, path: 'is_active', message: '"maybe" is neither true nor false'},
    ])
  })
})

describe('a file', () => {
  it('is read plain or compressed, with a byte order mark and in any pieces', async () => {
    const bom = Buffer.from([0xef, 0xbb, 0xbf])
    for (const content of [`${header}\n${line}\n`, `${text({})}\n`])
      for (const bytes of [
        Buffer.from(content),
        Buffer.concat([bom, Buffer.from(content)]),
        gzipSync(content),
        gzipSync(Buffer.concat([bom, Buffer.from(content)])),
      ])
        for (const piece of [1, 3, 1000]) expect(await validate(bytes, {piece})).toMatchObject({valid: 1, invalid: 0})
  })

  it.each([
    ['nothing', '', 'rows is empty.'],
    ['blanks', '\n\n \n', 'rows has no rows.'],
    ['a header alone', `${header}\n`, 'rows has no rows.'],
    ['one JSON list', '[{"a":1}]', 'rows begins with a bracket'],
    ['UTF-16', Buffer.from('\ufeff{"a":1}', 'utf16le'), 'rows is UTF-16.'],
    [
      'half of a gzip',
      gzipSync('x'.repeat(100_000)).subarray(0, 60),
      'rows is a damaged gzip file: unexpected end of file.',
    ],
    [
      'a broken gzip',
      Buffer.concat([gzipSync('x').subarray(0, 12), Buffer.alloc(50, 7)]),
      'rows is a damaged gzip file',
    ],
  ])('of %s is an error that says so', async (_, content, message) => {
    await expect(validate(content as string)).rejects.toThrow(message)
  })

  it('that does not exist, or is a directory, is named in the error', async () => {
    const directory = directoryWith({'rows.csv': `${header}\n${line}\n`})
    await expect(fileSource(`${directory}/none.csv`)).rejects.toThrow(/none\.csv cannot be read \(ENOENT\)/)
    await expect(fileSource(directory)).rejects.toThrow(/is a directory/)
    const source = await fileSource(`${directory}/rows.csv`)
    expect(await validateFile(source, known.price, cryptoPrices, {asOf: 'row', limit: 1})).toMatchObject({valid: 1})
  })
})
