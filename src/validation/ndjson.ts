import {linesOf} from './bytes.js'
import {brokenRow, type FileRow} from './file-row.js'
import {JsonError, parseJsonLine} from './json-line.js'

/** Yields one row per line; blank lines are skipped. */
export async function* jsonRows(content: AsyncIterable<Buffer>): AsyncGenerator<FileRow[]> {
  for await (const lines of linesOf(content)) {
    const rows: FileRow[] = []
    for (const {number, text, problem} of lines) {
      if (text === null) rows.push(brokenRow(number, problem!))
      else if (text.trim() !== '') rows.push(jsonRow(number, text))
    }
    yield rows
  }
}

function jsonRow(line: number, text: string): FileRow {
  try {
    const row = parseJsonLine(text)
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return brokenRow(line, 'is not a JSON object')
    return {line, row, names: null, problems: [], broken: false}
  } catch (error) {
    if (error instanceof JsonError) return brokenRow(line, `${error.message} (column ${error.column})`)
    throw error
  }
}
