import {StringDecoder} from 'node:string_decoder'
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
  const decoder = new StringDecoder('utf8')
  let header: Cells | null = null
  let rest = ''
  for (let at = 0; at < file.bytes; at += partBytes) {
    const part = await file.read(at, Math.min(at + partBytes, file.bytes))
    bytesRead(part)
    rest = eachRecord(rest + decoder.write(part), (cells) => {
      if (cells.length !== columns.length) throw new Error(`a line has ${cells.length} fields`)
      if (header === null) header = cells
      else row(encodeRow(columns, (index) => cells[index]!))
    })
  }
  const names: Cells = header ?? []
  if (rest !== '') throw new Error('it ends in the middle of a line')
  if (names.length !== columns.length || names.some((name, index) => name !== columns[index]!.name))
    throw new Error('its columns are not those of the table')
}

type Cells = (string | null)[]

/** Gives every whole record of a text, and returns what is left. csv-parse takes four times as long. */
function eachRecord(text: string, record: (cells: Cells) => void): string {
  let begin = 0
  let at = 0
  let cells: Cells = []
  for (;;) {
    const end = text.charCodeAt(at) === quote ? endOfQuoted(text, at) : endOfPlain(text, at)
    if (end >= text.length) return text.slice(begin)
    cells.push(cellOf(text, at, end))
    const separator = text.charCodeAt(end)
    at = end + 1
    if (separator === comma) continue
    if (separator !== newline) throw new Error('a quoted field is followed by text')
    record(cells)
    cells = []
    begin = at
  }
}

const [quote, comma, newline] = [34, 44, 10]

function endOfPlain(text: string, from: number): number {
  let at = from
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === comma || code === newline) break
  }
  return at
}

/** The position after the closing quote; the end of the text if there is none, or it may be half of a double one. */
function endOfQuoted(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 2))
    if (text.charCodeAt(at + 1) !== quote) return at + 1
  return text.length
}

function cellOf(text: string, from: number, to: number): string | null {
  if (from === to) return null
  if (text.charCodeAt(from) !== quote) return text.slice(from, to)
  return text.slice(from + 1, to - 1).replaceAll('""', '"')
}
