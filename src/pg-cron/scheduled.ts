import type {Instant} from '../units/instant.js'
import {readCronDatabase, type CronDatabase} from './cron-database.js'
import {hasOurName, isOurs} from './names.js'

/** An entry in pg_cron (cron.job), with its last run. */
export interface ScheduledRun {
  id: number
  name: string | null
  schedule: string
  command: string
  database: string
  username: string
  active: boolean
  /** Null if it has not run, or if cron.log_run is off. */
  status: string | null
  message: string | null
  startedAt: Instant | null
  endedAt: Instant | null
  pid: number | null
}

export interface Scheduled {
  ours: ScheduledRun[]
  /** Entries in the same database that qicore-db did not make. */
  foreign: ScheduledRun[]
}

type ScheduledRow = Omit<ScheduledRun, 'startedAt' | 'endedAt'> & {started_at: Instant | null; ended_at: Instant | null}

/** The entries of pg_cron for a database that the role may read. */
export async function readScheduled(home: CronDatabase, database: string): Promise<Scheduled> {
  const rows = await readCronDatabase<ScheduledRow>(home, 'jobs', [database])
  const all = rows.map(
    ({started_at: startedAt, ended_at: endedAt, ...row}): ScheduledRun => ({...row, startedAt, endedAt}),
  )
  const known = new Set<ScheduledRun>()
  for (const run of all) if (await isOurs(database, run)) known.add(run)
  return {ours: [...known], foreign: all.filter((run) => !known.has(run))}
}

/** Entries with a name of qicore-db that run another command: scheduling under that name would overwrite them. */
export function takenNames({foreign}: Scheduled, database: string): ScheduledRun[] {
  return foreign.filter(({name}) => hasOurName(database, name))
}
