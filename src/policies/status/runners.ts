import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {SqlCall} from '../../db/sql-calls.js'
import {cronCalls, enforces} from './cron-duties.js'
import {exportsRows} from '../retention-export.js'
import type {LiveRule} from '../table-state.js'
import type {Runner} from './types.js'

/** The runners that could run policies in this database, and whether they are running. */
export interface Runners {
  scheduler: boolean | null
  daemon: boolean
  /** The SQL calls that pg_cron runs in this database; null if cron.job cannot be read from here. */
  cron: readonly SqlCall[] | null
  cronAlive: boolean
}

export async function readRunners(db: Database): Promise<Runners> {
  const {server} = db
  const [[row], cron] = await Promise.all([
    db.query<{daemons: number}>(statement(loadSql('policies/runners'))),
    cronCalls(db),
  ])
  return {
    scheduler: server.workers === 'unknown' ? null : server.workers === 'alive',
    daemon: row!.daemons > 0,
    cron,
    cronAlive: server.pgCronAlive,
  }
}

/**
 * The runner of a policy: TimescaleDB's job if its workers run, then pg_cron, then the daemon. A retention that writes
 * files has no other runner than the daemon.
 */
export function runnerOf(
  rule: LiveRule | null,
  kind: PolicyKindName,
  key: string,
  runners: Runners,
): {runner: Runner; alive: boolean | null} {
  const {scheduler, cron, cronAlive, daemon} = runners
  if (rule === null) return {runner: 'none', alive: false}
  const job = rule.job !== null
  if (job && scheduler === true) return {runner: 'timescaledb', alive: true}
  const files = exportsRows(rule.gate)
  if (!files && cron?.some((call) => enforces(call, kind, key))) return {runner: 'pg_cron', alive: cronAlive}
  if (daemon) return {runner: 'daemon', alive: true}
  if (job) return {runner: 'timescaledb', alive: scheduler}
  return cron === null && !files ? {runner: 'unknown', alive: null} : {runner: 'none', alive: false}
}
