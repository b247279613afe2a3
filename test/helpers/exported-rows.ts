import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {asyncBufferFromFile, parquetReadObjects} from 'hyparquet'

/** A row of an exported file by its columns: the text of a CSV cell, or what a reader of Parquet makes of the value. */
export type ExportedRow = Record<string, unknown>

/**
 * The rows of every file below a place, by the name of the file without its ending. CSV cells must have no line breaks
 * and no commas. The reader is not that of the program: a file is proved readable by others.
 */
export async function exportedFiles(to: string): Promise<Map<string, ExportedRow[]>> {
  const files = new Map<string, ExportedRow[]>()
  for (const {name, parentPath} of readdirSync(to, {recursive: true, withFileTypes: true})) {
    const [, base, ending] = /^(.+)\.(csv|parquet)$/.exec(name) ?? []
    if (base === undefined) continue
    const path = join(parentPath, name)
    files.set(
      base,
      ending === 'csv' ? csvRows(path) : await parquetReadObjects({file: await asyncBufferFromFile(path)}),
    )
  }
  return files
}

function csvRows(path: string): ExportedRow[] {
  const [head, ...lines] = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.replaceAll('"', '')))
  return lines.map((cells) => Object.fromEntries(head!.map((column, n) => [column, cells[n]])))
}
