import {parquetMetadata, parquetRead, type FileMetaData, type SchemaElement} from 'hyparquet'
import {ByteWriter, ParquetWriter, type ColumnSource} from 'hyparquet-writer'
import type {Column, Stored} from './columns.js'
import type {FileFormat, RowWriter, Sink, StoredFile} from './format.js'
import {decodeRow, encodeRow, type Value} from './row-codec.js'

/** The limits of a row group, which is held in memory: rows, and bytes of the rows in their binary form. */
const groupRows = 65_536
const groupBytes = 16 * 1024 * 1024

/** Apache Parquet by hyparquet, with Snappy, which every reader has. */
export const parquet: FileFormat = {writer, read}

function writer(columns: readonly Column[], sink: Sink, about: Readonly<Record<string, string>>): RowWriter {
  const bytes = new ByteWriter()
  const flush = async () => {
    await sink(bytes.getBytes())
    bytes.index = 0
  }
  const file = new ParquetWriter({
    writer: Object.assign(bytes, {flush, finish: flush}),
    schema: schemaOf(columns),
    createdBy: 'qicore-db',
    kvMetadata: Object.entries(about).map(([key, value]) => ({key, value})),
  })
  let group = columns.map((): Value[] => [])
  let size = 0
  const writeGroup = async () => {
    const columnData = columns.map(({name}, index): ColumnSource => ({name, data: group[index]!}))
    group = columns.map(() => [])
    size = 0
    await file.write({columnData, rowGroupSize: groupRows})
  }
  return {
    add(row) {
      decodeRow(row, columns, (index, value) => void group[index]!.push(value))
      size += row.length
      if (group[0]!.length >= groupRows || size >= groupBytes) return writeGroup()
    },
    async finish() {
      if (group[0]!.length > 0) await writeGroup()
      await file.finish()
    },
  }
}

