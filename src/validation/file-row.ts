import type {ValidationError} from './row-rule.js'

/** A row of a file, or what keeps it from being one. */
export interface FileRow {
  line: number
  row: unknown
  /** Where the row is keyed by property: how the file calls them. */
  names: ReadonlyMap<string, string> | null
  problems: readonly ValidationError[]
  /** The line could not be read; otherwise problems are of single columns. */
  broken: boolean
}

export function brokenRow(line: number, message: string): FileRow {
  return {line, row: null, names: null, problems: [{path: '', message}], broken: true}
}
