import {reportTarget} from '../config/target.js'
import type {Database} from '../db/database.js'
import {statement} from '../db/sql.js'

/** The fields that every report starts with; the time is the server's clock, never the local one. */
export async function reportHead(db: Database): Promise<{version: 1; target: string; at: string}> {
  const [row] = await db.query<{now: string}>(statement('select clock_timestamp() as now'))
  return {version: 1, target: reportTarget(db), at: row!.now}
}
