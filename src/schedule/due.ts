import type {Job} from '../config/jobs.js'
import {minuteOfDay} from '../units/zone.js'
import {dueTimes, nextDueTime} from './due-times.js'
import {jitterOf} from './jitter.js'

/** Why an occurrence was skipped. */
export type SkipReason =
  /** The previous run was still running. */
  | 'overlap'
  | 'window'
  /** A later run makes up for it. */
  | 'superseded'
  /** No daemon was running at the time, and no later run makes up for it. */
  | 'missed'
  /** Only a read-only replica was reachable at the time. */
  | 'replica'
  | 'paused'
  /** The job is no longer declared. */
  | 'removed'
  | typeof leftToPgCron

/** Stored in the ledger's column `reason`, also by earlier versions: pg_cron runs the job at this due time. */
export const leftToPgCron = 'enforced by pg_cron'

/** A version of a job's schedule as the ledger stores it, in force from `validFrom` (milliseconds since 1970). */
export interface ScheduleVersion {
  revision: number
  validFrom: number
  state: 'active' | 'paused' | 'removed'
  runner: 'daemon' | 'pg_cron'
  schedule: string
  timezone: string
  /** The commands that pg_cron runs, by part of the job; null if pg_cron is not the runner. */
  commands?: Readonly<Record<string, string>> | null
  /** Who set it, and why. */
  actor?: string
  reason?: string | null
}

/** The state of a job in the ledger; times are milliseconds since 1970. */
export interface JobState {
  /** Oldest first; the first one may start before `lastAt`. */
  versions: readonly ScheduleVersion[]
  /** Every due time up to here has a row. */
  lastAt: number
  running: boolean
  /** When the last run ended. */
  freeAt: number | null
}

/** What to write into the ledger for one job. */
export interface Decision {
  skips: {at: number; reason: SkipReason}[]
  run: number | null
  /** The last of these due times; it becomes `lastAt`. */
  to: number
  /** It must not be written before this time of the database's clock. */
  dueAt: number
}

export interface DueState {
  decision: Decision | null
  /** When the job must be evaluated next, if its state does not change before; null for never. */
  wakeAt: number | null
  /** The due time of the oldest occurrence that has no row yet; null if there is none. */
  waitingSince: number | null
}

/** The most due times in one decision: computing them takes up to a second and blocks the event loop. */
const batch = 2_000

/** What is due for a job. It depends only on the declaration, the ledger and the clock. */
export function evaluateDue(
  job: Job,
  state: JobState,
  now: number,
  sawOnlyReplica?: (instant: number) => boolean,
): DueState {
  const pending: {at: number; version: ScheduleVersion}[] = []
  let wakeAt: number | null = null
  let cut = false
  for (const next of upcoming(state, now)) {
    const dueAt = next.at + jitterOf(job, next.at)
    if (dueAt > now) {
      wakeAt = dueAt
      break
    }
    if (pending.length === batch) {
      cut = true
      break
    }
    pending.push(next)
  }
  if (pending.length === 0) return {decision: null, wakeAt, waitingSince: null}
  const decision = decide({job, state, pending, cut, now, sawOnlyReplica: sawOnlyReplica ?? (() => false)})
  return {
    decision,
    wakeAt: decision === null ? wakeAt : now,
    waitingSince: pending[0]!.at + jitterOf(job, pending[0]!.at),
  }
}

/** The due times after `lastAt` that need a row, and the next ones after `now`. */
export function* upcoming(
  {versions, lastAt}: Pick<JobState, 'versions' | 'lastAt'>,
  now: number,
): Generator<{at: number; version: ScheduleVersion}> {
  for (const [index, version] of versions.entries()) {
    const end = versions[index + 1]?.validFrom ?? null
    if (version.state !== 'active') continue
    const from = Math.max(lastAt, version.validFrom)
    if (end !== null) {
      if (end > from) for (const at of dueTimes(version, from, end)) yield {at, version}
      continue
    }
    for (let at = nextDueTime(version, from); at !== null; at = nextDueTime(version, at)) {
      yield {at, version}
      if (at > now + 86_400_000) return
    }
  }
}

/** The input of a decision. */
interface Situation {
  job: Job
  state: JobState
  pending: readonly {at: number; version: ScheduleVersion}[]
  /** There are more due times than `pending` holds. */
  cut: boolean
  now: number
  sawOnlyReplica: (instant: number) => boolean
}

