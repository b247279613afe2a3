import type {Job} from '../config/jobs.js'
import {evaluateDue, type DueState} from '../schedule/due.js'
import type {LedgerJob} from '../jobs/store/ledger-jobs.js'
import {command} from '../units/command.js'

/** A declared job with its state in the ledger. */
export interface RegistryEntry {
  job: Job
  state: LedgerJob | null
  due: DueState
  /** When `due` was evaluated, in milliseconds since 1970 by the database's clock. */
  reckonedAt: number
  /** Why this daemon ignores the job; null if it does not. */
  ignoredReason: string | null
}

/** The state of all jobs of a daemon: the ledger as last read, updated by what the daemon has done since. */
export interface JobRegistry {
  entries(): Iterable<RegistryEntry>
  get(name: string): RegistryEntry | undefined
  /** Stores rows read from the ledger. @param whole false if only some jobs were read */
  read(rows: readonly LedgerJob[], whole: boolean): void
  /** Evaluates what is due for a job, after its state or the time has changed. */
  reckon(entry: RegistryEntry, now: number): DueState
  /** This daemon has advanced the job in the ledger up to here. */
  advanced(name: string, to: number, running: boolean): void
  /** A run of the job ended. */
  freed(name: string, at: number): void
}

const nothing: DueState = {decision: null, wakeAt: null, waitingSince: null}

/** @param onIgnored called once for each new reason */
export function createJobRegistry(
  jobs: readonly Job[],
  onIgnored: (job: string, reason: string) => void,
  sawOnlyReplica: (instant: number) => boolean,
): JobRegistry {
  const entries = new Map<string, RegistryEntry>(
    jobs.map((job) => [job.name, {job, state: null, due: nothing, reckonedAt: -Infinity, ignoredReason: null}]),
  )
  const setIgnoredReason = (entry: RegistryEntry, reason: string | null) => {
    if (reason !== null && reason !== entry.ignoredReason) onIgnored(entry.job.name, reason)
    entry.ignoredReason = reason
  }
  return {
    entries: () => entries.values(),
    get: (name) => entries.get(name),
    read(rows, whole) {
      for (const row of rows) {
        const known = entries.get(row.name)
        if (known) {
          if (!isUnchanged(known, row)) known.due = {...nothing, wakeAt: -Infinity}
          known.state = row
          setIgnoredReason(known, reasonToIgnore(known.job, row))
          continue
        }
        // A job that is no longer declared still has due times that need a row.
        if (row.versions.at(-1)!.state === 'removed')
          entries.set(row.name, {
            job: retiredJob(row.name, row.kind as Job['kind']),
            state: row,
            due: {...nothing, wakeAt: -Infinity},
            reckonedAt: -Infinity,
            ignoredReason: null,
          })
      }
      if (!whole) return
      const there = new Set(rows.map(({name}) => name))
      for (const [name, entry] of entries) if (!there.has(name)) Object.assign(entry, {state: null, due: nothing})
    },
    reckon(entry, now) {
      entry.reckonedAt = now
      entry.due =
        entry.state === null || entry.ignoredReason !== null
          ? nothing
          : evaluateDue(entry.job, entry.state, now, sawOnlyReplica)
      return entry.due
    },
    advanced(name, to, running) {
      const entry = entries.get(name)
      if (!entry?.state) return
      const instant = new Date(to).toISOString()
      entry.state = {...entry.state, lastAt: to, lastAtExact: instant, running}
      entry.due = {...nothing, wakeAt: -Infinity}
    },
    freed(name, at) {
      const entry = entries.get(name)
      if (!entry?.state) return
      entry.state = {...entry.state, running: false, freeAt: at}
      entry.due = {...nothing, wakeAt: -Infinity}
    },
  }
}

/** Nothing was due and the ledger is unchanged, so the next due time is too: saves computing it for each job. */
function isUnchanged({state, due}: RegistryEntry, row: LedgerJob): boolean {
  if (state === null || due.decision !== null || due.waitingSince !== null || due.wakeAt === -Infinity) return false
  return state.revision === row.revision && state.lastAt === row.lastAt
}

/** A newer declaration wins: otherwise this daemon would claim due times that the schedule in force does not have. */
function reasonToIgnore(job: Job, {versions}: LedgerJob): string | null {
  const current = versions.at(-1)!
  if (current.state === 'removed') return 'another daemon, started later, does not have the job in its configuration'
  if (current.schedule === job.schedule && current.timezone === job.timezone) return null
  if (current.runner === 'pg_cron')
    return (
      `pg_cron runs it by "${current.schedule}" ${current.timezone}, but the configuration says "${job.schedule}" ` +
      `${job.timezone}. Fix: ${command('cron install')}`
    )
  return `another daemon, started later, has it as "${current.schedule}" ${current.timezone}`
}

/** A placeholder for a job that is not in this daemon's configuration. */
export function retiredJob(name: string, kind: Job['kind']): Job {
  return {
    name,
    target: null,
    kind,
    options: {},
    schedule: '@yearly',
    timezone: 'UTC',
    window: null,
    timeout: 1,
    retries: 0,
    backoff: 0,
    catchUp: 'none',
    catchUpLimit: 1,
    overlap: 'skip',
    jitter: 0,
    lateAfter: 0,
    runner: 'auto',
    given: [],
    declared: false,
  }
}