const elements: Readonly<Record<Stored, (column: Column) => Partial<SchemaElement>>> = {
  boolean: () => ({type: 'BOOLEAN'}),
  int16: () => ({type: 'INT32', converted_type: 'INT_16'}),
  int32: () => ({type: 'INT32'}),
  int64: () => ({type: 'INT64'}),
  float: () => ({type: 'FLOAT'}),
  double: () => ({type: 'DOUBLE'}),
  decimal: (column) => decimal(column),
  date: () => ({type: 'INT32', converted_type: 'DATE'}),
  time: () => ({type: 'INT64', logical_type: {type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS'}}),
  timestamp: () => ({type: 'INT64', logical_type: {type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS'}}),
  timestamptz: () => ({type: 'INT64', logical_type: {type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS'}}),
  uuid: () => ({type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: {type: 'UUID'}}),
  binary: () => ({type: 'BYTE_ARRAY'}),
  // As text: the library parses and writes JSON again, and PostgreSQL's json keeps spaces and the order of keys.
  json: () => ({type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: {type: 'STRING'}}),
  text: () => ({type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: {type: 'STRING'}}),
}

/** The most decimal digits that 64 bits hold. */
const digitsOf64 = 18

function decimal({precision, scale}: Column): Partial<SchemaElement> {
  const form: Partial<SchemaElement> =
    precision! <= digitsOf64 ? {type: 'INT64'} : {type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16}
  return {...form, converted_type: 'DECIMAL', precision: precision!, scale: scale!}
}

/** Every column is optional, also one that is NOT NULL now: a reader of many files expects one schema. */
function schemaOf(columns: readonly Column[]): SchemaElement[] {
  return [
    {name: 'root', num_children: columns.length},
    ...columns.map((column) => ({
      name: column.name,
      repetition_type: 'OPTIONAL' as const,
      ...elements[column.stored](column),
    })),
  ]
}

/** Bytes at the end of a file that hold the length of its footer and the magic number. */
const tailBytes = 8

async function read(
  columns: readonly Column[],
  file: StoredFile,
  row: (row: Buffer) => void,
  bytesRead: (part: Uint8Array) => void,
): Promise<void> {
  const tail = await file.read(Math.max(0, file.bytes - tailBytes), file.bytes)
  if (tail.length < tailBytes || tail.toString('latin1', 4) !== 'PAR1') throw new Error('it is not a Parquet file')
  const footer = tail.readUInt32LE(0) + tailBytes
  const metadata = parquetMetadata(arrayBufferOf(await file.read(Math.max(0, file.bytes - footer), file.bytes)))
  requireSchema(metadata, columns)
  const physical = {...metadata, schema: metadata.schema.map(physicalOnly)}
  let at = 0
  let first = 0
  for (const group of metadata.row_groups) {
    const end = Math.max(...group.columns.map(({meta_data: chunk}) => endOf(chunk!)), at)
    const part = await file.read(at, end)
    bytesRead(part)
    const count = Number(group.num_rows)
    await readGroup(columns, physical, {at, part, bytes: file.bytes}, {first, count}, row)
    first += count
    at = end
  }
  if (at < file.bytes) bytesRead(await file.read(at, file.bytes))
}

type ChunkMetadata = NonNullable<FileMetaData['row_groups'][number]['columns'][number]['meta_data']>

function endOf({
  dictionary_page_offset: dictionary,
  data_page_offset: data,
  total_compressed_size: size,
}: ChunkMetadata) {
  return Number((dictionary ?? data) + size)
}

/** The columns of the file must be those that were written, whatever a store has done with it. */
function requireSchema({schema}: FileMetaData, columns: readonly Column[]): void {
  const wanted = schemaOf(columns)
  const differs = wanted.findIndex(
    ({name, type, converted_type: converted}, index) =>
      index > 0 &&
      (schema[index]?.name !== name ||
        schema[index]?.type !== type ||
        (converted !== undefined && schema[index]?.converted_type !== converted)),
  )
  if (differs !== -1 || schema.length !== wanted.length)
    throw new Error(`its columns are not those of the table (column ${wanted[differs]?.name ?? 'missing'})`)
}

/**
 * The library converts decimals to floating point and times to milliseconds; without these fields it converts nothing.
 */
function physicalOnly({converted_type: _, logical_type: __, ...element}: SchemaElement): SchemaElement {
  return element
}

async function readGroup(
  columns: readonly Column[],
  metadata: FileMetaData,
  {at, part, bytes}: {at: number; part: Buffer; bytes: number},
  {first, count}: {first: number; count: number},
  row: (row: Buffer) => void,
): Promise<void> {
  const pieces = columns.map((): {start: number; data: ArrayLike<unknown>}[] => [])
  const position = new Map(columns.map(({name}, index) => [name, index]))
  await parquetRead({
    file: {byteLength: bytes, slice: (start, end = bytes) => arrayBufferOf(part.subarray(start - at, end - at))},
    metadata,
    rowStart: first,
    rowEnd: first + count,
    utf8: false,
    geoparquet: false,
    onChunk: ({columnName, columnData, rowStart}) =>
      void pieces[position.get(columnName)!]!.push({start: rowStart - first, data: columnData}),
  })
  const whole = pieces.map((each, index) => joined(each, count, columns[index]!))
  for (let n = 0; n < count; n += 1) row(encodeRow(columns, (index) => whole[index]![n] ?? null))
}

function joined(pieces: readonly {start: number; data: ArrayLike<unknown>}[], count: number, column: Column): Value[] {
  const values = new Array<Value>(count).fill(null)
  let found = 0
  for (const {start, data} of pieces) {
    found += data.length
    for (let index = 0; index < data.length; index += 1)
      values[start + index] = physicalValue(data[index] as Value | undefined, column)
  }
  if (found !== count) throw new Error(`column ${column.name} has ${found} values instead of ${count}`)
  return values
}

function physicalValue(value: Value | undefined, {stored}: Column): Value {
  if (value === undefined || value === null) return null
  return stored === 'decimal' && value instanceof Uint8Array ? signed(value) : value
}

/** A signed integer, the most significant byte first. */
function signed(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}

function arrayBufferOf(part: Buffer): ArrayBuffer {
  return part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength) as ArrayBuffer
}
