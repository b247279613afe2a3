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
export interface Epoch {
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
  epochs: readonly Epoch[]
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

/** More than this is accounted for in several rounds: reckoning them takes a second, and nothing else happens meanwhile. */
const batch = 2_000

/** What is due of a job: a function of its declaration, the ledger and the clock, and of nothing else. */
export function evaluateDue(
  job: Job,
  state: JobState,
  now: number,
  sawOnlyReplica?: (instant: number) => boolean,
): DueState {
  const pending: {at: number; epoch: Epoch}[] = []
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
  const decision = decide(job, state, pending, cut, now, sawOnlyReplica ?? (() => false))
  return {
    decision,
    wakeAt: decision === null ? wakeAt : now,
    waitingSince: pending[0]!.at + jitterOf(job, pending[0]!.at),
  }
}

/** The instants after `lastAt` that have to be accounted for, the first later than now included. */
export function* upcoming(
  {epochs, lastAt}: Pick<JobState, 'epochs' | 'lastAt'>,
  now: number,
): Generator<{at: number; epoch: Epoch}> {
  for (const [index, epoch] of epochs.entries()) {
    const end = epochs[index + 1]?.validFrom ?? null
    if (epoch.state !== 'active') continue
    const from = Math.max(lastAt, epoch.validFrom)
    if (end !== null) {
      if (end > from) for (const at of instants(epoch, from, end)) yield {at, epoch}
      continue
    }
    for (let at = nextInstant(epoch, from); at !== null; at = nextInstant(epoch, at)) {
      yield {at, epoch}
      if (at > now + 86_400_000) return
    }
  }
}

function decide(
  job: Job,
  state: JobState,
  pending: readonly {at: number; epoch: Epoch}[],
  cut: boolean,
  now: number,
  sawOnlyReplica: (instant: number) => boolean,
): Decision | null {
  const current = state.epochs.at(-1)!
  const skip = (entries: readonly {at: number}[], reason: (at: number) => SkipReason) =>
    entries.map(({at}) => ({at, reason: reason(at)}))
  const settle = (skips: Decision['skips'], run: number | null): Decision | null => {
    const to = run ?? skips.at(-1)?.at
    return to === undefined ? null : {skips, run, to, dueAt: to + jitterOf(job, to)}
  }
  const left = pending.findIndex(({epoch}) => epoch.runner === 'daemon')
  // What is pg_cron's is written down as such, also while the job runs.
  if (left !== 0)
    return settle(
      skip(left < 0 ? pending : pending.slice(0, left), () => leftToPgCron),
      null,
    )
  const own = ours(pending)
  if (current.state !== 'active') {
    const reason = current.state
    return settle(
      skip(own, () => reason),
      null,
    )
  }
  // What daemons have missed before pg_cron took over is made up for by its next run.
  if (own.length < pending.length || current.runner === 'pg_cron')
    return settle(
      skip(own, () => 'superseded'),
      null,
    )
  // What had to wait for the one before is not late by that.
  const since = (at: number) =>
    job.overlap === 'queue' && state.freeAt !== null
      ? Math.max(at + jitterOf(job, at), state.freeAt)
      : at + jitterOf(job, at)
  const late = (at: number) => now - since(at) > job.lateAfter
  const missed = (at: number): SkipReason => (sawOnlyReplica(at) ? 'replica' : 'missed')

  if (state.running) {
    if (job.overlap === 'queue') return null
    const over: Decision['skips'] = []
    for (const {at} of pending) {
      // Late means that no daemon was running at the time: catchUp decides what becomes of it, when the job is free.
      if (late(at) && job.catchUp !== 'none') break
      over.push({at, reason: late(at) ? missed(at) : 'overlap'})
    }
    return settle(over, null)
  }
  const timezone = pending.at(-1)!.epoch.timezone
  if (!inWindow(job.window, timezone, now))
    return settle(
      skip(pending, () => 'window'),
      null,
    )
  const newest = pending.at(-1)!
  if (job.catchUp === 'all') {
    const beyond = Math.max(0, pending.length - job.catchUpLimit)
    if (cut)
      return settle(
        skip(pending.slice(0, Math.max(beyond, 1)), () => 'superseded'),
        null,
      )
    return settle(
      skip(pending.slice(0, beyond), () => 'superseded'),
      pending[beyond]!.at,
    )
  }
  if (job.catchUp === 'none') {
    const lost = pending.filter(({at}) => late(at))
    const fresh = pending.filter(({at}) => !late(at))
    if (cut || fresh.length === 0) return settle(skip(cut ? pending : lost, missed), null)
    return settle([...skip(lost, missed), ...skip(fresh.slice(0, -1), () => 'superseded')], newest.at)
  }
  if (cut)
    return settle(
      skip(pending, () => 'superseded'),
      null,
    )
  return settle(
    skip(pending.slice(0, -1), () => 'superseded'),
    newest.at,
  )
}

/** Up to where pg_cron took over. */
function ours<T extends {epoch: Epoch}>(pending: readonly T[]): readonly T[] {
  const end = pending.findIndex(({epoch}) => epoch.runner !== 'daemon')
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
