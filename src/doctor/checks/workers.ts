import type {Server} from '../../db/server.js'
import {can} from '../../engines/index.js'
import type {Check} from '../check.js'
import type {Finding} from '../finding.js'
import {fromCondition} from './condition.js'

/** The row of sql/doctor/workers.sql. */
export interface WorkersRow {
  launchers: number
  schedulers: number
  here: number
  max_background_workers: number | null
  max_worker_processes: number
  together: number
}

/** Workers run on the primary of a server with processes. */
const hasWorkers = ({engine, embedded, inRecovery}: Server) => can(engine, 'policies') && !embedded && !inRecovery

/** Exported for tests: a server of a test has its launcher. */
export function launcherFindings({launchers, max_background_workers: most}: WorkersRow): Finding[] {
  if (launchers > 0) return []
  return [
    {
      severity: 'critical',
      object: null,
      message: `TimescaleDB's launcher is not running${most === 0 ? ': timescaledb.max_background_workers is 0' : ''}; no policy and no job runs in any database of this server.`,
      data: {maxBackgroundWorkers: most},
      fix: {
        kind: 'advice',
        text:
          most === 0
            ? 'Raise timescaledb.max_background_workers and restart the server.'
            : 'Add timescaledb to shared_preload_libraries and restart the server; its log says why the launcher ended.',
      },
    },
  ]
}

function schedulerFindings({launchers, here}: WorkersRow, {database}: Server): Finding[] {
  if (launchers === 0 || here > 0) return []
  return [
    {
      severity: 'critical',
      object: null,
      message: `TimescaleDB's launcher runs, and database ${database} has no scheduler: no policy and no job runs here.`,
      data: {schedulers: here},
      fix: {kind: 'sql', text: 'select _timescaledb_functions.start_background_workers()'},
    },
  ]
}

/**
 * The launcher, a scheduler for each database and every running job take a worker each: jobs that start in one minute
 * and find none wait and are late, and the log of the server is the only place that says so.
 */
export function togetherFindings({schedulers, together, ...limits}: WorkersRow): Finding[] {
  const {max_background_workers: most, max_worker_processes: processes} = limits
  const needed = 1 + schedulers + together
  const limit = Math.min(most ?? processes, processes)
  if (together === 0 || needed <= limit) return []
  const setting = (most ?? processes) <= processes ? 'timescaledb.max_background_workers' : 'max_worker_processes'
  return [
    {
      severity: 'warning',
      object: null,
      message: `1 launcher + ${schedulers} scheduler${schedulers === 1 ? '' : 's'} + ${together} jobs of this database that start in the same minute are ${needed}, more than ${setting} = ${limit}: jobs wait for a worker.`,
      data: {schedulers, together, needed, setting, limit},
      fix: {
        kind: 'advice',
        text: `Raise ${setting} to ${needed} or more and restart the server, or let jobs start at different times.`,
      },
    },
  ]
}

function workersCheck(
  id: string,
  words: Pick<Check, 'passes' | 'problem'>,
  judge: (row: WorkersRow, server: Server) => Finding[],
): Check {
  return {
    id: `workers.${id}`,
    about: 'database',
    ...words,
    applies: hasWorkers,
    run: async (context) => judge((await context.ask<WorkersRow>('workers'))[0]!, context.server),
  }
}

export const workerChecks: readonly Check[] = [
  workersCheck(
    'launcher',
    {passes: "TimescaleDB's launcher is running.", problem: "TimescaleDB's launcher is not running"},
    launcherFindings,
  ),
  workersCheck(
    'scheduler',
    {passes: 'This database has its scheduler.', problem: 'this database has no scheduler'},
    schedulerFindings,
  ),
  fromCondition({
    id: 'workers.slots',
    code: 'no_worker_slots',
    severity: 'critical',
    words: {passes: 'A worker is left for a job.', problem: 'no worker is left for a job'},
  }),
  workersCheck(
    'together',
    {
      passes: 'There are workers for the jobs that start together.',
      problem: 'more jobs start together than there are workers',
    },
    togetherFindings,
  ),
]
