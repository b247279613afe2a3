import {readQicoreRows} from '../catalog/read-emulated.js'
import {ownEntriesSettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {isConnectionLost} from '../db/sqlstate.js'

/** The schedules of active entries of pg_cron that concern a database. */
export interface CronSchedules {
  schedules: readonly string[]
  /** False if there may be others, of other roles or in the database of pg_cron. */
  complete: boolean
}

/**
 * All entries of the server in the database of pg_cron; elsewhere those that `cron install` recorded for this database.
 * Null if pg_cron does nothing for this database, as far as it is known here.
 */
export async function readCronSchedules(db: Database): Promise<CronSchedules | null> {
  if (db.server.pgCron !== null) return readEntries(db)
  if (!db.server.hasQicoreSchema) return null
  const recorded = await readQicoreRows<{schedule: string}>(db, 'pg-cron/recorded-schedules')
  return recorded.length === 0 ? null : {schedules: recorded.map(({schedule}) => schedule), complete: false}
}

async function readEntries(db: Database): Promise<CronSchedules> {
  try {
    const [row] = await db.query<CronSchedules>(statement(loadSql('pg-cron/schedules')), ownEntriesSettings)
    return row!
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return {schedules: [], complete: false}
  }
}
