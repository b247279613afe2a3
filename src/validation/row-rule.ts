/** One thing that is wrong with a row. */
export interface ValidationError {
  /** The column, under the name that the row has it by; with an element's place where it is a list. */
  path: string
  message: string
  /** `stale`: freshness alone; what it is measured against can be chosen. */
  code?: 'stale'
}

/** What freshness is measured against: an instant, the row's own time, or nothing. */
export type AsOf = string | 'row' | 'off'

/** A demand on a row that no constraint of the database makes. Columns that have errors of their own are absent. */
export type RowRule = (row: Readonly<Record<string, unknown>>, asOf: AsOf) => ValidationError | null
