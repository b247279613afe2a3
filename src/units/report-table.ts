import type {Instant} from './instant.js'

/**
 * The main table of a report as data: every output format is made from it. A new column is one entry here; text, CSV,
 * Markdown, `--sort` and the reference follow.
 * @template Row a row of the report, as JSON has it
 * @template Context what a cell needs beside its row: the report itself, as a rule
 */
export interface ReportTable<Row, Context extends TableContext = TableContext> {
  columns: readonly Column<Row, Context>[]
  /** Rows that need a person: `!` in front of them. */
  marked?(row: Row, context: Context): boolean
}

export interface TableContext {
  /** The clock that ages are counted from. */
  at: Instant
}

export type Column<Row, Context extends TableContext = TableContext> = Layout<Row, Context> & TypedValue<Row>

/** The machine value of a cell, by its type; null is unknown or absent. */
type TypedValue<Row> =
  | {type: 'bytes' | 'count' | 'percent' | 'ratio' | 'milliseconds' | 'seconds'; value(row: Row): number | null}
  /** A point in time, or the bare integer where its unit is not known; `age` shows people how long ago it was. */
  | {type: 'instant' | 'age'; value(row: Row): Instant | number | string | null}
  /** `decimal`: digits that a number would round. `note`: free text that most rows do not have; blank, not `-`. */
  | {type: 'text' | 'name' | 'decimal' | 'note'; value(row: Row): string | null}
  | {type: 'list'; value(row: Row): readonly string[] | null}
  | {type: 'flag'; value(row: Row): boolean | null}

interface Layout<Row, Context> {
  /** The name of the JSON field in snake case: header of the CSV, argument of `--sort`. */
  id: string
  /** In tables for people. `(UTC)` is taken off where the column holds times without a zone. */
  heading: string
  /** Numbers and ages go to the right unless this says otherwise. */
  align?: 'left' | 'right'
  /** Those with the highest number are left out first where the table does not fit; without one it stays. */
  priority?: number
  /**
   * `room`: only where the terminal has room for it, and in Markdown. `data`: never in tables for people. `people`:
   * never
   * in CSV, since it shows the value of another column once more.
   */
  show?: 'room' | 'data' | 'people'
  /** May be cut, to no less than this many columns, where the table does not fit. */
  shrink?: number
  /** Left out of tables for people where it says nothing: no row has a value, or all have the same. */
  hide?: 'empty' | 'same'
  /** For people, where the type's own form does not do. */
  text?(row: Row, context: Context): string
}

/** The cell of one column for programs. */
export type MachineValue = number | string | boolean | readonly string[] | null

/** Columns in any table, for what needs to know no more than their names. */
export interface AnyTable {
  columns: readonly {id: string; heading: string}[]
}
