import {policyProcedures} from '../../catalog/live-policies.js'
import type {Database} from '../../db/database.js'
import {timescaledbFunction} from '../../db/server.js'
import {inline, sql} from '../../db/sql.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import type {OtherJob} from './types.js'

interface OtherJobRow {
  id: number
  name: string
  proc: string
  owner: string
  scheduled: boolean
  schedule: string
  next_start: Instant | null
  last_started_at: Instant | null
  last_status: string | null
  procedure_gone: boolean
}

/** Jobs of TimescaleDB's scheduler that are not policies. */
export async function readOtherJobs(db: Database): Promise<OtherJob[]> {
  const rows = await db.query<OtherJobRow>(statement(loadSql('policies/other-jobs'), [policyProcedures]))
  return rows.map(
    ({
      next_start: nextRunAt,
      last_started_at: lastRunAt,
      last_status: lastStatus,
      procedure_gone: procedureGone,
      ...row
    }) => ({
      ...row,
      nextRunAt,
      lastRunAt,
      lastStatus,
      procedureGone,
      findings: procedureGone
        ? [
            'Its procedure no longer exists, so every run fails. To remove the job: ' +
              `${inline(sql`select ${timescaledbFunction(db.server, 'delete_job')}(${row.id})`)}`,
          ]
        : [],
    }),
  )
}
