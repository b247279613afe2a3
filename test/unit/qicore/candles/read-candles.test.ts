import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {Readable} from 'node:stream'
import {gzipSync} from 'node:zlib'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {OpsError} from '../../../../src/errors.js'
import {readCandles} from '../../../../src/qicore/candles/read-candles.js'
import {temporaryDirectory} from '../../../helpers/files.js'

const header = 'open_time,open,high,low,close,volume'
const good = '2023-03-01 00:00:00+00:00,23143.82,23152.65,23140.02,23152.65,5.4e-05'

function written(content: string | Buffer, name = 'candles.csv'): string {
  const file = join(temporaryDirectory(), name)
  writeFileSync(file, content)
  return file
}

async function refusal(content: string | Buffer): Promise<string> {
  const error = await readCandles(written(content)).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(OpsError)
  expect(error).toMatchObject({code: 'BAD_CSV', exitCode: 2})
  return (error as OpsError).message
}

describe('reading candles', () => {
  it.each([
    ['plain', `${header}\n${good}\n`],
    ['gzip', gzipSync(`${header}\n${good}\n`)],
    ['with a BOM and CRLF', `\ufeff${header}\r\n${good}\r\n`],
    [
      'with columns in another order and more of them',
      `volume,extra,close,low,high,open,open_time\n5.4e-05,x,23152.65,23140.02,23152.65,23143.82,2023-03-01 00:00:00+00:00\n`,
    ],
    ['with blank lines and the same line twice', `${header}\n\n${good}\n${good}\n`],
  ])('accepts a file %s, with every digit', async (_, content) => {
    const rows = await readCandles(written(content))
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({time: '2023-03-01 00:00:00+00:00', open: '23143.82', volume: '5.4e-05'})
  })

  it.each([
    ['seconds', '1677628800'],
    ['milliseconds', '1677628800000'],
    ['microseconds', '1677628800000000'],
  ])('accepts Unix time in %s, with and without a header', async (_, time) => {
    const line = `${time},23143.82,23152.65,23140.02,23152.65,5.4e-05`
    for (const content of [`${header}\n${line}\n`, `${line}\n`, `${line},117\n`, gzipSync(`${line}\n`)]) {
      const rows = await readCandles(written(content))
      expect(rows).toHaveLength(1)
      expect(rows[0]).toMatchObject({open: '23143.82', volume: '5.4e-05'})
      expect(Date.parse(rows[0]!.time)).toBe(1_677_628_800_000)
    }
  })

  it('accepts a stream like a file', async () => {
    for (const content of [`${header}\n${good}\n`, gzipSync(`${good}\n`)]) {
      expect(await readCandles('standard input', Readable.from([Buffer.from(content)]))).toHaveLength(1)
    }
  })

  it.each([
    ['a missing column', 'open_time,open,high,low,close\n1,2,3,4,5\n', /:1: the header has no column volume/],
    ['a column twice', `${header},open\n`, /:1: the header has open twice/],
    ['a broken line', `${header}\n${good}\n2023-03-01 00:01:00+00:00,1,2\n`, /:3: /],
    ['a time without a zone', `${header}\n2023-03-01 00:00:00,1,1,1,1,1\n`, /:2: open_time .* zone/],
    ['a day that does not exist', `${header}\n2023-02-30T00:00:00Z,1,1,1,1,1\n`, /:2: open_time/],
    [
      'words for numbers',
      `${header}\n2023-03-01T00:00:00Z,NaN,1,1,1,1\n2023-03-01T00:01:00Z,1,Infinity,1,1,1\n`,
      /:2: open "NaN"[^]*:3: high "Infinity"/,
    ],
    [
      'two lines that contradict each other',
      `${header}\n${good}\n${good.replace('5.4e-05', '1')}\n`,
      /:3: contradicts line 2/,
    ],
    ['nothing but a header', `${header}\n`, /it has no candles/],
    ['nothing', '', /it has no candles/],
    ['half a gzip file', gzipSync(`${header}\n${good}\n`.repeat(100)).subarray(0, 40), /candles\.csv/],
    ['NUL bytes', `${header}\n2023-03-01T00:00:00Z,\0,1,1,1,1\n`, /:2: open/],
  ])('refuses %s with file and line', async (_, content, pattern) => {
    expect(await refusal(content)).toMatch(pattern)
  })

  it('refuses a file that does not exist', async () => {
    await expect(readCandles('/nowhere/x.csv')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('/nowhere/x.csv') as string,
    })
  })

  it('never crashes, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          fc.string().map((text) => `${header}\n${text}`),
        ),
        async (content) => {
          const outcome = await readCandles(written(content as string)).catch((error: unknown) => error)
          if (outcome instanceof Error) expect(outcome).toBeInstanceOf(OpsError)
        },
      ),
      {numRuns: 200},
    )
  })
})
