import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Coverage} from './coverage.js'

type Tree = {[field: string]: unknown}

/** The parameters of the functions that compute a window of an emulated aggregate. */
const bounds = new Set(['window_start', 'window_end'])

/**
 * Whether an aggregate's query can leave rows out of every bucket: it has a WHERE, a HAVING or a join. Absent if the
 * query could not be read.
 */
export async function readFilters(db: Database, coverage: readonly Coverage[]): Promise<Map<Coverage, boolean>> {
  const found = new Map<Coverage, boolean>()
  const ids = coverage.flatMap(({aggregate}) => aggregate?.id ?? [])
  const functions = coverage.flatMap(({own}) => (own === null ? [] : [own.query]))
  const continuous =
    ids.length === 0
      ? []
      : await db.query<{id: number; query: string}>(statement(loadSql('aggregates/aggregate-queries'), [ids]))
  const emulated =
    functions.length === 0
      ? []
      : await db.query<{name: string; query: string}>(statement(loadSql('aggregates/window-functions'), [functions]))
  for (const each of coverage) {
    const query =
      each.own === null
        ? continuous.find(({id}) => id === each.aggregate?.id)?.query
        : emulated.find(({name}) => name === each.own?.query)?.query
    const filters = query === undefined ? null : await leavesRowsOut(query)
    if (filters !== null) found.set(each, filters)
  }
  return found
}

/** Null if PostgreSQL's parser does not accept the text. */
async function leavesRowsOut(query: string): Promise<boolean | null> {
  const {parse} = await import('libpg-query')
  const tree = await parse(query).catch(() => null)
  const selects = tree === null ? [] : nodesOf(tree, 'SelectStmt')
  if (selects.length === 0) return null
  return selects.some(({whereClause, havingClause, fromClause}) => {
    const joins = nodesOf(fromClause, 'JoinExpr').length > 0 || (Array.isArray(fromClause) && fromClause.length > 1)
    return joins || havingClause !== undefined || conditionsOf(whereClause).some((condition) => !isWindow(condition))
  })
}

/** The conditions that are joined by AND. */
function conditionsOf(where: unknown): unknown[] {
  if (where === undefined) return []
  const {BoolExpr: bool} = where as {BoolExpr?: {boolop: string; args: unknown[]}}
  return bool?.boolop === 'AND_EXPR' ? bool.args.flatMap(conditionsOf) : [where]
}

function isWindow(condition: unknown): boolean {
  return (
    nodesOf(condition, 'ParamRef').length > 0 ||
    nodesOf(condition, 'String').some(({sval}) => bounds.has(sval as string))
  )
}

function nodesOf(tree: unknown, type: string): Tree[] {
  if (typeof tree !== 'object' || tree === null) return []
  return Object.entries(tree).flatMap(([name, child]) => [
    ...(name === type ? [child as Tree] : []),
    ...nodesOf(child, type),
  ])
}
