import type {Column} from './columns.js'
import type {ExportFormat} from './settings.js'

/** Takes the bytes of a file in order. */
export type Sink = (part: Uint8Array) => Promise<void>

/** Writes rows in their binary form. */
export interface RowWriter {
  /** Resolves when the next row can be given. */
  add(row: Buffer): Promise<void> | void
  finish(): Promise<void>
}

/** A stored file that is read from its beginning to its end. */
export interface StoredFile {
  bytes: number
  /** The bytes from `start` to before `end`. */
  read(start: number, end: number): Promise<Buffer>
}

export interface FileFormat {
  writer(columns: readonly Column[], sink: Sink, about: Readonly<Record<string, string>>): RowWriter
  /**
   * Gives every row of a file in its binary form, in the order of the file.
   * @param bytesRead is called with every byte of the file once, in order
   */
  read(
    columns: readonly Column[],
    file: StoredFile,
    row: (row: Buffer) => void,
    bytesRead: (part: Uint8Array) => void,
  ): Promise<void>
}

/** Loads the libraries of one format only. */
export async function loadFormat(format: ExportFormat): Promise<FileFormat> {
  return format === 'parquet' ? (await import('./parquet.js')).parquet : (await import('./csv.js')).csv
}
