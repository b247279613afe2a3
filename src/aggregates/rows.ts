import type {Database} from '../db/database.js'
import {ident, statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import type {Table} from '../catalog/table.js'
import {highest, lowest, type Span} from '../catalog/span.js'
import {pointText} from '../catalog/time-key.js'

/** Whether an aggregate has a row in a span; true if that cannot be read. */
export async function hasRows(db: Database, subject: {aggregate: Table}, span: Span): Promise<boolean> {
  return (await findRows(db, subject, span)) ?? true
}

/** Whether an aggregate has a row in a span; null if that cannot be read. */
export async function findRows(
  db: Database,
  {aggregate}: {aggregate: Table},
  {start, end}: Span,
): Promise<boolean | null> {
  const {storage, timeColumn, time} = aggregate
  if (timeColumn === null) return null
  const column = ident(timeColumn).text
  const bounds = [
    ...(start > lowest ? [{operator: '>=', at: start}] : []),
    ...(end < highest ? [{operator: '<', at: end}] : []),
  ]
  const where = bounds.map(({operator}, index) => `${column} ${operator} $${index + 1}`).join(' and ') || 'true'
  try {
    const question = statement(
      `select exists (select 1 from ${ident(storage.schema, storage.name).text} where ${where}) as found`,
      bounds.map(({at}) => pointText(at, time)),
    )
    return (await db.query<{found: boolean}>(question))[0]!.found
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return null
  }
}
