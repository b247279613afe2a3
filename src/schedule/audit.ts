import {instantInWords} from '../units/instant.js'
import {dueTimes} from './due-times.js'
import {cronRuns, partsOf, type UnassignedRow} from './audit-pg-cron.js'
import {leftToPgCron, type ScheduleVersion} from './due.js'

/** A version of the schedule, with the role that set it and the reason given. */
export interface AuditedVersion extends ScheduleVersion {
  actor: string
  reason: string | null
}

/** A row of the ledger, for an audit; times are milliseconds since 1970. */
export interface AuditRow {
  scheduledAt: number
  status: string
  reason: string | null
  abandoned: boolean
  /** Number of failed attempts, if the status is `retry`. */
  attempts: number
}

/** Number of due times by result, including those run by pg_cron. */
export interface AuditCounts {
  /** Including `late`. */
  done: number
  late: number
  failed: number
  running: number
  skipped: number
  /** `skipped`, by reason. */
  skippedBy: Record<string, number>
}

export interface JobAudit {
  job: string
  /** The audited range (from, to], in milliseconds since 1970. */
  from: number
  to: number
  /** Number of due times in that range, by the schedule in force at each time. */
  instants: number
  /** Counts by status, reason and runner: `skipped: overlap`, `done by pg_cron`. */
  byStatus: Record<string, number>
  counts: AuditCounts
  /** Due times without a row. */
  gaps: number[]
  /** Due times with more than one row or run. */
  duplicates: number[]
  /** Rows at times that no schedule contains, and starts of pg_cron runs without a due time. */
  unexpected: number[]
  /** Running by the ledger, but the lease expired minutes ago. */
  abandoned: number[]
  /** An attempt failed and the next one has not started. */
  retrying: number[]
  /** Released by a daemon that stopped, and not yet started again. */
  released: number[]
  /** Due, but without a row yet. */
  waiting: number[]
  /** A live daemon is running the job. */
  running: boolean
  /** Pauses, and changes of the schedule or the runner. */
  notes: string[]
}

export interface AuditInput {
  job: string
  versions: readonly AuditedVersion[]
  /** Every due time up to here that a daemon had to run has a row. */
  lastAt: number
  /** A live daemon is running the job. */
  running: boolean
  from: number
  now: number
  rows: Iterable<AuditRow>
  unassigned: readonly UnassignedRow[]
  /** How long after the due time pg_cron may start, in milliseconds. */
  cronGrace: number
}

/** The lists of due times hold at most this many; the counts include all. */
const maxListed = 1_000

/** Computes the due times again, by the schedule in force at each time, and compares them with the ledger. */
export function auditJob(input: AuditInput): JobAudit {
  const {job, versions, lastAt, running, from, now} = input
  const audit: JobAudit = {
    job,
    from,
    to: now,
    instants: 0,
    byStatus: {},
    counts: {done: 0, late: 0, failed: 0, running: 0, skipped: 0, skippedBy: {}},
    gaps: [],
    duplicates: [],
    unexpected: [],
    abandoned: [],
    retrying: [],
    released: [],
    waiting: [],
    running,
    notes: notesOf(versions, from),
  }
  const add = (list: number[], at: number) => list.length < maxListed && list.push(at)
  const rows = input.rows[Symbol.iterator]()
  let row = rows.next()
  const count = ({status, reason, abandoned, attempts, scheduledAt}: AuditRow) => {
    tally(audit, {status, reason}, '')
    // No daemon holds it, so none of them is gone: it only waits, however long.
    if (status === 'retry') add(attempts > 0 ? audit.retrying : audit.released, scheduledAt)
    else if (abandoned) add(audit.abandoned, scheduledAt)
  }
  const cron = cronRuns(input.unassigned)
  for (const {at, next, version} of expected(versions, from, now)) {
    audit.instants += 1
    for (; !row.done && row.value.scheduledAt < at; row = rows.next()) {
      count(row.value)
      add(audit.unexpected, row.value.scheduledAt)
    }
    let own = 0
    for (; !row.done && row.value.scheduledAt === at; row = rows.next()) {
      count(row.value)
      // A row that says "left to pg_cron" does not count as a run.
      if (version.runner !== 'pg_cron' || row.value.reason !== leftToPgCron) own += 1
    }
    const runsOfCron = cron.take(partsOf(version), at, next ?? now)
    for (const end of runsOfCron.statuses) tally(audit, end, ' by pg_cron')
    if (own > 1 || runsOfCron.extra > 0 || (own === 1 && runsOfCron.statuses.length > 0)) add(audit.duplicates, at)
    if (own > 0) continue
    if (version.runner === 'pg_cron') {
      if (runsOfCron.missing > 0) add(now - at > input.cronGrace ? audit.gaps : audit.waiting, at)
      continue
    }
    if (runsOfCron.statuses.length > 0) continue
    if (at <= lastAt) add(audit.gaps, at)
    else add(audit.waiting, at)
  }
  for (; !row.done; row = rows.next()) {
    count(row.value)
    add(audit.unexpected, row.value.scheduledAt)
  }
  // If the range begins in the middle of a schedule version, the first run may belong to a due time before the range.
  const [first, ...rest] = cron.unexpected()
  const whole = first === undefined || from > versions[0]!.validFrom ? rest : [first, ...rest]
  for (const {startedAt} of whole)
    if (versionAt(versions, startedAt)?.runner === 'pg_cron') add(audit.unexpected, startedAt)
  return audit
}

