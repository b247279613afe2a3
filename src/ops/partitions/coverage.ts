import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {ident, sql, statement} from '../../db/sql.js'
import {SqlState, sqlState} from '../../db/sqlstate.js'
import type {Child} from '../../reports/partitions/children.js'
import type {PartitionSet} from '../../reports/partitions/sets.js'

/** A partition whose rows an aggregate over the set has not seen, or may not have. */
export interface Uncovered {
  child: Child
  message: string
}

/**
 * Which partitions hold rows that some aggregate table of ours has not covered. What cannot be read counts as not
 * covered; a partition without rows needs no covering.
 */
export async function uncovered(db: Database, set: PartitionSet, children: readonly Child[]): Promise<Uncovered[]> {
  if (children.length === 0 || !db.server.hasCore) return []
  const whole = await missingOf(db, set, children.map(({from, to}) => ({from: from ?? '-infinity', to: to ?? 'infinity'})))
  if (whole === 'unreadable') return children.map((child) => ({child, message: `${child.relation}: qicore.aggregates cannot be read, so nobody knows whether an aggregate needs it`}))
  const doubtful = children.filter((_, index) => whole.some(({position}) => position === index + 1))
  const found: Uncovered[] = []
  for (const child of doubtful) {
    const rows = await rowsOf(db, set, child)
    if (rows === 'none') continue
    if (rows === 'unreadable') {
      found.push({child, message: `${child.relation} cannot be read, so nobody knows whether its rows are covered`})
      continue
    }
    const missing = await missingOf(db, set, [rows])
    if (missing === 'unreadable') continue
    for (const {view, missing: range} of missing) found.push({child, message: `${child.relation}: ${view} has not covered ${range}`})
  }
  return found
}

interface Missing {
  view: string
  position: number
  missing: string
}

async function missingOf(db: Database, set: PartitionSet, ranges: readonly {from: string; to: string}[]): Promise<Missing[] | 'unreadable'> {
  const parameters = [set.relation, ranges.map(({from}) => from), ranges.map(({to}) => to)]
  try {
    const rows = await db.query<Omit<Missing, 'missing'> & {missing: string | null}>(statement(loadSql('catalog/partition-coverage'), parameters))
    return rows.filter((row): row is Missing => row.missing !== null)
  } catch (error) {
    if (sqlState(error) === SqlState.undefinedTable) return []
    if (sqlState(error) === SqlState.noPrivilege) return 'unreadable'
    throw error
  }
}

/** From the oldest row to just after the newest: what has to be covered, where data begins or ends within a partition. */
async function rowsOf(db: Database, set: PartitionSet, child: Child): Promise<{from: string; to: string} | 'none' | 'unreadable'> {
  const column = ident(set.column!)
  try {
    const [row] = await db.query<{from: string | null; to: string | null}>(
      sql`select min(${column})::timestamptz::text as from, (max(${column})::timestamptz + interval '1 microsecond')::text as to from ${ident(child.schema, child.partition)}`)
    return row?.from && row.to ? {from: row.from, to: row.to} : 'none'
  } catch (error) {
    const state = sqlState(error)
    if (state === SqlState.noPrivilege || state === SqlState.lockNotAvailable || state === SqlState.canceled) return 'unreadable'
    throw error
  }
}
