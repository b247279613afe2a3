import {createReadStream} from 'node:fs'
import {open} from 'node:fs/promises'
import {createGunzip} from 'node:zlib'
import {parse, CsvError} from 'csv-parse'
import {parseInstant, type Instant} from '../../units/instant.js'
import {messageOf, usageError, type OpsError} from '../../errors.js'

/** A candle as the file has it: decimals stay the text they are, so that no digit is lost. */
export interface CandleRow {
  line: number
  time: string
  open: string
  high: string
  low: string
  close: string
  volume: string
}

export const columns = ['open_time', 'open', 'high', 'low', 'close', 'volume'] as const

const decimal = /^\d+(\.\d+)?([eE][+-]?\d{1,2})?$/
const zoned = /\d\d:\d\d.*(Z|[+-]\d\d(:?\d\d)?)$/
const mostProblems = 10

/**
 * Reads a CSV of candles, plain or gzip, whole: a file with one broken line is refused as a whole. A line that
 * stands there twice counts once; two that contradict each other are an error naming both.
 * @throws OpsError BAD_CSV with file and line of each problem
 */
export async function readCandles(file: string): Promise<CandleRow[]> {
  const byTime = new Map<Instant, CandleRow>()
  const problems: string[] = []
  const note = (line: number, problem: string) => {
    if (problems.length < mostProblems) problems.push(`${file}:${line}: ${problem}`)
  }
  try {
    for await (const {line, cells} of await lines(file)) {
      const problem = problemOf(cells)
      const instant = instantOf(cells[0])
      if (problem !== null || instant === null) {
        note(line, problem ?? `open_time "${cells[0] ?? ''}" is not an instant with a zone`)
        continue
      }
      const [time, open, high, low, close, volume] = cells as [string, string, string, string, string, string]
      const row = {line, time, open, high, low, close, volume}
      const other = byTime.get(instant)
      if (other === undefined) byTime.set(instant, row)
      else if (!sameCandle(row, other)) note(line, `contradicts line ${other.line}, which has the same opening time ${time}`)
    }
  } catch (error) {
    if (error instanceof CsvError) note(Number(error.lines ?? 0), error.message)
    else if ((error as Partial<OpsError>).oclif) throw error
    else note(0, messageOf(error))
  }
  if (problems.length === 0 && byTime.size === 0) problems.push(`${file}: there is not a single candle in it`)
  if (problems.length > 0)
    throw usageError('BAD_CSV', `Nothing was loaded:\n${problems.map((problem) => `- ${problem.replace(/:0:/, ':')}`).join('\n')}`, [
      `The columns are ${columns.join(', ')}; times have a zone (2023-03-01 00:00:00+00:00), numbers are plain decimals.`,
    ])
  return [...byTime.values()]
}

/** The data lines with their cells in our order of columns. */
async function* cellsOf(file: string, gzip: boolean): AsyncGenerator<{line: number; cells: (string | undefined)[]}> {
  const parser = parse({bom: true, info: true, skip_empty_lines: true, trim: true, encoding: 'utf8'})
  const source = createReadStream(file)
  const bytes = gzip ? source.pipe(createGunzip()) : source
  source.on('error', (error: Error) => parser.destroy(error))
  bytes.on('error', (error: Error) => parser.destroy(error))
  bytes.pipe(parser)
  let order: number[] | null = null
  for await (const {record, info} of parser as AsyncIterable<{record: string[]; info: {lines: number}}>) {
    if (order === null) {
      order = headerOf(file, record)
      continue
    }
    yield {line: info.lines, cells: order.map((index) => record[index])}
  }
}

async function lines(file: string) {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw usageError('BAD_CSV', `${file} cannot be read (${error.code}).`)
  })
  try {
    const {buffer, bytesRead} = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return cellsOf(file, bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b)
  } finally {
    await handle.close()
  }
}

function headerOf(file: string, header: readonly string[]): number[] {
  const missing = columns.filter((column) => !header.includes(column))
  const twice = columns.filter((column) => header.indexOf(column) !== header.lastIndexOf(column))
  if (missing.length > 0 || twice.length > 0) {
    const reasons = [missing.length > 0 && `has no column ${missing.join(', ')}`, twice.length > 0 && `has ${twice.join(', ')} twice`].filter(Boolean)
    throw usageError('BAD_CSV', `${file}:1: the header ${reasons.join(' and ')}. Nothing was loaded.`, [`The columns are ${columns.join(', ')}.`])
  }
  return columns.map((column) => header.indexOf(column))
}

function problemOf([, ...numbers]: readonly (string | undefined)[]): string | null {
  const index = numbers.findIndex((cell) => cell === undefined || !decimal.test(cell) || cell.length > 40)
  return index < 0 ? null : `${columns[index + 1]} "${numbers[index] ?? ''}" is not a decimal number`
}

/** Null without a zone: what the exchange's clock said is not for us to guess. */
function instantOf(cell: string | undefined): Instant | null {
  if (!cell || !zoned.test(cell)) return null
  try {
    return parseInstant(cell)
  } catch {
    return null
  }
}

function sameCandle(a: CandleRow, b: CandleRow): boolean {
  const plain = (text: string) => (text.includes('.') && !/e/i.test(text) ? text.replace(/\.?0+$/, '') : text)
  return (['open', 'high', 'low', 'close', 'volume'] as const).every((field) => plain(a[field]) === plain(b[field]))
}
