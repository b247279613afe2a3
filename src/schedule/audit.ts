import {instantInWords} from '../units/instant.js'
import {instants} from './calendar.js'
import {cronRuns, partsOf, type UnassignedRow} from './audit-pg-cron.js'
import {leftToPgCron, type ScheduleVersion} from './due.js'

/** A calendar in force, with who put it there. */
export interface AuditedVersion extends ScheduleVersion {
  actor: string
  reason: string | null
}

/** A row of the ledger, for an audit; times are milliseconds. */
export interface AuditRow {
  scheduledAt: number
  status: string
  reason: string | null
  abandoned: boolean
  /** How many attempts failed, where its status is `retry`. */
  attempts: number
}

/** How many due times ended in which way, those that pg_cron ran included. */
export interface AuditCounts {
  /** Late ones included. */
  done: number
  late: number
  failed: number
  running: number
  skipped: number
  /** The skipped ones by their reason. */
  skippedBy: Record<string, number>
}

export interface JobAudit {
  job: string
  /** What was looked at: instants in (from, to]. */
  from: number
  to: number
  /** Instants that the calendars in force have there. */
  instants: number
  /** For people and scripts that list everything: `skipped: overlap`, `done by pg_cron`. */
  byStatus: Record<string, number>
  counts: AuditCounts
  /** Due times without a row. */
  gaps: number[]
  /** Accounted for twice. */
  duplicates: number[]
  /** Rows at instants that no calendar has, and starts of pg_cron's runs that no due time asked for. */
  unexpected: number[]
  /** Begun, and its daemon has not been heard of for minutes. */
  abandoned: number[]
  /** An attempt failed, and the next one has not begun. */
  retrying: number[]
  /** A daemon that stopped gave it back, and no daemon has begun it again. */
  givenBack: number[]
  /** Due, and without a row yet. */
  waiting: number[]
  /** A daemon that is alive works on the job. */
  running: boolean
  /** Pauses and changes of the calendar. */
  notes: string[]
}

export interface AuditInput {
  job: string
  versions: readonly AuditedVersion[]
  /** Everything up to here has its row, as far as daemons are the runners. */
  lastAt: number
  /** A daemon that is alive works on it. */
  running: boolean
  from: number
  now: number
  rows: Iterable<AuditRow>
  unassigned: readonly UnassignedRow[]
  /** How long after its instant pg_cron may begin, in milliseconds. */
  cronGrace: number
}

/** At most so many instants of a kind are listed; all are counted. */
const listed = 1_000

/** Recomputes the calendar, with the schedule in force at each time, and holds the ledger against it. */
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
    givenBack: [],
    waiting: [],
    running,
    notes: notesOf(versions, from),
  }
  const add = (list: number[], at: number) => list.length < listed && list.push(at)
  const rows = input.rows[Symbol.iterator]()
  let row = rows.next()
  const count = ({status, reason, abandoned, attempts, scheduledAt}: AuditRow) => {
    tally(audit, {status, reason}, '')
    if (abandoned) add(audit.abandoned, scheduledAt)
    else if (status === 'retry') add(attempts > 0 ? audit.retrying : audit.givenBack, scheduledAt)
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
      // A daemon's note that it left the instant to pg_cron does not account for it.
      if (version.runner !== 'pg_cron' || row.value.reason !== leftToPgCron) own += 1
    }
    const theirs = cron.take(partsOf(version), at, next ?? now)
    for (const end of theirs.statuses) tally(audit, end, ' by pg_cron')
    if (own > 1 || theirs.extra > 0 || (own === 1 && theirs.statuses.length > 0)) add(audit.duplicates, at)
    if (own > 0) continue
    if (version.runner === 'pg_cron') {
      if (theirs.missing > 0) add(now - at > input.cronGrace ? audit.gaps : audit.waiting, at)
      continue
    }
    if (theirs.statuses.length > 0) continue
    if (at <= lastAt) add(audit.gaps, at)
    else add(audit.waiting, at)
  }
  for (; !row.done; row = rows.next()) {
    count(row.value)
    add(audit.unexpected, row.value.scheduledAt)
  }
  // Where the look begins in the middle of a calendar, a first run may belong to a due time before it.
  const [first, ...rest] = cron.unexpected()
  const whole = first === undefined || from > versions[0]!.validFrom ? rest : [first, ...rest]
  for (const {startedAt} of whole)
    if (versionAt(versions, startedAt)?.runner === 'pg_cron') add(audit.unexpected, startedAt)
  return audit
}

/** Counts how one due time ended; `by` is said behind it in `byStatus`. */
function tally({byStatus, counts}: JobAudit, {status, reason}: Pick<AuditRow, 'status' | 'reason'>, by: string): void {
  const key = `${reason === null ? status : `${status}: ${reason}`}${by}`
  byStatus[key] = (byStatus[key] ?? 0) + 1
  if (status === 'done' || status === 'done_late') counts.done += 1
  if (status === 'done_late') counts.late += 1
  if (status === 'failed' || status === 'running' || status === 'skipped') counts[status] += 1
  if (status === 'skipped' && reason !== null) counts.skippedBy[reason] = (counts.skippedBy[reason] ?? 0) + 1
}

/** The version of the schedule that was in force. */
function versionAt(versions: readonly AuditedVersion[], at: number): AuditedVersion | undefined {
  return versions.findLast(({validFrom}) => validFrom <= at)
}

/** The instants of the calendars in force, each with the one after it. */
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
    for (const at of instants(version, start, end)) {
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
      `"${version.schedule}" ${version.timezone} since ${since}, was "${before.schedule}" ${before.timezone} (${version.actor})`,
    ]
  })
}

/**
 * How much is wrong: what only waits is, after so many milliseconds.
 * @param queues due times of the job wait for the run before; behind one that is at work nothing is overdue
 */
export function auditProblems(audit: JobAudit, lateAfter: number, queues = false): number {
  const overdue =
    queues && audit.running
      ? 0
      : [...audit.waiting, ...audit.givenBack].filter((at) => audit.to - at > lateAfter).length
  return (
    audit.gaps.length +
    audit.duplicates.length +
    audit.unexpected.length +
    audit.abandoned.length +
    audit.retrying.length +
    overdue
  )
}
