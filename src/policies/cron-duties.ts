import type {Database} from '../db/database.js'
import {sql} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {readOurs} from '../catalog/read-emulated.js'
import type {PolicyKind} from './declared.js'

/**
 * Commands that pg_cron runs in this database: what it has scheduled, where that can be seen from here, and what
 * `cron install` wrote down. Null: nobody can tell.
 */
export async function cronCommands(db: Database): Promise<string[] | null> {
  const [seen, recorded] = [await scheduled(db), await recordedCommands(db)]
  // pg_cron lives in one database of a server, and plans for all of them from there.
  if (seen === null) return recorded.length > 0 ? recorded : null
  return [...new Set([...seen, ...recorded])]
}

async function scheduled(db: Database): Promise<string[] | null> {
  if (db.server.pgCron === null) return db.server.pgCronAlive ? null : []
  try {
    const rows = await db.query<{command: string}>(
      sql`select command from cron.job where active and database = current_database()`,
    )
    return rows.map(({command}) => command)
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return null
  }
}

async function recordedCommands(db: Database): Promise<string[]> {
  if (!db.server.hasQicoreSchema) return []
  return (await readOurs<{command: string}>(db, 'report/cron-recorded')).map(({command}) => command)
}

/** Commands that ask the ledger whose turn it is: while a daemon has the job, they do nothing. */
export function yieldsToDaemon(command: string): boolean {
  return (
    /qicore\.(refresh|ensure_partitions|prune_history|run_sql)\b/.test(command) ||
    (/qicore\.retain\b/.test(command) && command.includes('"job"')) ||
    /work => /.test(command)
  )
}

/** Whether a command carries out a policy of that kind on that table or aggregate. */
export function enforces(command: string, kind: PolicyKind, key: string): boolean {
  const named =
    command.includes(`'${key.replaceAll("'", "''")}'`) || command.includes(`"${key.replaceAll('"', '\\"')}"`)
  if (kind === 'retention') return /qicore\.retain\b/.test(command) && named
  if (kind === 'refresh')
    return (
      /refresh_aggregate|refresh_continuous_aggregate|qicore\.refresh\b/.test(command) &&
      (named || command.includes(key))
    )
  if (/maintain_hypertables/.test(command)) return true
  return (
    /qicore\.maintain\b/.test(command) &&
    !/work => 'analyze'/.test(command) &&
    (named || !/exactly => true/.test(command))
  )
}
