import type {ReportTable, TableContext} from '../../units/report-table.js'

/** A report as every output format is made from it: its table, and the sentences around the table. */
export interface Shown<Row, Context extends TableContext> extends Around<Row> {
  table: ReportTable<Row, Context>
  context: Context
  rows: readonly Row[]
}

/** What a report says beside its table. */
export interface Around<Row> {
  above?: readonly Line[]
  below?: readonly Line[]
  /** The sum under the rows, in tables for people. */
  total?: Row | null
  /**
   * The rows of the text table, where it shows others than the other formats, and what is said of the rest.
   * @param most as many rows as the screen has lines for
   */
  brief?(rows: readonly Row[], most: number): {rows: readonly Row[]; rest: string | null}
}

/** A sentence beside a table; what it is decides which format shows it. */
export type Line =
  /** A warning, a finding or a fact about the report: in every format; on stderr beside CSV. */
  | {kind: 'note'; text: string; mark: Mark}
  /** What the columns and marks mean: only with tables for people. */
  | {kind: 'legend'; text: string; mark: Mark}
  /** The verdict, and the command that comes next; only the verdict is said beside CSV. */
  | {kind: 'closing'; verdict: readonly string[]; next: readonly string[]}
  /** Runnable SQL, as it is. */
  | {kind: 'raw'; text: string}
  /** What the rows say too, in a form for people: only in text. */
  | {kind: 'people'; text: string}

/** `!` needs a person; '' is a sentence that begins at the margin. */
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

/** @param next commands and legends that need not be said to a program */
export function closingLine(verdict: readonly string[], next: readonly string[] = []): Line {
  return {kind: 'closing', verdict, next}
}
