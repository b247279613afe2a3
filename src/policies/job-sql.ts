import {timescaledbFunction, type Server} from '../db/server.js'
import {inline, literal, sql} from '../db/sql.js'

/** SQL that pauses a job of TimescaleDB's scheduler, or lets a paused one run again; in the schema of the extension. */
export function alterJobSql(server: Server, job: number, scheduled = true): string {
  return inline(sql`select ${timescaledbFunction(server, 'alter_job')}(${job}, scheduled => ${literal(scheduled)})`)
}
