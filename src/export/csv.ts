import {parse} from 'csv-parse'
import type {Column} from './columns.js'
import type {FileFormat, RowWriter, Sink, StoredFile} from './format.js'
import {decodeRow, encodeRow} from './row-codec.js'

/** Bytes that are collected before they are written, and that are read at once. */
const partBytes = 4 * 1024 * 1024

/**
 * CSV that COPY … (FORMAT csv, HEADER) reads: a line with the names of the columns, null as an empty field, an empty
 * text as "".
 */
export const csv: FileFormat = {writer, read}

function writer(columns: readonly Column[], sink: Sink): RowWriter {
  let lines = [`${columns.map(({name}) => cell(name)).join(',')}\n`]
  let size = 0
  const flush = async () => {
    const part = Buffer.from(lines.join(''))
    lines = []
    size = 0
    await sink(part)
  }
  return {
    add(row) {
      const cells: string[] = []
      decodeRow(row, columns, (_, value) => {
        cells.push(value === null ? '' : cell(Buffer.from(value as Uint8Array).toString('utf8')))
      })
      const line = `${cells.join(',')}\n`
      size += line.length
      lines.push(line)
      if (size >= partBytes) return flush()
    },
    finish: flush,
  }
}

/** Quoted as COPY quotes; a lone backslash and point would end the data of older servers. */
function cell(text: string): string {
  return text === '' || text === '\\.' || /[",\r\n]/.test(text) || text !== text.trim()
    ? `"${text.replaceAll('"', '""')}"`
    : text
}

async function read(
  columns: readonly Column[],
  file: StoredFile,
  row: (row: Buffer) => void,
  bytesRead: (part: Uint8Array) => void,
): Promise<void> {
  const parser = parse({
    encoding: 'utf8',
    cast: (value, {quoting}) => (value === '' && !quoting ? null : value),
    relax_column_count: false,
  })
  let header: (string | null)[] | null = null
  parser.on('data', (cells: (string | null)[]) => {
    if (header === null) {
      header = cells
      return
    }
    row(encodeRow(columns, (index) => cells[index] ?? null))
  })
  const ended = new Promise<void>((resolve, reject) => parser.once('end', resolve).once('error', reject))
  ended.catch(() => {})
  for (let at = 0; at < file.bytes; at += partBytes) {
    const part = await file.read(at, Math.min(at + partBytes, file.bytes))
    bytesRead(part)
    if (!parser.write(part)) await Promise.race([new Promise((resolve) => parser.once('drain', resolve)), ended])
  }
  parser.end()
  await ended
  const names = (header ?? []) as (string | null)[]
  if (names.length !== columns.length || names.some((name, index) => name !== columns[index]!.name))
    throw new Error('its columns are not those of the table')
}
