import type {PolicyKindName} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {argumentOf, callsIn, tableNamed, type SqlCall} from '../../db/sql-calls.js'
import {readCronEntries} from '../../catalog/cron-entries.js'
import {readQicoreRows} from '../../catalog/read-emulated.js'

/**
 * The SQL calls that pg_cron runs in this database: those in cron.job, if it is readable here, and those that
 * `cron install` recorded. Null if not known, because cron.job cannot be read from this database.
 */
export async function cronCalls(db: Database): Promise<SqlCall[] | null> {
  const [seen, recorded] = await Promise.all([readCronEntries(db), recordedCommands(db)])
  if (seen === null && recorded.length === 0) return null
  const commands = new Set([...(seen ?? []).map(({command}) => command), ...recorded])
  return (await Promise.all([...commands].map((command) => callsIn(command)))).flat()
}

async function recordedCommands(db: Database): Promise<string[]> {
  if (!db.server.hasQicoreSchema) return []
  return (await readQicoreRows<{command: string}>(db, 'policies/cron-recorded')).map(({command}) => command)
}

/** Whether a call does nothing while a daemon runs the job: it checks the ledger first. */
export function yieldsToDaemon(call: SqlCall): boolean {
  if (call.schema !== 'qicore') return false
  if (call.name === 'retain') return retentionOf(call).job !== undefined
  return yielding.has(call.name) || (call.name === 'maintain' && argumentOf(call, 'work', 2) !== undefined)
}

const yielding = new Set(['refresh', 'ensure_partitions', 'prune_history', 'run_sql'])

/** Whether a call runs a policy of this kind on this table or aggregate. */
export function enforces(call: SqlCall, kind: PolicyKindName, key: string): boolean {
  const {schema, name} = call
  const isQicore = schema === 'qicore'
  if (kind === 'retention') return isQicore && name === 'retain' && tableNamed(retentionOf(call).object) === key
  if (kind === 'refresh')
    return (
      (name === 'refresh_continuous_aggregate' || (isQicore && (name === 'refresh' || name === 'refresh_aggregate'))) &&
      names(call, key)
    )
  if (kind !== 'compression') return false
  if (name === 'maintain_hypertables') return true
  return (
    isQicore &&
    name === 'maintain' &&
    argumentOf(call, 'work', 2) !== 'analyze' &&
    (names(call, key) || argumentOf(call, 'exactly', 4) !== true)
  )
}

/** The second argument of qicore.retain: the table, and the job of qicore-db that calls it. */
function retentionOf(call: SqlCall): {object?: unknown; job?: unknown} {
  const config = argumentOf(call, 'config', 1)
  if (typeof config !== 'string') return {}
  try {
    return (JSON.parse(config) as {object?: unknown; job?: unknown} | null) ?? {}
  } catch {
    return {}
  }
}

/** Whether one of the arguments is the name of the table. */
function names({positional, named}: SqlCall, key: string): boolean {
  return [...positional, ...Object.values(named)].flat(9).some((each) => tableNamed(each) === key)
}
