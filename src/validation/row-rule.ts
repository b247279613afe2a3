/** One error of a row. */
export interface ValidationError {
  /** The column, as the row names it; followed by the index of the element in an array. */
  path: string
  message: string
  /** `stale`: the freshness rule alone; `asOf` selects what it is measured against. */
  code?: 'stale'
}

/** The reference time of the freshness rule: an instant, the row's own time, or none. */
export type AsOf = string | 'row' | 'off'

/** A rule that no database constraint enforces. Columns with errors of their own are absent from `row`. */
export type RowRule = (row: Readonly<Record<string, unknown>>, asOf: AsOf) => ValidationError | null
