import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Column, Stored} from '../../../src/export/columns.js'
import {loadFormat} from '../../../src/export/format.js'
import {ContentSum, encodeRow, scaled, unscaled, type Value} from '../../../src/export/row-codec.js'
import {withObjectStore, type ExportFormat} from '../../../src/export/settings.js'

const int64 = fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n})
/** Microseconds since 1970 that PostgreSQL's microseconds since 2000 can hold. */
const micros = fc.bigInt({min: -210_866_803_200_000_000n, max: 9_223_371_331_200_000_000n})
const text = fc.string({unit: 'grapheme', maxLength: 40}).map((value) => Buffer.from(value.replaceAll('\0', '')))
const bytes = (length?: number) =>
  fc.uint8Array(length === undefined ? {maxLength: 40} : {minLength: length, maxLength: length})

const valuesOf: Record<Stored, fc.Arbitrary<Value>> = {
  boolean: fc.boolean(),
  int16: fc.integer({min: -32768, max: 32767}),
  int32: fc.integer({min: -(2 ** 31), max: 2 ** 31 - 1}),
  int64,
  float: fc.float(),
  double: fc.double(),
  decimal: fc.bigInt({min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n}),
  date: fc.integer({min: -2_440_588, max: 2_145_042_541}),
  time: fc.bigInt({min: 0n, max: 86_399_999_999n}),
  timestamp: micros,
  timestamptz: micros,
  uuid: bytes(16),
  binary: bytes(),
  json: text,
  text,
}
const storedTypes = Object.keys(valuesOf) as Stored[]

function columnOf(stored: Stored, index: number): Column {
  const more = stored === 'decimal' ? {precision: 38, scale: 10} : {}
  return {name: `c${index}`, type: stored, stored, oid: 25, expression: '', unfit: null, asText: null, ...more}
}

/** Columns and rows of a format; a quarter of the values is null. */
function tableOf(types: readonly Stored[]): fc.Arbitrary<{columns: Column[]; rows: Value[][]}> {
  return fc
    .array(fc.constantFrom(...types), {minLength: 1, maxLength: 6})
    .chain((chosen) =>
      fc
        .array(fc.tuple(...chosen.map((stored) => fc.option(valuesOf[stored], {freq: 3}))), {maxLength: 40})
        .map((rows) => ({columns: chosen.map(columnOf), rows})),
    )
}

async function throughFile(format: ExportFormat, columns: Column[], rows: Buffer[]): Promise<Buffer[]> {
  const {writer, read} = await loadFormat(format)
  const parts: Buffer[] = []
  const file = writer(columns, async (part) => void parts.push(Buffer.from(part)), {})
  for (const row of rows) await file.add(row)
  await file.finish()
  const whole = Buffer.concat(parts)
  const found: Buffer[] = []
  const seen: Uint8Array[] = []
  const stored = {bytes: whole.length, read: async (start: number, end: number) => whole.subarray(start, end)}
  await read(
    columns,
    stored,
    (row) => found.push(row),
    (part) => seen.push(part),
  )
  expect(Buffer.concat(seen).equals(whole), 'every byte is read once, in order').toBe(true)
  return found
}

