import type {Database} from '../../db/database.js'
import {loadQicoreSql} from '../../db/load-qicore-sql.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import {isPgCron} from '../../run/application.js'
import {instantFromMillis, type Instant} from '../../units/instant.js'
import type {UnassignedRow} from '../../schedule/audit-pg-cron.js'
import {auditJob, type AuditedVersion, type AuditRow, type JobAudit} from '../../schedule/audit.js'
import {currentStatus} from '../../run/status-names.js'

export interface Audit {
  jobs: JobAudit[]
  /** Failovers and restores in the audited time. */
  timelines: {at: Instant; message: string}[]
  now: number
}

interface JobRow {
  name: string
  last_at: Instant
  running: boolean
  pruned_until: Instant | null
  now: Instant
  versions: (Omit<AuditedVersion, 'validFrom'> & {validFrom: string})[]
}

const pageSize = 20_000

/**
 * Audits the jobs of the ledger.
 * @param since milliseconds since 1970; null for the whole history
 * @param only names; null for all
 * @param cronGrace milliseconds that pg_cron may start late
 */
export async function readAudit(
  db: Database,
  since: number | null,
  only: readonly string[] | null,
  cronGrace: number,
): Promise<Audit> {
  const rows = await db.query<JobRow>(statement(loadQicoreSql(db.server, 'jobs/audit-jobs'), [only]))
  const jobs: JobAudit[] = []
  for (const row of rows) {
    const versions = row.versions.map((version) => ({...version, validFrom: Date.parse(version.validFrom)}))
    const pruned = row.pruned_until === null ? -Infinity : Date.parse(row.pruned_until)
    const from = Math.max(since ?? -Infinity, pruned, versions[0]!.validFrom)
    const now = Date.parse(row.now)
    jobs.push(
      auditJob({
        job: row.name,
        versions,
        lastAt: Date.parse(row.last_at),
        running: row.running,
        from,
        now,
        rows: await occurrences(db, row.name, from, row.now),
        unassigned: await unassigned(db, row.name, from, row.now),
        cronGrace,
      }),
    )
  }
  const first = jobs.length === 0 ? Date.now() : Math.min(...jobs.map(({from}) => from))
  const timelines = await db.query<{system_identifier: string; timeline: number; seen_at: Instant; seen_by: string}>(
    statement(loadSql('jobs/timelines'), [instantFromMillis(first)]),
  )
  return {
    jobs,
    timelines: timelines.map(({system_identifier, timeline, seen_at, seen_by}) => ({
      at: seen_at,
      message:
        `failover or restore: the server is now on timeline ${timeline} of system ${system_identifier} (seen by ` +
        `${seen_by}); runs that the old server completed just before may have been repeated`,
    })),
    now: rows[0] ? Date.parse(rows[0].now) : Date.now(),
  }
}

async function occurrences(db: Database, job: string, from: number, until: Instant): Promise<AuditRow[]> {
  interface Row {
    scheduled_at: Instant
    status: string
    reason: string | null
    attempts: number
    abandoned: boolean | null
  }
  const all: AuditRow[] = []
  for (let after: Instant = instantFromMillis(from); ; ) {
    const rows = await db.query<Row>(statement(loadSql('jobs/audit-rows'), [job, after, until, pageSize]))
    for (const row of rows)
      all.push({
        scheduledAt: Date.parse(row.scheduled_at),
        status: currentStatus(row.status),
        reason: row.reason,
        attempts: row.attempts,
        abandoned: row.abandoned === true,
      })
    if (rows.length < pageSize) return all
    after = rows.at(-1)!.scheduled_at
  }
}

async function unassigned(db: Database, job: string, from: number, until: Instant): Promise<UnassignedRow[]> {
  interface Row {
    started_at: Instant
    completed_at: Instant | null
    status: string
    reason: string | null
    part: string | null
    application: string | null
  }
  const rows = await db.query<Row>(statement(loadSql('jobs/audit-unassigned'), [job, instantFromMillis(from), until]))
  return rows.map(({started_at, completed_at, status, reason, part, application}) => ({
    startedAt: Date.parse(started_at),
    completedAt: completed_at === null ? null : Date.parse(completed_at),
    status: currentStatus(status),
    reason,
    part,
    byCron: isPgCron(application),
  }))
}
