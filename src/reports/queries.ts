import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import type {Server} from '../db/server.js'
import {ident, raw, sql, statement, type Fragment} from '../db/sql.js'
import {sqlState, SqlState} from '../db/sqlstate.js'
import type {Instant} from '../units/instant.js'
import {ambiguous, findRelations, noSuchTable} from '../catalog/resolve-table.js'
import type {ReportHead} from '../catalog/snapshot.js'

export interface QueriesReport extends ReportHead<'stats.queries'> {
  /** When counting started; null if it cannot be read. */
  countedSince: Instant | null
  /** By total execution time, descending. */
  queries: QueryStats[]
  notes: string[]
}

export interface QueryStats {
  /** Null for the row that sums all statements whose text this role may not read. */
  query: string | null
  /** A string, because it has 64 bits; null if the text is null. */
  queryId: string | null
  /** The roles that ran it. */
  roles: string[]
  /**
   * True if a client ran it directly; false if it ran inside another statement, whose time includes it; null before
   * PostgreSQL 14, which does not record it.
   */
  topLevel: boolean | null
  calls: number
  totalMs: number
  /** Share of the total time of all top-level statements of this database; null if the total is zero. */
  sharePercent: number | null
  meanMs: number
  minMs: number | null
  maxMs: number | null
  rows: number
  /** Blocks of tables and indexes; null if this version does not count them. */
  sharedBlocksHit: number | null
  sharedBlocksRead: number | null
  tempBlocksWritten: number | null
}

export interface QueriesRequest {
  /** Only statements that mention this table, view or partition. */
  table?: string | undefined
  limit: number
}

/**
 * The statistics of pg_stat_statements for this database: one row per statement, and a second one if it also ran inside
 * other statements. What cannot be read is explained in a note.
 * @throws OpsError NO_SUCH_TABLE, AMBIGUOUS
 */
export async function readQueries(db: Database, request: QueriesRequest): Promise<QueriesReport> {
  const name = request.table === undefined ? null : await resolveName(db, request.table)
  const report = async (
    queries: QueryStats[],
    notes: string[],
    countedSince: Instant | null = null,
  ): Promise<QueriesReport> => {
    const [row] = await db.query<{now: Instant}>(statement('select clock_timestamp() as now'))
    return {kind: 'stats.queries', version: 1, target: null, at: row!.now, countedSince, queries, notes}
  }
  const {server} = db
  const schema = server.pgStatStatementsSchema
  if (schema === null) return report([], [notInstalled(server)])
  try {
    const {queries, hidden} = await readRows(db, schema, name, request.limit)
    return await report(queries, hidden ? [hiddenNote(name !== null)] : [], await countedSince(db, schema))
  } catch (error) {
    const state = sqlState(error)
    if (state === SqlState.notLoaded)
      return report([], [`pg_stat_statements is installed but not loaded: ${howToLoad}`])
    if (state === SqlState.noPrivilege)
      return report(
        [],
        [
          `No privilege to read pg_stat_statements: GRANT USAGE ON SCHEMA ${ident(schema).text} and SELECT on the ` +
            'view, or pg_monitor.',
        ],
      )
    if (state !== SqlState.badEncoding && state !== SqlState.untranslatable) throw error
    return withoutTexts(db, schema, request, report)
  }
}

/**
 * pg_stat_statements keeps the texts of all databases in one file. One text that is invalid in the encoding of this
 * database makes every read fail, so this reads without texts.
 */
async function withoutTexts(
  db: Database,
  schema: string,
  {table, limit}: QueriesRequest,
  report: (queries: QueryStats[], notes: string[], since: Instant | null) => Promise<QueriesReport>,
): Promise<QueriesReport> {
  const why =
    'No statement text can be read: pg_stat_statements has one that is invalid in the encoding of this database. ' +
    'A superuser can remove it with SELECT pg_stat_statements_reset().'
  const since = await countedSince(db, schema)
  if (table !== undefined)
    return report([], [`${why} Therefore it is unknown which statements mention ${table}.`], since)
  return report((await readRows(db, schema, null, limit, 'without texts')).queries, [why], since)
}

function hiddenNote(filtered: boolean): string {
  const grant = 'GRANT pg_read_all_stats TO this role shows them.'
  if (filtered)
    return (
      'This role may not read the statements of other roles, so theirs that mention the table are missing: ' +
      `${grant}`
    )
  return `Statements of other roles are summed in one row without text: ${grant}`
}

const howToLoad = 'add it to shared_preload_libraries in postgresql.conf and restart the server.'

function notInstalled({embedded, preloaded}: Server): string {
  if (embedded) return 'The embedded engine has no pg_stat_statements; only a server counts statements.'
  const create = 'pg_stat_statements is not installed in this database: CREATE EXTENSION pg_stat_statements.'
  if (preloaded === null) return `${create} It must be in shared_preload_libraries, which this role may not read.`
  return preloaded.includes('pg_stat_statements') ? create : `${create} It must be loaded first: ${howToLoad}`
}

