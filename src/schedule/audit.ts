import {instantInWords} from '../units/instant.js'
import {instants} from './calendar.js'
import {cronRuns, partsOf, type UnassignedRow} from './audit-pg-cron.js'
import {leftToPgCron, type Epoch} from './due.js'

/** A calendar in force, with who put it there. */
export interface AuditEpoch extends Epoch {
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

export interface JobAudit {
  job: string
  /** What was looked at: instants in (from, to]. */
  from: number
  to: number
  /** Instants that the calendars in force have there. */
  instants: number
  byStatus: Record<string, number>
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
  epochs: readonly AuditEpoch[]
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
  const {job, epochs, lastAt, running, from, now} = input
  const audit: JobAudit = {
    job,
    from,
    to: now,
    instants: 0,
    byStatus: {},
    gaps: [],
    duplicates: [],
    unexpected: [],
    abandoned: [],
    retrying: [],
    givenBack: [],
    waiting: [],
    running,
    notes: notesOf(epochs, from),
  }
  const add = (list: number[], at: number) => list.length < listed && list.push(at)
  const rows = input.rows[Symbol.iterator]()
  let row = rows.next()
  const count = ({status, reason, abandoned, attempts, scheduledAt}: AuditRow) => {
    const key = reason === null ? status : `${status}: ${reason}`
    audit.byStatus[key] = (audit.byStatus[key] ?? 0) + 1
    if (abandoned) add(audit.abandoned, scheduledAt)
    else if (status === 'retry') add(attempts > 0 ? audit.retrying : audit.givenBack, scheduledAt)
  }
  const cron = cronRuns(input.unassigned)
  for (const {at, next, epoch} of expected(epochs, from, now)) {
    audit.instants += 1
    for (; !row.done && row.value.scheduledAt < at; row = rows.next()) {
      count(row.value)
      add(audit.unexpected, row.value.scheduledAt)
    }
    let own = 0
    for (; !row.done && row.value.scheduledAt === at; row = rows.next()) {
      count(row.value)
      // A daemon's note that it left the instant to pg_cron does not account for it.
      if (epoch.runner !== 'pg_cron' || row.value.reason !== leftToPgCron) own += 1
    }
    const theirs = cron.take(partsOf(epoch), at, next ?? now)
    for (const status of theirs.statuses)
      audit.byStatus[`${status} by pg_cron`] = (audit.byStatus[`${status} by pg_cron`] ?? 0) + 1
    if (own > 1 || theirs.extra > 0 || (own === 1 && theirs.statuses.length > 0)) add(audit.duplicates, at)
    if (own > 0) continue
    if (epoch.runner === 'pg_cron') {
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
  const whole = first === undefined || from > epochs[0]!.validFrom ? rest : [first, ...rest]
  for (const {startedAt} of whole)
    if (epochAt(epochs, startedAt)?.runner === 'pg_cron') add(audit.unexpected, startedAt)
  return audit
}

/** The version of the schedule that was in force. */
function epochAt(epochs: readonly AuditEpoch[], at: number): AuditEpoch | undefined {
  return epochs.findLast(({validFrom}) => validFrom <= at)
}

/** The instants of the calendars in force, each with the one after it. */
function* expected(
  epochs: readonly Epoch[],
  from: number,
  now: number,
): Generator<{at: number; next: number | null; epoch: Epoch}> {
  let held: {at: number; epoch: Epoch} | null = null
  for (const [index, epoch] of epochs.entries()) {
    if (epoch.state !== 'active') continue
    const end = Math.min(epochs[index + 1]?.validFrom ?? now, now)
    const start = Math.max(epoch.validFrom, from)
    if (end <= start) continue
    for (const at of instants(epoch, start, end)) {
      if (held !== null) yield {...held, next: at}
      held = {at, epoch}
    }
  }
  if (held !== null) yield {...held, next: null}
}

function notesOf(epochs: readonly AuditEpoch[], from: number): string[] {
  return epochs.flatMap((epoch, index) => {
    const before = epochs[index - 1]
    if (epoch.validFrom < from || before === undefined) return []
    const since = instantInWords(new Date(epoch.validFrom).toISOString())
    const why = epoch.reason === null ? '' : `: ${epoch.reason}`
    if (epoch.state === 'paused' && before.state !== 'paused') return [`paused since ${since} by ${epoch.actor}${why}`]
    if (epoch.state === 'removed') return [`not scheduled since ${since} (${epoch.actor})${why}`]
    if (before.state !== 'active') return [`resumed ${since} by ${epoch.actor}${why}`]
    if (epoch.runner !== before.runner)
      return [`run by ${epoch.runner === 'pg_cron' ? 'pg_cron' : 'the daemon'} since ${since} (${epoch.actor})`]
    return [
      `"${epoch.schedule}" ${epoch.timezone} since ${since}, was "${before.schedule}" ${before.timezone} (${epoch.actor})`,
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
