import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import {usageError} from '../../errors.js'
import {instantFromMillis, type Instant} from '../../units/instant.js'
import {auditProblems, type AuditCounts, type JobAudit} from '../../schedule/audit.js'
import {hasOccurrences} from './job-list.js'
import {readAudit} from './read-audit.js'

/** An audit of a job with ISO 8601 times; `ok` is true if it has no problems. */
export interface JobAuditReport {
  job: string
  ok: boolean
  from: Instant
  to: Instant
  instants: number
  byStatus: Record<string, number>
  counts: AuditCounts
  gaps: Instant[]
  duplicates: Instant[]
  unexpected: Instant[]
  abandoned: Instant[]
  retrying: Instant[]
  released: Instant[]
  waiting: Instant[]
  notes: string[]
}

/** Milliseconds. pg_cron checks its schedule once a minute and starts a run only after the previous one. */
const cronGrace = 120_000

/** Audits every job of the ledger, or one. @throws OpsError NO_SUCH_JOB if the ledger has no job of that name */
export async function auditReport(
  db: Database,
  declared: readonly Job[],
  since: Instant | null,
  only: string | null,
): Promise<{ok: boolean; jobs: JobAuditReport[]; timelines: {at: Instant; message: string}[]}> {
  if (!(await hasOccurrences(db))) return {ok: true, jobs: [], timelines: []}
  const {jobs, timelines} = await readAudit(
    db,
    since === null ? null : Date.parse(since),
    only === null ? null : [only],
    cronGrace,
  )
  if (only !== null && jobs.length === 0)
    throw usageError('NO_SUCH_JOB', `The ledger of this database has no job "${only}".`, [
      'A daemon adds a declared job to the ledger when it starts.',
    ])
  const reports = jobs.map((audit) =>
    reportOf(
      audit,
      declared.find(({name}) => name === audit.job),
    ),
  )
  return {ok: reports.every(({ok}) => ok), jobs: reports, timelines}
}

function reportOf(audit: JobAudit, declared: Job | undefined): JobAuditReport {
  const {
    job,
    from,
    to,
    instants,
    byStatus,
    counts,
    gaps,
    duplicates,
    unexpected,
    abandoned,
    retrying,
    released,
    waiting,
    notes,
  } = audit
  return {
    job,
    ok: auditProblems(audit, declared?.lateAfter ?? 60_000, declared?.overlap === 'queue') === 0,
    from: instantFromMillis(from),
    to: instantFromMillis(to),
    instants,
    byStatus,
    counts,
    gaps: gaps.map(instantFromMillis),
    duplicates: duplicates.map(instantFromMillis),
    unexpected: unexpected.map(instantFromMillis),
    abandoned: abandoned.map(instantFromMillis),
    retrying: retrying.map(instantFromMillis),
    released: released.map(instantFromMillis),
    waiting: waiting.map(instantFromMillis),
    notes,
  }
}
