import type {Job} from '../config/jobs.js'
import {minuteOfDay} from '../units/zone.js'
import {instants, nextInstant} from './calendar.js'
import {jitterOf} from './jitter.js'

/** Why an occurrence was not run. */
export type SkipReason =
  /** The one before still ran. */
  | 'overlap'
  | 'window'
  /** A later one makes up for it. */
  | 'superseded'
  /** No daemon was running at the time, and no later run makes up for it. */
  | 'missed'
  /** Only a read-only replica could be reached at the time. */
  | 'replica'
  | 'paused'
  /** Its job is not declared any more. */
  | 'removed'
  | typeof leftToPgCron

/** Stored in the ledger's column `reason`, also by earlier versions: pg_cron runs the job at this due time. */
export const leftToPgCron = 'enforced by pg_cron'

/** A schedule and from when it counts, as the ledger has it. */
export interface ScheduleVersion {
  revision: number
  validFrom: number
  state: 'active' | 'paused' | 'removed'
  runner: 'daemon' | 'pg_cron'
  schedule: string
  timezone: string
  /** What pg_cron runs, by part of the job; null where it is none of its. */
  commands?: Readonly<Record<string, string>> | null
  /** Who put it in force, and why. */
  actor?: string
  reason?: string | null
}

/** What the ledger knows of a job. */
export interface JobState {
  /** Oldest first; the first may have begun before `lastAt`. */
  versions: readonly ScheduleVersion[]
  /** Everything up to here has its row. */
  lastAt: number
  running: boolean
  /** When the last run ended. */
  freeAt: number | null
}

/** What is to be written into the ledger for one job. */
export interface Decision {
  skips: {at: number; reason: SkipReason}[]
  run: number | null
  /** The last of all these instants. */
  to: number
  /** By the database's clock not before this. */
  dueAt: number
}

export interface DueState {
  decision: Decision | null
  /** When there is something to decide next, if nothing else happens; null where never. */
  wakeAt: number | null
  /** The due time of the oldest occurrence that has no row; null where there is none. */
  waitingSince: number | null
}

/**
 * More than this is accounted for in several rounds: reckoning them takes a second, and nothing else happens meanwhile.
 */
const batch = 2_000

/** What is due of a job: a function of its declaration, the ledger and the clock, and of nothing else. */
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

/** The instants after `lastAt` that have to be accounted for, the first later than now included. */
export function* upcoming(
  {versions, lastAt}: Pick<JobState, 'versions' | 'lastAt'>,
  now: number,
): Generator<{at: number; version: ScheduleVersion}> {
  for (const [index, version] of versions.entries()) {
    const end = versions[index + 1]?.validFrom ?? null
    if (version.state !== 'active') continue
    const from = Math.max(lastAt, version.validFrom)
    if (end !== null) {
      if (end > from) for (const at of instants(version, from, end)) yield {at, version}
      continue
    }
    for (let at = nextInstant(version, from); at !== null; at = nextInstant(version, at)) {
      yield {at, version}
      if (at > now + 86_400_000) return
    }
  }
}

/** What a decision is made from. */
interface Situation {
  job: Job
  state: JobState
  pending: readonly {at: number; version: ScheduleVersion}[]
  /** There are more instants than `pending` holds. */
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

/** Null: everything waits. */
function choose(situation: Situation): Choice | null {
  const {job, state, pending, now} = situation
  const current = state.versions.at(-1)!
  const left = pending.findIndex(({version}) => version.runner === 'daemon')
  // What is pg_cron's is written down as such, also while the job runs.
  if (left !== 0) return skipOnly(left < 0 ? pending : pending.slice(0, left), leftToPgCron)
  const own = ours(pending)
  if (current.state !== 'active') return skipOnly(own, current.state)
  // What daemons have missed before pg_cron took over is made up for by its next run.
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

/** What had to wait for the one before is not late by that. */
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
    // Late means that no daemon was running at the time: catchUp decides what becomes of it, when the job is free.
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
    const lost = pending.filter(({at}) => isLate(situation, at)).map((one) => missed(situation, one))
    const fresh = pending.filter(({at}) => !isLate(situation, at))
    if (cut) return {skips: pending.map((one) => missed(situation, one)), run: null}
    if (fresh.length === 0) return {skips: lost, run: null}
    return {skips: [...lost, ...skips(fresh.slice(0, -1), 'superseded')], run: pending.at(-1)!.at}
  },
  once({pending, cut}) {
    if (cut) return skipOnly(pending, 'superseded')
    return {skips: skips(pending.slice(0, -1), 'superseded'), run: pending.at(-1)!.at}
  },
}

/** Up to where pg_cron took over. */
function ours<T extends {version: ScheduleVersion}>(pending: readonly T[]): readonly T[] {
  const end = pending.findIndex(({version}) => version.runner !== 'daemon')
  return end < 0 ? pending : pending.slice(0, end)
}

/** Whether work may be begun now. A window that ends before it begins goes over midnight. */
export function inWindow(window: string | null, timezone: string, now: number): boolean {
  if (window === null) return true
  const [from, to] = window.split('-').map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) as [
    number,
    number,
  ]
  const minute = minuteOfDay(timezone, now)
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}
