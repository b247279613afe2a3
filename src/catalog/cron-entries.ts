import {ownEntriesSettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {sql, statement} from '../db/sql.js'
import {argumentOf, callsIn, isAgo, tableNamed, type Argument, type SqlCall} from '../db/sql-calls.js'
import {isConnectionLost} from '../db/sqlstate.js'
import {parseDuration, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'

/** An active entry of pg_cron that runs in this database. */
export interface CronEntry {
  id: number
  /** Null if it was scheduled without a name. */
  name: string | null
  /** As pg_cron has it: `0 0 1 * *`. */
  schedule: string
  command: string
}

/**
 * The active entries of pg_cron that run in this database; a role that is not a superuser sees only its own. Null if
 * not known, because cron.job cannot be read from this database.
 */
export async function readCronEntries(db: Database): Promise<CronEntry[] | null> {
  // pg_cron is installed in one database of a server and runs jobs in all of them.
  if (db.server.pgCron === null) return db.server.pgCronAlive ? null : []
  try {
    // Before 1.3 an entry has no name.
    return await db.query<CronEntry>(
      sql`select j.jobid::int as id, to_jsonb(j) ->> 'jobname' as name, j.schedule, j.command
from cron.job j where j.active and j.database = current_database() order by j.jobid`,
      ownEntriesSettings,
    )
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return null
  }
}

/** The last run of an entry in cron.job_run_details. */
export interface CronRun {
  /** The number of the entry. */
  id: number
  /** `starting`, `running`, `sending`, `connecting`, `succeeded` or `failed`. */
  status: string | null
  /** Null while pg_cron has not started it. */
  startedAt: Instant | null
  endedAt: Instant | null
  /** What the server answered: an error, or the command's tag. */
  message: string | null
}

interface RunRow {
  id: number
  status: string | null
  started_at: Instant | null
  ended_at: Instant | null
  message: string | null
}

/**
 * The last runs of entries, by the number of the entry. An entry without one never ran, or pg_cron does not record
 * runs. Null if the runs cannot be read.
 */
export async function readCronRuns(
  db: Database,
  entries: readonly CronEntry[],
): Promise<ReadonlyMap<number, CronRun> | null> {
  if (entries.length === 0) return new Map()
  try {
    const rows = await db.query<RunRow>(
      statement(loadSql('catalog/cron-runs'), [entries.map(({id}) => String(id))]),
      ownEntriesSettings,
    )
    return new Map(
      rows.map(({id, status, started_at: startedAt, ended_at: endedAt, message}) => [
        id,
        {id, status, startedAt, endedAt, message},
      ]),
    )
  } catch (error) {
    if (isConnectionLost(error)) throw error
    // Before 1.3 there is no such table.
    return null
  }
}

/** Its name, or its number if it has none. */
export function entryName({name, id}: CronEntry): string {
  return name ?? String(id)
}

/** In the middle of a sentence: `entry purge of pg_cron`. */
export function entryInWords(entry: CronEntry): string {
  return `entry ${entryName(entry)} of pg_cron`
}

/** A call of one of the functions with which users of Citus look after a partition set. */
export interface TimePartitionCall {
  does: 'creation' | 'retention' | 'compression'
  /** Qualified name of the table. A name without a schema means schema public. */
  key: string
  /** The age at which partitions are dropped or become columnar; null for creation, and if it is not known. */
  after: Duration | null
}

const creation = 'create_time_partitions'
const retention = 'drop_old_time_partitions'
const compression = 'alter_old_partitions_set_access_method'

/**
 * The call of Citus' function for the creation, the drop or the compression of partitions; null for any other call, and
 * if the table is not written as a literal.
 */
export function timePartitionCall(call: SqlCall): TimePartitionCall | null {
  // They are in pg_catalog, which is always searched first.
  if (call.schema !== null && call.schema !== 'pg_catalog') return null
  const key = tableNamed(argumentOf(call, call.name === compression ? 'parent_table_name' : 'table_name', 0))
  if (key === null) return null
  if (call.name === creation) return {does: 'creation', key, after: null}
  const after = ageOf(argumentOf(call, 'older_than', 1))
  if (call.name === retention) return {does: 'retention', key, after}
  if (call.name !== compression || argumentOf(call, 'new_access_method', 2) !== 'columnar') return null
  return {does: 'compression', key, after}
}

/** The calls of Citus' functions in the entries, each with its entry. */
export async function timePartitionEntries(
  entries: readonly CronEntry[],
): Promise<(TimePartitionCall & {entry: CronEntry})[]> {
  const found = await Promise.all(
    // The parser is loaded only where an entry may call one of them.
    entries
      .filter(({command}) => [creation, retention, compression].some((name) => command.toLowerCase().includes(name)))
      .map(async (entry) =>
        (await callsIn(entry.command)).flatMap((call) => {
          const of = timePartitionCall(call)
          return of === null ? [] : [{...of, entry}]
        }),
      ),
  )
  return found.flat()
}

/** Words in which PostgreSQL and this program read the same duration; null for any other interval. */
function ageOf(given: Argument): Duration | null {
  if (!isAgo(given)) return null
  try {
    return parseDuration(given.ago)
  } catch {
    return null
  }
}
