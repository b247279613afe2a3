import {timescaledbFunction, type Server} from '../db/server.js'
import {inline, sql} from '../db/sql.js'

/** SQL that lets a paused job of TimescaleDB's scheduler run again, in the schema of the extension. */
export function alterJobSql(server: Server, job: number): string {
  return inline(sql`select ${timescaledbFunction(server, 'alter_job')}(${job}, scheduled => true)`)
}
