import type {Instant} from './instant.js'

/**
 * The main table of a report as data. Text, CSV, Markdown, `--sort` and the reference are all derived from it, so a new
 * column is one entry here.
 * @template Row a row of the report, as in the JSON output
 * @template Context what a cell needs besides its row: usually the report
 */
export interface ReportTable<Row, Context extends TableContext = TableContext> {
  columns: readonly Column<Row, Context>[]
  /** Rows that need attention: they are marked with `!`. */
  marked?(row: Row, context: Context): boolean
}

export interface TableContext {
  /** The time that ages are relative to. */
  at: Instant
}

export type Column<Row, Context extends TableContext = TableContext> = Layout<Row, Context> & TypedValue<Row>

/** The machine-readable value of a cell, by type; null means unknown or not applicable. */
type TypedValue<Row> =
  | {type: 'bytes' | 'count' | 'percent' | 'ratio' | 'milliseconds' | 'seconds'; value(row: Row): number | null}
  /** A point in time, or the plain integer if its unit is unknown; `age` shows people how long ago it was. */
  | {type: 'instant' | 'age'; value(row: Row): Instant | number | string | null}
  /** `decimal`: digits that a JavaScript number would round. `note`: optional free text; empty, not `-`, if absent. */
  | {type: 'text' | 'name' | 'decimal' | 'note'; value(row: Row): string | null}
  | {type: 'list'; value(row: Row): readonly string[] | null}
  | {type: 'flag'; value(row: Row): boolean | null}

interface Layout<Row, Context> {
  /** The JSON field name in snake case; also the CSV header and the argument of `--sort`. */
  id: string
  /** Heading in text tables. `(UTC)` is removed if the column holds times without a zone. */
  heading: string
  /** Default: right for numbers and ages. */
  align?: 'left' | 'right'
  /**
   * Columns with the highest number are dropped first if the table is too wide; without a number the column is kept.
   */
  priority?: number
  /**
   * `room`: in Markdown, and in text if the terminal is wide enough. `data`: never in text. `people`: never in CSV,
   * because it repeats the value of another column.
   */
  show?: 'room' | 'data' | 'people'
  /** The column may be truncated to this width if the table is too wide. */
  shrink?: number
  /** Longest cell for people, also without a terminal; CSV and JSON have the whole text. */
  longest?: number
  /** A truncated cell keeps its end instead of its beginning. */
  keep?: 'end'
  /** Omitted from text tables if no row has a value (`empty`) or all rows have the same value (`same`). */
  hide?: 'empty' | 'same'
  /** Formatter for people, where the one of the type does not fit. */
  text?(row: Row, context: Context): string
}

/** {@link Layout.longest} of statements: one line that can be read and searched; some are many kilobytes long. */
export const longestStatement = 200

/** The value of one cell for programs. */
export type MachineValue = number | string | boolean | readonly string[] | null

/** The columns of any table, for code that needs only their names. */
export interface AnyTable {
  columns: readonly {id: string; heading: string}[]
}
