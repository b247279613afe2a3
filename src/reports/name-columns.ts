import {shortName} from '../db/qualified-name.js'
import type {Column, TableContext} from '../units/report-table.js'

interface Named {
  schema: string
  table: string
}

interface Layout<Row, Context> {
  shrink: number
  hide?: 'same'
  /** The name for people; by default without the schema public. */
  text?(row: Row, context: Context): string
}

/** The first two columns of a report about tables: for programs the schema and the name, for people one name. */
export function nameColumns<Row extends Named, Context extends TableContext = TableContext>({
  text = nameOf,
  ...layout
}: Layout<Row, Context>): [Column<Row, Context>, Column<Row, Context>] {
  return [
    {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
    {id: 'table', heading: 'TABLE', type: 'name', value: (row) => row.table, text, ...layout},
  ]
}

function nameOf({schema, table}: Named): string {
  return shortName(schema, table)
}
