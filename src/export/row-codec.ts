import crypto from 'node:crypto'
import type {Column, Stored} from './columns.js'

/** A value as the libraries of the formats take and give it. */
export type Value = boolean | number | bigint | string | Uint8Array | null

/**
 * Rows travel in the binary form of a record (`record_send`): the number of fields, then for each the oid of its type,
 * the length of its value (-1 for null) and the value. The checksum of the content is computed over the same bytes: by
 * the server over the table, and here over the values that were decoded from the file.
 */
export function decodeRow(row: Buffer, columns: readonly Column[], into: (column: number, value: Value) => void): void {
  const count = row.readInt32BE(0)
  if (count !== columns.length) throw new Error(`a row has ${count} values instead of ${columns.length}`)
  let at = 4
  for (let index = 0; index < count; index += 1) {
    const length = row.readInt32BE(at + 4)
    at += 8
    if (length === -1) {
      into(index, null)
      continue
    }
    into(index, decode(columns[index]!, row, at, length))
    at += length
  }
}

/** PostgreSQL counts days and microseconds from 2000, Parquet from 1970. */
const epochDays = 10_957
const epochMicros = 946_684_800_000_000n

function decode({stored, scale}: Column, row: Buffer, at: number, length: number): Value {
  switch (stored) {
    case 'boolean':
      return row[at] === 1
    case 'int16':
      return row.readInt16BE(at)
    case 'int32':
      return row.readInt32BE(at)
    case 'date':
      return row.readInt32BE(at) + epochDays
    case 'int64':
    case 'time':
      return row.readBigInt64BE(at)
    case 'timestamp':
    case 'timestamptz':
      return row.readBigInt64BE(at) + epochMicros
    case 'float':
      return row.readFloatBE(at)
    case 'double':
      return row.readDoubleBE(at)
    case 'decimal':
      return unscaled(row.toString('latin1', at, at + length), scale!)
    case 'uuid':
    case 'binary':
    case 'json':
    case 'text':
      // Copied, because the buffer of a row belongs to a batch of many rows.
      return Uint8Array.prototype.slice.call(row, at, at + length)
  }
}

/** `-12.50` with scale 2 is -1250. */
export function unscaled(text: string, scale: number): bigint {
  const point = text.length - scale - 1
  if (scale > 0 && text[point] !== '.') throw new Error(`${text} does not have ${scale} decimal places`)
  return BigInt(scale === 0 ? text : text.slice(0, point) + text.slice(point + 1))
}

/** -1250 with scale 2 is `-12.50`. */
export function scaled(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const sign = value < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The binary form of a row of values that were read from a file. */
export function encodeRow(columns: readonly Column[], valueAt: (column: number) => Value): Buffer {
  const fields = columns.map((column, index) => {
    const value = valueAt(index)
    return value === null ? null : encode(column, value)
  })
  const size = fields.reduce((sum, field) => sum + 8 + (field?.length ?? 0), 4)
  const row = Buffer.allocUnsafe(size)
  let at = row.writeInt32BE(fields.length, 0)
  for (const [index, field] of fields.entries()) {
    at = row.writeInt32BE(columns[index]!.oid, at)
    at = row.writeInt32BE(field === null ? -1 : field.length, at)
    if (field === null) continue
    row.set(field, at)
    at += field.length
  }
  return row
}

const encoders: Readonly<Record<Stored, (value: Value, column: Column) => Uint8Array>> = {
  boolean: (value) => Uint8Array.of(value === true ? 1 : 0),
  int16: (value) => written(2, (into) => into.writeInt16BE(value as number)),
  int32: (value) => written(4, (into) => into.writeInt32BE(value as number)),
  date: (value) => written(4, (into) => into.writeInt32BE((value as number) - epochDays)),
  int64: (value) => written(8, (into) => into.writeBigInt64BE(value as bigint)),
  time: (value) => written(8, (into) => into.writeBigInt64BE(value as bigint)),
  timestamp: (value) => written(8, (into) => into.writeBigInt64BE((value as bigint) - epochMicros)),
  timestamptz: (value) => written(8, (into) => into.writeBigInt64BE((value as bigint) - epochMicros)),
  float: (value) => written(4, (into) => into.writeFloatBE(value as number)),
  double: (value) => written(8, (into) => into.writeDoubleBE(value as number)),
  decimal: (value, {scale}) => Buffer.from(scaled(value as bigint, scale!), 'latin1'),
  uuid: bytes,
  binary: bytes,
  json: bytes,
  text: bytes,
}

function encode(column: Column, value: Value): Uint8Array {
  return encoders[column.stored](value, column)
}

function written(size: number, write: (into: Buffer) => void): Buffer {
  const into = Buffer.allocUnsafe(size)
  write(into)
  return into
}

function bytes(value: Value): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array)
}

/** Rows and their checksum, in any order of the rows. */
export interface Content {
  rows: number
  /** The sum of the first 64 bits of each row's SHA-256, as signed integers. */
  checksum: string
}

/** Sums up rows in their binary form. */
export class ContentSum {
  private rows = 0
  private sum = 0n

  add(row: Uint8Array): void {
    this.rows += 1
    this.sum += sha256(row).readBigInt64BE(0)
  }

  get content(): Content {
    return {rows: this.rows, checksum: this.sum.toString()}
  }
}

/** `crypto.hash` exists since Node 20.12 and takes 80 % of the time of an object for each row. */
const hashOnce = (crypto as Partial<typeof crypto>).hash

function sha256(row: Uint8Array): Buffer {
  if (hashOnce === undefined) return crypto.createHash('sha256').update(row).digest()
  return hashOnce('sha256', row, 'buffer')
}