describe('a file of rows', () => {
  it.each([
    ['parquet', storedTypes],
    ['csv', ['text']],
  ] as const)('%s gives back the binary form of every row', async (format, types) => {
    await fc.assert(
      fc.asyncProperty(tableOf(types), async ({columns, rows}) => {
        const sent = rows.map((row) => encodeRow(columns, (index) => row[index]!))
        const found = await throughFile(format, columns, sent)
        expect(found.map((row) => row.toString('hex'))).toEqual(sent.map((row) => row.toString('hex')))
      }),
      {numRuns: 150},
    )
  })

  it('of many row groups keeps the order and every value', async () => {
    const columns = [columnOf('int64', 0), columnOf('text', 1)]
    const sent = Array.from({length: 140_000}, (_, n) => {
      const row = [BigInt(n), n % 7 === 0 ? null : Buffer.from(`n${n % 1000}`)]
      return encodeRow(columns, (index) => row[index]!)
    })
    const found = await throughFile('parquet', columns, sent)
    expect(found.length).toBe(sent.length)
    expect(found.every((row, index) => row.equals(sent[index]!))).toBe(true)
  })

  it.each(['parquet', 'csv'] as const)('%s whose bytes were changed gives an error or other rows', async (format) => {
    const columns = [columnOf('text', 0)]
    const sent = ['one', 'two', 'three'].map((word) => encodeRow(columns, () => Buffer.from(word)))
    const {writer, read} = await loadFormat(format)
    const parts: Buffer[] = []
    const file = writer(columns, async (part) => void parts.push(Buffer.from(part)), {})
    for (const row of sent) await file.add(row)
    await file.finish()
    const whole = Buffer.concat(parts)
    const at = whole.indexOf('two')
    whole[at] = whole[at]! ^ 1
    const sum = new ContentSum()
    const right = new ContentSum()
    for (const row of sent) right.add(row)
    const stored = {bytes: whole.length, read: async (start: number, end: number) => whole.subarray(start, end)}
    const outcome = await read(
      columns,
      stored,
      (row) => sum.add(row),
      () => {},
    ).then(
      () => sum.content.checksum,
      () => 'error',
    )
    expect(outcome).not.toBe(right.content.checksum)
  })
})

describe('decimals', () => {
  it('the text of a number with a scale is the same after two conversions', () => {
    fc.assert(
      fc.property(fc.bigInt({min: -(10n ** 38n), max: 10n ** 38n}), fc.integer({min: 0, max: 38}), (value, scale) => {
        expect(unscaled(scaled(value, scale), scale)).toBe(value)
      }),
    )
  })

  it.each([
    ['-12.50', 2, -1250n],
    ['0.001', 3, 1n],
    ['-0.10', 2, -10n],
    ['7', 0, 7n],
  ] as const)('%s with scale %i is %s', (written, scale, value) => {
    expect(unscaled(written, scale)).toBe(value)
    expect(scaled(value, scale)).toBe(written)
  })
})

it('the sum of rows does not depend on their order, but on each row and on how often it occurs', () => {
  const rows = fc.array(bytes(), {minLength: 1, maxLength: 20})
  const sumOf = (all: readonly Uint8Array[]) => {
    const sum = new ContentSum()
    for (const row of all) sum.add(row)
    return sum.content
  }
  fc.assert(
    fc.property(rows, fc.nat(), (all, pick) => {
      expect(sumOf([...all].reverse())).toEqual(sumOf(all))
      const one = all[pick % all.length]!
      expect(sumOf([...all, one]).checksum).not.toBe(sumOf(all).checksum)
    }),
  )
})

describe('settings', () => {
  it('an endpoint with a password is refused, and the password is not repeated', () => {
    const to = {to: 's3://bucket', format: 'csv'} as const
    for (const endpoint of ['https://user:sesame@host', 'host:9000', 'ftp://host'])
      expect(() => withObjectStore({...to, endpoint}, undefined)).toThrowError(
        expect.objectContaining({code: 'EXPORT_PLACE', message: expect.not.stringContaining('sesame')}),
      )
  })

  it('the store of the target fills what is not given, and only for s3://', () => {
    const store = {endpoint: 'http://127.0.0.1:1', region: 'eu-west-1'}
    expect(withObjectStore({to: 's3://b', format: 'csv'}, store)).toMatchObject(store)
    expect(withObjectStore({to: 's3://b', format: 'csv', region: 'us-east-1'}, store)).toMatchObject({
      region: 'us-east-1',
    })
    expect(withObjectStore({to: '/var/archive', format: 'csv'}, store)).toEqual({to: '/var/archive', format: 'csv'})
  })
})