/** Counts the result of one due time; `by` is appended to the key in `byStatus`. */
function tally({byStatus, counts}: JobAudit, {status, reason}: Pick<AuditRow, 'status' | 'reason'>, by: string): void {
  const key = `${reason === null ? status : `${status}: ${reason}`}${by}`
  byStatus[key] = (byStatus[key] ?? 0) + 1
  if (status === 'done' || status === 'done_late') counts.done += 1
  if (status === 'done_late') counts.late += 1
  if (status === 'failed' || status === 'running' || status === 'skipped') counts[status] += 1
  if (status === 'skipped' && reason !== null) counts.skippedBy[reason] = (counts.skippedBy[reason] ?? 0) + 1
}

/** The version of the schedule that was in force at that time. */
function versionAt(versions: readonly AuditedVersion[], at: number): AuditedVersion | undefined {
  return versions.findLast(({validFrom}) => validFrom <= at)
}

/** The due times by the schedules in force, each with the one that follows. */
function* expected(
  versions: readonly ScheduleVersion[],
  from: number,
  now: number,
): Generator<{at: number; next: number | null; version: ScheduleVersion}> {
  let held: {at: number; version: ScheduleVersion} | null = null
  for (const [index, version] of versions.entries()) {
    if (version.state !== 'active') continue
    const end = Math.min(versions[index + 1]?.validFrom ?? now, now)
    const start = Math.max(version.validFrom, from)
    if (end <= start) continue
    for (const at of dueTimes(version, start, end)) {
      if (held !== null) yield {...held, next: at}
      held = {at, version}
    }
  }
  if (held !== null) yield {...held, next: null}
}

function notesOf(versions: readonly AuditedVersion[], from: number): string[] {
  return versions.flatMap((version, index) => {
    const before = versions[index - 1]
    if (version.validFrom < from || before === undefined) return []
    const since = instantInWords(new Date(version.validFrom).toISOString())
    const why = version.reason === null ? '' : `: ${version.reason}`
    if (version.state === 'paused' && before.state !== 'paused')
      return [`paused since ${since} by ${version.actor}${why}`]
    if (version.state === 'removed') return [`not scheduled since ${since} (${version.actor})${why}`]
    if (before.state !== 'active') return [`resumed ${since} by ${version.actor}${why}`]
    if (version.runner !== before.runner)
      return [`run by ${version.runner === 'pg_cron' ? 'pg_cron' : 'the daemon'} since ${since} (${version.actor})`]
    return [
      `"${version.schedule}" ${version.timezone} since ${since}, was "${before.schedule}" ${before.timezone} ` +
        `(${version.actor})`,
    ]
  })
}

/**
 * The number of problems. A waiting due time counts once it is more than `lateAfter` milliseconds late.
 * @param queues the job has `overlap: queue`: while it is running, the due times that wait for it are not overdue
 */
export function auditProblems(audit: JobAudit, lateAfter: number, queues = false): number {
  const overdue =
    queues && audit.running ? 0 : [...audit.waiting, ...audit.released].filter((at) => audit.to - at > lateAfter).length
  return (
    audit.gaps.length +
    audit.duplicates.length +
    audit.unexpected.length +
    audit.abandoned.length +
    audit.retrying.length +
    overdue
  )
}
