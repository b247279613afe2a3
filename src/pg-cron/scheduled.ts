import type {Instant} from '../units/instant.js'
import {readCronDatabase, type CronDatabase} from './cron-database.js'
import {hasOurName, isOurs} from './names.js'

/** An entry of pg_cron's schedule, with its last run. */
export interface ScheduledRun {
  id: number
  name: string | null
  schedule: string
  command: string
  database: string
  username: string
  active: boolean
  /** Null: it has not run, or cron.log_run is off. */
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

/** What pg_cron has for a database, as far as the role may see. */
export async function readScheduled(home: CronDatabase, database: string): Promise<Scheduled> {
  const rows = await readCronDatabase<ScheduledRow>(home, 'jobs', [database])
  const all = rows.map(
    ({started_at: startedAt, ended_at: endedAt, ...row}): ScheduledRun => ({...row, startedAt, endedAt}),
  )
  const known = new Set<ScheduledRun>()
  for (const run of all) if (await isOurs(database, run)) known.add(run)
  return {ours: [...known], foreign: all.filter((run) => !known.has(run))}
}

/** Entries under our names that run something else: they are not ours, and pg_cron would write over them. */
export function takenNames({foreign}: Scheduled, database: string): ScheduledRun[] {
  return foreign.filter(({name}) => hasOurName(database, name))
}
