import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {formatLocal} from '../../units/zone.js'
import {nextRun, type Jittered, type NextRun} from '../../schedule/jitter.js'
import type {Emit} from '../events.js'
import {heartbeat} from './daemons.js'
import {readJobs, type LedgerJob} from './ledger-jobs.js'
import type {Identity} from './ledger.js'

/**
 * The next run of a job by the schedule in force; null if it is paused or if none is left.
 * @param job null if it is not declared: then its jitter is unknown
 */
export function nextOf(state: LedgerJob, job: Jittered | null, now: number): NextRun | null {
  const version = state.versions.at(-1)!
  if (version.state !== 'active') return null
  // pg_cron has no jitter.
  return nextRun(version, version.runner === 'pg_cron' ? null : job, state.lastAt, now)
}

function queryLastDone(db: Database): Promise<{job: string; at: Instant}[]> {
  return db.query<{job: string; at: Instant}>(statement(loadSql('jobs/last-done')))
}

/** When each of these jobs last succeeded, by any runner or by hand, in seconds since 1970. Needs the qicore schema. */
export async function readLastDone(db: Database, jobs: readonly string[]): Promise<{job: string; at: number}[]> {
  return (await queryLastDone(db))
    .filter(({job}) => jobs.includes(job))
    .map(({job, at}) => ({job, at: Date.parse(at) / 1000}))
}

/** Emits a `job` event for every job, with its schedule and next run, and then `ready`. */
export async function emitJobs(db: Database, jobs: readonly Job[], me: Identity, emit: Emit): Promise<void> {
  const {now, others} = await heartbeat(db, me)
  const done = new Map((await queryLastDone(db)).map(({job, at}) => [job, at]))
  const states = new Map((await readJobs(db)).map((state) => [state.name, state]))
  for (const job of jobs) {
    const {name, kind} = job
    const state = states.get(name)
    if (state === undefined) continue
    const {schedule, timezone, runner, state: how} = state.versions.at(-1)!
    const next = nextOf(state, job, now)
    emit({
      event: 'job',
      job: name,
      kind,
      schedule,
      timezone,
      runner,
      state: how,
      next: next === null ? null : new Date(next.at).toISOString(),
      local: next === null ? null : formatLocal(timezone, next.at),
      begins: next === null ? null : new Date(next.begins).toISOString(),
      lastDone: done.get(name) ?? null,
    })
  }
  emit({event: 'ready', jobs: jobs.length, others})
}
