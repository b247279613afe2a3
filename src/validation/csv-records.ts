import {CsvError} from 'csv-parse'
import {parse} from 'csv-parse/sync'
import {longestLine, type Line} from './bytes.js'

/**
 * The value of an empty cell without quotes (NULL); one with quotes is an empty string. The same as COPY's CSV format.
 */
export const absent = null
export type Cell = string | typeof absent

export interface CsvRecord {
  /** Line number of its first line. */
  line: number
  cells: readonly Cell[]
  /** Why it is not a record, in which case there are no cells; otherwise null. */
  problem: string | null
}

interface Pending {
  line: number
  texts: string[]
  length: number
  quotes: number
  problem: string | null
}

/**
 * Yields the records of a CSV in batches. Lines without a quote, the majority in most files, are split at their commas.
 * The rest goes through csv-parse, which is ten times slower because it must report which cells were quoted. An
 * unclosed quote is a problem of the record that opens it, which is then the last one.
 */
export async function* csvRecords(lines: AsyncIterable<Line[]>): AsyncGenerator<CsvRecord[]> {
  let pending: Pending | null = null
  for await (const batch of lines) {
    const records: (CsvRecord | Pending)[] = []
    for (const {number, text, problem} of batch) {
      if (pending === null && text !== null && !text.includes('"')) {
        const line = text.endsWith('\r') ? text.slice(0, -1) : text
        if (line.trim() !== '')
          records.push({
            line: number,
            cells: line.split(',').map((cell) => (cell === '' ? absent : cell)),
            problem: null,
          })
        continue
      }
      pending ??= {line: number, texts: [], length: 0, quotes: 0, problem: null}
      pending.texts.push(text ?? '')
      pending.length += (text ?? '').length
      pending.quotes += quotes(text ?? '')
      pending.problem ??= problem
      if (pending.length > longestLine) {
        yield [...resolveRecords(records), unclosed(pending.line)]
        return
      }
      if (pending.problem === null && pending.quotes % 2 === 1) continue
      records.push(pending)
      pending = null
    }
    yield resolveRecords(records)
  }
  if (pending !== null) yield [unclosed(pending.line)]
}

function unclosed(line: number): CsvRecord {
  return {line, cells: [], problem: 'opens a quote that is never closed; what follows it was not checked'}
}

/** A quote inside quotes is written twice, so a record is complete when it has an even number of quotes. */
function quotes(text: string): number {
  let count = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count += 1
  return count
}

function resolveRecords(records: readonly (CsvRecord | Pending)[]): CsvRecord[] {
  const open = records.filter((record): record is Pending => 'texts' in record && record.problem === null)
  const plain = open.filter((record) => !emptyQuoted(record))
  const cells = new Map<Pending, CsvRecord>([...parsed(plain, false), ...parsed(open.filter(emptyQuoted), true)])
  return records.map((record) => {
    if (!('texts' in record)) return record
    return cells.get(record) ?? {line: record.line, cells: [], problem: record.problem}
  })
}

function emptyQuoted({texts}: Pending): boolean {
  return texts.some((text) => /(?:^|,)""\s*(?:,|$)/.test(text))
}

function* parsed(pending: readonly Pending[], exactly: boolean): Generator<[Pending, CsvRecord]> {
  const tried = pending.length > 1 ? tryParse(pending, exactly) : null
  const records = typeof tried === 'string' ? null : tried
  for (const [index, record] of pending.entries()) {
    const alone = records === null ? tryParse([record], exactly) : null
    if (typeof alone === 'string') yield [record, {line: record.line, cells: [], problem: alone}]
    else yield [record, {line: record.line, cells: (records?.[index] ?? alone?.[0])!, problem: null}]
  }
}

/** The cells of each record; null if not every text is one record; the reason as text if there was a single record. */
function tryParse(pending: readonly Pending[], exactly: boolean): Cell[][] | string | null {
  const text = pending.map(({texts}) => texts.map((line) => line.replace(/\r$/, '')).join('\n')).join('\n')
  try {
    const options = {relax_column_count: true, record_delimiter: '\n'}
    const rows = exactly
      ? (parse(text, {...options, cast: (cell, {quoting}) => (cell === '' && !quoting ? absent : cell)}) as Cell[][])
      : (parse(text, options) as string[][]).map((row) => row.map((cell) => (cell === '' ? absent : cell)))
    if (rows.length === pending.length) return rows
    return pending.length === 1 ? 'is not one CSV row' : null
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    return pending.length === 1 ? `is not CSV: ${error.message.replace(/ at line.*|, got.*/s, '')}` : null
  }
}
