import type {LivePolicy, RowOrder} from '../catalog/live-policies.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {usageError, type OpsError} from '../errors.js'
import type {SortColumn} from '../partitions/convert.js'
import {readOrder} from '../policies/plan/order.js'
import {command} from '../units/command.js'

/**
 * The columns by which the rows of a columnar partition are sorted: those of segmentBy, so that the rows of a group are
 * next to each other, then those of orderBy. The live policy decides, else the declared one; empty if neither says.
 * @throws OpsError NO_SUCH_COLUMN (exit 2)
 */
export async function readRowOrder(
  db: Database,
  table: Table,
  policies: readonly LivePolicy[],
  declared: RowOrder | null,
): Promise<SortColumn[]> {
  const live = policies.find(({kind}) => kind === 'compression')
  const {segmentBy, orderBy} = (live === undefined ? declared : live.rowOrder) ?? {segmentBy: null, orderBy: null}
  if (segmentBy === null && orderBy === null) return []
  const columns = await readColumns(db, table)
  const entries = [...(segmentBy ?? []), ...(orderBy ?? [])]
  const sorted = entries.map((text, index) => {
    const order = index < (segmentBy?.length ?? 0) ? ascending(text, columns) : readOrder(text, columns)
    if (order === null) throw noSuchColumn(table, text)
    return order
  })
  return sorted.filter(({column}, index) => sorted.findIndex((other) => other.column === column) === index)
}

function ascending(column: string, columns: readonly string[]): SortColumn | null {
  return columns.includes(column) ? {column, desc: false, nullsFirst: false} : null
}

function noSuchColumn(table: Table, text: string): OpsError {
  return usageError(
    'NO_SUCH_COLUMN',
    `The compression of ${qualifiedName(table)} orders rows by ${text}, and the table has no such column. Nothing ` +
      'was changed.',
    [`Correct segmentBy or orderBy in the configuration, then: ${command('policies apply')}`],
  )
}

async function readColumns(db: Database, {relation}: Table): Promise<string[]> {
  const rows = await db.query<{name: string}>(
    sql`select attname as name from pg_attribute where attrelid = ${relation}::oid and attnum > 0 and not attisdropped`,
  )
  return rows.map(({name}) => name)
}
