import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import type {Server} from '../db/server.js'
import {ident, statement} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'
import type {Instant} from '../units/instant.js'
import {ambiguous, findRelations, noSuchTable} from './resolve-table.js'
import type {ReportHead} from './survey.js'

export interface QueriesReport extends ReportHead<'stats.queries'> {
  /** By total time. */
  queries: QueryStats[]
  notes: string[]
}

export interface QueryStats {
  /** Null for all statements together whose text this role may not read. */
  query: string | null
  calls: number
  totalMs: number
  meanMs: number
  rows: number
}

export interface QueriesRequest {
  /** Only statements that name this table, view or partition. */
  table?: string | undefined
  limit: number
}

/**
 * What pg_stat_statements counted in this database. The same statement of several roles, or inside of a function, is
 * one row. What cannot be had is said in a note, with how to get it.
 * @throws OpsError NO_SUCH_TABLE, AMBIGUOUS
 */
export async function readQueries(db: Database, request: QueriesRequest): Promise<QueriesReport> {
  const name = request.table === undefined ? null : await nameOf(db, request.table)
  const report = async (queries: QueryStats[], notes: string[]): Promise<QueriesReport> => {
    const [row] = await db.query<{now: Instant}>(statement('select clock_timestamp() as now'))
    return {kind: 'stats.queries', version: 1, target: null, at: row!.now, queries, notes}
  }
  const {server} = db
  const schema = server.pgStatStatementsSchema
  if (schema === null) return report([], [notInstalled(server)])
  try {
    const rows = await readRows(db, schema, name, request.limit)
    const hidden = rows.some(({query}) => query === null)
    return await report(rows, hidden ? ['Statements of other roles are one line without text: GRANT pg_read_all_stats TO this role shows them.'] : [])
  } catch (error) {
    const state = sqlState(error)
    if (state === SqlState.notLoaded) return report([], [`pg_stat_statements is installed but not loaded: ${howToLoad}`])
    if (state === SqlState.noPrivilege) return report([], [`No privilege to read pg_stat_statements: GRANT USAGE ON SCHEMA ${formatQualifiedName('', schema).slice(3)} and SELECT on the view, or pg_monitor.`])
    throw error
  }
}

const howToLoad = "add it to shared_preload_libraries in postgresql.conf and restart the server."

function notInstalled({embedded, preloaded}: Server): string {
  if (embedded) return 'The embedded engine has no pg_stat_statements: statements are counted on a server only.'
  const load = preloaded?.includes('pg_stat_statements') ? '' : ` It must be loaded first: ${howToLoad}`
  return `pg_stat_statements is not installed in this database: CREATE EXTENSION pg_stat_statements.${load}`
}

async function nameOf(db: Database, text: string): Promise<string> {
  const found = await findRelations(db, parseQualifiedName(text))
  if (found.length === 0) throw noSuchTable(text, db.server.database, [])
  if (found.length > 1) throw ambiguous(text, found.map((each) => formatQualifiedName(each.schema, each.name)))
  return found[0]!.name
}

async function readRows(db: Database, schema: string, name: string | null, limit: number): Promise<QueryStats[]> {
  const columns = new Set((await db.query<{name: string}>(statement(loadSql('report/statement-columns'), [schema]))).map((column) => column.name))
  const total = columns.has('total_exec_time') ? 'total_exec_time' : 'total_time'
  const text = `
    select s.query, sum(s.calls)::int8 as calls, sum(s.${total})::float8 as total_ms, sum(s.rows)::int8 as rows
    from (
      select case when queryid is null or query = '<insufficient privilege>' then null else query end as query, queryid, calls, ${total}, rows
      from ${ident(schema, 'pg_stat_statements').text} where dbid = (select oid from pg_database where datname = current_database())
    ) as s
    where $1::text is null or s.query ~* $1
    group by s.query, s.queryid order by total_ms desc limit $2`
  const rows = await db.query<{query: string | null; calls: number; total_ms: number; rows: number}>(statement(text, [name === null ? null : naming(name), limit]))
  return rows.map(({query, calls, total_ms: totalMs, rows: count}) => ({query, calls, totalMs, meanMs: calls === 0 ? 0 : totalMs / calls, rows: count}))
}

/** A regular expression for the name as a word of its own, quoted or not. */
function naming(name: string): string {
  return `(^|[^[:alnum:]_$])${name.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)}($|[^[:alnum:]_$])`
}