type Choice = Pick<Decision, 'skips' | 'run'>

function decide(situation: Situation): Decision | null {
  const choice = choose(situation)
  const to = choice?.run ?? choice?.skips.at(-1)?.at
  if (choice === null || to === undefined) return null
  return {...choice, to, dueAt: to + jitterOf(situation.job, to)}
}

/** Null if every due time has to wait. */
function choose(situation: Situation): Choice | null {
  const {job, state, pending, now} = situation
  const current = state.versions.at(-1)!
  const left = pending.findIndex(({version}) => version.runner === 'daemon')
  // Due times that pg_cron has to run are recorded as such, even while the job is running.
  if (left !== 0) return skipOnly(left < 0 ? pending : pending.slice(0, left), leftToPgCron)
  const own = ours(pending)
  if (current.state !== 'active') return skipOnly(own, current.state)
  // The next run of pg_cron makes up for what daemons missed before pg_cron became the runner.
  if (own.length < pending.length || current.runner === 'pg_cron') return skipOnly(own, 'superseded')
  if (state.running) return whileRunning(situation)
  if (!inWindow(job.window, pending.at(-1)!.version.timezone, now)) return skipOnly(pending, 'window')
  return catchUps[job.catchUp](situation)
}

function skips(entries: readonly {at: number}[], reason: SkipReason): Decision['skips'] {
  return entries.map(({at}) => ({at, reason}))
}

function skipOnly(entries: readonly {at: number}[], reason: SkipReason): Choice {
  return {skips: skips(entries, reason), run: null}
}

/** The time spent waiting for the previous run does not count as lateness. */
function isLate({job, state, now}: Situation, at: number): boolean {
  const due = at + jitterOf(job, at)
  const since = job.overlap === 'queue' && state.freeAt !== null ? Math.max(due, state.freeAt) : due
  return now - since > job.lateAfter
}

function missed({sawOnlyReplica}: Situation, {at}: {at: number}): Decision['skips'][number] {
  return {at, reason: sawOnlyReplica(at) ? 'replica' : 'missed'}
}

function whileRunning(situation: Situation): Choice | null {
  const {job, pending} = situation
  if (job.overlap === 'queue') return null
  const over: Decision['skips'] = []
  for (const {at} of pending) {
    const late = isLate(situation, at)
    // Late means that no daemon was running at the time: catchUp decides about it once the job is free.
    if (late && job.catchUp !== 'none') break
    over.push(late ? missed(situation, {at}) : {at, reason: 'overlap'})
  }
  return {skips: over, run: null}
}

const catchUps: Record<Job['catchUp'], (situation: Situation) => Choice> = {
  all({job, pending, cut}) {
    const beyond = Math.max(0, pending.length - job.catchUpLimit)
    if (cut) return skipOnly(pending.slice(0, Math.max(beyond, 1)), 'superseded')
    return {skips: skips(pending.slice(0, beyond), 'superseded'), run: pending[beyond]!.at}
  },
  none(situation) {
    const {pending, cut} = situation
    // With jitter a due time may begin later than the next one. One that follows a due time that is in time is, too:
    // otherwise the one before it would get no row, and the last one would get two.
    const first = pending.findIndex(({at}) => !isLate(situation, at))
    const fresh = first < 0 ? [] : pending.slice(first)
    const lost = pending.slice(0, pending.length - fresh.length).map((one) => missed(situation, one))
    if (cut) return {skips: pending.map((one) => missed(situation, one)), run: null}
    if (fresh.length === 0) return {skips: lost, run: null}
    return {skips: [...lost, ...skips(fresh.slice(0, -1), 'superseded')], run: pending.at(-1)!.at}
  },
  once({pending, cut}) {
    if (cut) return skipOnly(pending, 'superseded')
    return {skips: skips(pending.slice(0, -1), 'superseded'), run: pending.at(-1)!.at}
  },
}

/** The due times before the first one that belongs to pg_cron. */
function ours<T extends {version: ScheduleVersion}>(pending: readonly T[]): readonly T[] {
  const end = pending.findIndex(({version}) => version.runner !== 'daemon')
  return end < 0 ? pending : pending.slice(0, end)
}

/** Whether a run may start now. A window whose end is before its start spans midnight. */
export function inWindow(window: string | null, timezone: string, now: number): boolean {
  if (window === null) return true
  const [from, to] = window.split('-').map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) as [
    number,
    number,
  ]
  const minute = minuteOfDay(timezone, now)
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}
