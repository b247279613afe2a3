import type {ReportTable, TableContext} from '../../units/report-table.js'

/** A report independent of the output format: its table, and the sentences around it. */
export interface Shown<Row, Context extends TableContext> extends Around<Row> {
  table: ReportTable<Row, Context>
  context: Context
  rows: readonly Row[]
}

/** The sentences around the table of a report. */
export interface Around<Row> {
  above?: readonly Line[]
  below?: readonly Line[]
  /** The row of totals in tables for people. */
  total?: Row | null
  /**
   * The rows of the text table if they differ from those of other formats, and a sentence about the omitted ones.
   * @param most number of rows that fit the screen
   */
  brief?(rows: readonly Row[], most: number): {rows: readonly Row[]; rest: string | null}
}

/** A sentence beside a table; its kind determines the formats that show it. */
export type Line =
  /** A warning, finding or fact: in every format; on stderr beside CSV. */
  | {kind: 'note'; text: string; mark: Mark}
  /** The meaning of columns and marks: only with tables for people. */
  | {kind: 'legend'; text: string; mark: Mark}
  /** The verdict and the next commands; beside CSV only the verdict is printed. */
  | {kind: 'closing'; verdict: readonly string[]; next: readonly string[]}
  /** Runnable SQL, unchanged. */
  | {kind: 'raw'; text: string}
  /** The content of the rows in words for people: only in text. */
  | {kind: 'people'; text: string}

/** `!` needs attention; '' is a sentence without indentation. */
export type Mark = '!' | '*' | '-' | ' ' | ''

export function note(text: string, mark: Mark = '-'): Line {
  return {kind: 'note', text, mark}
}

export function notes(texts: readonly string[], mark: Mark = '-'): Line[] {
  return texts.map((text) => note(text, mark))
}

export function legend(text: string, mark: Mark = ''): Line {
  return {kind: 'legend', text, mark}
}

/** @param next commands and legends, omitted from output for programs */
export function closingLine(verdict: readonly string[], next: readonly string[] = []): Line {
  return {kind: 'closing', verdict, next}
}
