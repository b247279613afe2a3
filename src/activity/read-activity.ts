import {batching} from '../db/batching.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import {can} from '../engines/index.js'
import {isOwnSession, isPgCron} from '../run/application.js'
import type {Instant} from '../units/instant.js'
import {endingSql, firstBlocker, orderByBlocker} from './blocking-tree.js'
import type {ActivityReport, Horizon, Session, SessionKind, TableName} from './sessions.js'

interface SessionRow {
  pid: number
  /** Null where the role may not read it. */
  backend_type: string | null
  role: string | null
  application: string | null
  client: string | null
  state: string | null
  query_start: Instant | null
  xact_start: Instant | null
  query: string | null
  wait_event_type: string | null
  wait_event: string | null
  blockers: number[]
  waits_for: number | null
  waits_for_mode: string | null
  relations: number[]
  command: string | null
  phase: string | null
  done: number | null
  total: number | null
}

interface JobRow {
  id: number
  application: string
}

/**
 * The current activity of the database. Chunks and partitions are reported under the name of their table. Two round
 * trips; never waits for a lock.
 */
export async function readActivity(database: Database): Promise<ActivityReport> {
  const db = batching(database)
  const {server} = db
  const ask = <Row extends object>(name: string, values: readonly number[][] = []) =>
    db.query<Row>(statement(loadSql(`activity/${name}`), values))
  const [[clock], rows, horizons, jobs] = await Promise.all([
    db.query<{now: Instant}>(statement('select clock_timestamp() as now')),
    ask<SessionRow>('sessions'),
    ask<Horizon>('horizon'),
    can(server.engine, 'hypertables') ? ask<JobRow>('jobs') : [],
  ])
  const relations = [...new Set(rows.flatMap((row) => [...row.relations, row.waits_for ?? 0]))].filter((oid) => oid > 0)
  const named = await ask<TableName & {relation: number}>(tablesStatement(db), [relations])
  const tables = new Map(named.map(({relation, schema, table}) => [relation, {schema, table}]))
  const jobIds = new Map(jobs.map(({application, id}) => [application, id]))
  const sessions = orderByBlocker(rows.map((row) => sessionOf(row, tables, jobIds)))
  const blocker = firstBlocker(sessions)
  return {
    kind: 'activity',
    version: 1,
    target: null,
    at: clock!.now,
    hidden: !server.readsAllStats,
    sessions,
    horizons,
    blocker: blocker === null ? null : {pid: blocker.pid, blocks: blocker.blocks, end: endingSql(blocker)},
    notes: server.readsAllStats ? [] : [hiddenNote(server.role)],
  }
}

function tablesStatement({server}: Database): string {
  return server.chunkCatalog === null ? 'tables' : `tables-${server.chunkCatalog}`
}

function hiddenNote(role: string): string {
  const grant = sql`grant pg_monitor to ${ident(role)}`.text
  return `The role ${role} cannot see what sessions of other roles run. As a superuser: ${grant}`
}

function sessionOf(
  row: SessionRow,
  tables: ReadonlyMap<number, TableName>,
  jobIds: ReadonlyMap<string, number>,
): Session {
  const jobId = row.backend_type === 'client backend' ? null : (jobIds.get(row.application ?? '') ?? null)
  return {
    pid: row.pid,
    kind: kindOf(row, jobId),
    jobId,
    role: row.role,
    application: row.application === '' ? null : row.application,
    client: row.client,
    state: row.state,
    queryStartedAt: row.query_start,
    transactionStartedAt: row.xact_start,
    query: row.query === null ? null : row.query.replace(/\s+/g, ' ').trim(),
    tables: distinct(row.relations.flatMap((oid) => tables.get(oid) ?? [])),
    waitsFor: waitOf(row, tables),
    blockedBy: [...new Set(row.blockers)],
    blocks: 0,
    depth: 0,
    progress:
      row.command === null ? null : {command: row.command, phase: row.phase, done: row.done ?? 0, total: row.total},
  }
}

function distinct(names: readonly TableName[]): TableName[] {
  return [...new Map(names.map((each) => [`${each.schema}.${each.table}`, each])).values()]
}

/** A job of TimescaleDB is known by application_name; the other kinds by backend_type or application_name. */
function kindOf({backend_type: type, application}: SessionRow, jobId: number | null): SessionKind {
  if (jobId !== null) return 'timescaledb_job'
  if (type === 'autovacuum worker') return 'autovacuum'
  if (type === 'walsender' || type?.startsWith('logical replication')) return 'replication'
  if (isPgCron(application) || isPgCron(type)) return 'pg_cron'
  if (type !== null && type !== 'client backend') return 'background'
  return isOwnSession(application) ? 'run' : 'application'
}

function waitOf(row: SessionRow, tables: ReadonlyMap<number, TableName>): Session['waitsFor'] {
  if (row.waits_for_mode !== null)
    return {
      event: 'Lock',
      mode: row.waits_for_mode,
      table: row.waits_for === null ? null : (tables.get(row.waits_for) ?? null),
    }
  // Waiting for the client is not waiting for something in the server.
  if (row.wait_event === null || row.wait_event_type === 'Client') return null
  return {event: row.wait_event, mode: null, table: null}
}
