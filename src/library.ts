import type {Database} from './db/database.js'
import {redact} from './db/redact.js'
import {defaultLimits} from './run/limits.js'
import {readManaged} from './config/managed.js'
import {readDeclared} from './policies/declared/read-declared.js'
import {readPolicyStatus} from './policies/status/status.js'
import type {PolicyStatusReport} from './policies/status/types.js'
import {readStats, type StatsReport} from './reports/stats.js'

export interface ReportOptions {
  /** One table or aggregate, as name or schema.name; default: all. */
  table?: string | undefined
  /** Milliseconds after which due work counts as late; default: six hours. */
  lateAfter?: number | undefined
}

/**
 * Returns what `stats --json` prints: size, growth, compression and age of every time-series table. Read-only.
 * @throws OpsError NO_SUCH_TABLE
 */
export async function readStatistics(
  db: Database,
  {table, lateAfter = defaultLimits.lateAfter}: ReportOptions = {},
): Promise<StatsReport & {target: string}> {
  const managed = readManaged(db, null)
  return {...(await readStats(db, {table, fast: false, managed, timeUnits: new Map(), lateAfter})), target: label(db)}
}

/**
 * Returns what `policies status --json` prints when there is no configuration file: the policies of the database and,
 * where the QiCore tables are installed, the policies that their definitions declare. Read-only.
 * @throws OpsError NO_SUCH_TABLE
 */
export async function readPolicies(
  db: Database,
  {table, lateAfter = defaultLimits.lateAfter}: ReportOptions = {},
): Promise<PolicyStatusReport & {target: string}> {
  return {
    ...(await readPolicyStatus(db, {declared: readDeclared(db, null), lateAfter, table})),
    target: label(db),
  }
}

function label({target}: Database): string {
  return target.name ?? redact(target.url)
}
