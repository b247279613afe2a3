import type {ValidationError} from './row-rule.js'

/** A row of a file, or why it could not be read. */
export interface FileRow {
  line: number
  row: unknown
  /** The names used in the file, if the row's keys are properties. */
  names: ReadonlyMap<string, string> | null
  problems: readonly ValidationError[]
  /** The whole line could not be read; otherwise the problems belong to single columns. */
  broken: boolean
}

export function brokenRow(line: number, message: string): FileRow {
  return {line, row: null, names: null, problems: [{path: '', message}], broken: true}
}
