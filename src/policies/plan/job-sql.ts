import {timescaledbFunction, type Server} from '../../db/server.js'
import {inline, literal, sql} from '../../db/sql.js'

/** SQL that pauses or resumes a job of TimescaleDB's scheduler, qualified with the schema of the extension. */
export function alterJobSql(server: Server, job: number, scheduled = true): string {
  return inline(sql`select ${timescaledbFunction(server, 'alter_job')}(${job}, scheduled => ${literal(scheduled)})`)
}
