import {createReadStream} from 'node:fs'
import {Readable} from 'node:stream'
import {createGunzip} from 'node:zlib'
import {parse, CsvError} from 'csv-parse'
import {instantOf} from '../../catalog/time.js'
import {parseInstant, type Instant} from '../../units/instant.js'
import {messageOf, usageError, type OpsError} from '../../errors.js'

/** A candle as the file has it: decimals stay text, so that no digit is lost. */
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
/** Units of Unix time that exchanges use; the number of digits determines the unit for the years 1973 to 2286. */
const unixUnits = [
  {digits: /^\d{9,10}$/, micros: 1_000_000n},
  {digits: /^\d{12,13}$/, micros: 1_000n},
  {digits: /^\d{15,16}$/, micros: 1n},
]
const mostProblems = 10

/**
 * Reads a whole CSV of candles, plain or gzip. One invalid line rejects the whole file. Identical lines count once; two
 * lines that contradict each other are an error that names both. Without a header the columns are {@link columns};
 * further columns are ignored. Times are instants with a zone, or Unix time in s, ms or us.
 * @param file a path, or the name of `input` in messages
 * @param input read instead of the file
 * @throws OpsError BAD_CSV with file and line of each problem
 */
export async function readCandles(file: string, input?: Readable): Promise<CandleRow[]> {
  const byTime = new Map<Instant, CandleRow>()
  const problems: string[] = []
  const note = (line: number, problem: string) => {
    if (problems.length < mostProblems) problems.push(`${file}:${line}: ${problem}`)
  }
  try {
    for await (const {line, cells} of cellsOf(file, await bytesOf(file, input))) {
      const problem = problemOf(cells)
      const instant = openTime(cells[0])
      if (problem !== null || instant === null) {
        note(line, problem ?? `open_time "${cells[0] ?? ''}" is neither an instant with a zone nor Unix time`)
        continue
      }
      const [given, open, high, low, close, volume] = cells as [string, string, string, string, string, string]
      const time = /^\d+$/.test(given) ? instant : given
      const row = {line, time, open, high, low, close, volume}
      const other = byTime.get(instant)
      if (other === undefined) byTime.set(instant, row)
      else if (!sameCandle(row, other))
        note(line, `contradicts line ${other.line}, which has the same opening time ${given}`)
    }
  } catch (error) {
    if (error instanceof CsvError) note(Number(error.lines ?? 0), error.message)
    else if ((error as Partial<OpsError>).oclif) throw error
    else note(0, messageOf(error))
  }
  if (problems.length === 0 && byTime.size === 0) problems.push(`${file}: it has no candles`)
  if (problems.length > 0)
    throw usageError(
      'BAD_CSV',
      `Nothing was loaded:\n${problems.map((problem) => `- ${problem.replace(/:0:/, ':')}`).join('\n')}`,
      [
        `The columns are ${columns.join(', ')}; times need a zone (2023-03-01 00:00:00+00:00) or are Unix time in ` +
          's, ms or us; numbers are plain decimals.',
      ],
    )
  return [...byTime.values()]
}

/** The data lines, with their cells in the order of {@link columns}. */
async function* cellsOf(file: string, bytes: Readable): AsyncGenerator<{line: number; cells: (string | undefined)[]}> {
  const parser = parse({bom: true, info: true, skip_empty_lines: true, trim: true, encoding: 'utf8'})
  bytes.on('error', (error: Error) => parser.destroy(error))
  bytes.pipe(parser)
  let order: number[] | null = null
  for await (const {record, info} of parser as AsyncIterable<{record: string[]; info: {lines: number}}>) {
    if (order === null) {
      const first = isCandle(record)
      order = first ? columns.map((_, index) => index) : headerOf(file, record)
      if (!first) continue
    }
    yield {line: info.lines, cells: order.map((index) => record[index])}
  }
}

/** The bytes of a file or a stream, decompressed if they are gzip. */
async function bytesOf(file: string, input: Readable | undefined): Promise<Readable> {
  const chunks = (input ?? createReadStream(file))[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const first = await chunks.next().catch((error: NodeJS.ErrnoException) => {
    throw usageError('BAD_CSV', `${file} cannot be read (${error.code}).`)
  })
  const whole = Readable.from(
    (async function* () {
      if (!first.done) yield first.value
      yield* {[Symbol.asyncIterator]: () => chunks}
    })(),
  )
  if (first.done || first.value[0] !== 0x1f || first.value[1] !== 0x8b) return whole
  const unzipped = createGunzip()
  whole.on('error', (error: Error) => unzipped.destroy(error))
  return whole.pipe(unzipped)
}

/** A first line that is data, not a header: an opening time and five numbers. */
function isCandle(record: readonly string[]): boolean {
  return (
    openTime(record[0]) !== null &&
    problemOf(record.slice(0, columns.length)) === null &&
    record.length >= columns.length
  )
}

function headerOf(file: string, header: readonly string[]): number[] {
  const missing = columns.filter((column) => !header.includes(column))
  const twice = columns.filter((column) => header.indexOf(column) !== header.lastIndexOf(column))
  if (missing.length > 0 || twice.length > 0) {
    const reasons = [
      missing.length > 0 && `has no column ${missing.join(', ')}`,
      twice.length > 0 && `has ${twice.join(', ')} twice`,
    ].filter(Boolean)
    throw usageError('BAD_CSV', `${file}:1: the header ${reasons.join(' and ')}. Nothing was loaded.`, [
      `The columns are ${columns.join(', ')}.`,
    ])
  }
  return columns.map((column) => header.indexOf(column))
}

function problemOf([, ...numbers]: readonly (string | undefined)[]): string | null {
  const index = numbers.findIndex((cell) => cell === undefined || !decimal.test(cell) || cell.length > 40)
  return index < 0 ? null : `${columns[index + 1]} "${numbers[index] ?? ''}" is not a decimal number`
}

/** Null without a zone: the zone of the exchange is unknown. */
function openTime(cell: string | undefined): Instant | null {
  const unix = unixUnits.find(({digits}) => digits.test(cell ?? ''))
  if (unix !== undefined) return instantOf(BigInt(cell!) * unix.micros)
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