/** When counting started; recorded by PostgreSQL 14 and later. */
async function countedSince(db: Database, schema: string): Promise<Instant | null> {
  try {
    const [row] = await db.query<{since: Instant | null}>(
      sql`select stats_reset as since from ${ident(schema, 'pg_stat_statements_info')}`,
    )
    return row?.since ?? null
  } catch (error) {
    const state = sqlState(error)
    if (state === SqlState.undefinedTable || state === SqlState.noPrivilege) return null
    throw error
  }
}

async function resolveName(db: Database, text: string): Promise<string> {
  const found = await findRelations(db, parseQualifiedName(text))
  if (found.length === 0) throw noSuchTable(db, text, [])
  if (found.length > 1)
    throw ambiguous(
      text,
      found.map((each) => formatQualifiedName(each.schema, each.name)),
    )
  return found[0]!.name
}

interface QueryRow {
  total: number | null
  hidden: boolean | null
  query: string | null
  id: string | null
  roles: string[] | null
  toplevel: boolean | null
  calls: number | null
  ms: number
  min: number | null
  max: number | null
  rows: number
  hit: number | null
  read: number | null
  temp: number | null
}

/** @param texts if false, no text is decoded, and a query is identified by its id alone */
async function readRows(
  db: Database,
  schema: string,
  name: string | null,
  limit: number,
  texts: 'with texts' | 'without texts' = 'with texts',
): Promise<{queries: QueryStats[]; hidden: boolean}> {
  const columns = new Set(
    (await db.query<{name: string}>(statement(loadSql('reports/statement-columns'), [schema]))).map(
      (column) => column.name,
    ),
  )
  const column = (...names: string[]): Fragment => {
    const found = names.find((each) => columns.has(each))
    return found === undefined ? raw('null') : ident(found)
  }
  const source =
    texts === 'with texts' ? ident(schema, 'pg_stat_statements') : sql`${ident(schema, 'pg_stat_statements')}(false)`
  const unreadable =
    texts === 'with texts' ? sql`queryid is null or query = '<insufficient privilege>'` : sql`queryid is null`
  const rows = await db.query<QueryRow>(sql`
    with counted as materialized (
      select ${unreadable} as hidden, query, queryid, ${column('toplevel')}::boolean as toplevel, userid, calls, ${column('total_exec_time', 'total_time')} as ms, rows,
        ${column('min_exec_time', 'min_time')}::float8 as min, ${column('max_exec_time', 'max_time')}::float8 as max,
        ${column('shared_blks_hit')}::int8 as hit, ${column('shared_blks_read')}::int8 as read, ${column('temp_blks_written')}::int8 as temp
      from ${source} where dbid = (select oid from pg_database where datname = current_database())
    )
    select whole.total, whole.hidden, s.*
    from (select sum(ms) filter (where toplevel is not false)::float8 as total, bool_or(hidden) as hidden from counted) as whole
    left join lateral (
      select case when not hidden then query end as query, case when not hidden then queryid::text end as id, array_agg(distinct pg_get_userbyid(userid)::text) as roles,
        case when not hidden then toplevel end as toplevel, sum(calls)::int8 as calls, sum(ms)::float8 as ms, min(min) as min, max(max) as max, sum(rows)::int8 as rows,
        sum(hit)::int8 as hit, sum(read)::int8 as read, sum(temp)::int8 as temp
      from counted
      where ${name === null ? null : naming(name)}::text is null or (not hidden and query ~* ${name === null ? null : naming(name)}::text)
      group by 1, 2, 4 order by ms desc limit ${limit}
    ) as s on true
    order by s.ms desc nulls last`)
  return {
    hidden: rows[0]?.hidden ?? false,
    queries: rows.flatMap((row) => (row.calls === null ? [] : [statsOf({...row, calls: row.calls})])),
  }
}

function statsOf({
  query,
  id,
  roles,
  toplevel,
  calls,
  ms,
  min,
  max,
  rows,
  hit,
  read,
  temp,
  total,
}: QueryRow & {calls: number}): QueryStats {
  return {
    query,
    queryId: id,
    roles: roles ?? [],
    topLevel: toplevel,
    calls,
    totalMs: ms,
    sharePercent: total === null || total === 0 ? null : (100 * ms) / total,
    meanMs: calls === 0 ? 0 : ms / calls,
    minMs: min,
    maxMs: max,
    rows,
    sharedBlocksHit: hit,
    sharedBlocksRead: read,
    tempBlocksWritten: temp,
  }
}

/** A regular expression that matches the name as a whole word, quoted or not. */
function naming(name: string): string {
  return `(^|[^[:alnum:]_$])${name.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)}($|[^[:alnum:]_$])`
}
