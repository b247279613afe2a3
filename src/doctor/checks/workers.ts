import type {Server} from '../../db/server.js'
import {hasWorkers} from '../../db/server-workers.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import type {Finding} from '../finding.js'
import {advice} from '../shared.js'
import {fromCondition} from './condition.js'

/** The row of sql/doctor/workers.sql. */
export interface WorkersRow {
  launchers: number
  schedulers: number
  here: number
  max_background_workers: number | null
  max_worker_processes: number
  max_parallel_workers: number
  replication: number
  pg_cron: number
  /** Null if the role does not see them. */
  others: number | null
  together: number
}

/** Exported for tests: a server of a test has its launcher. */
export function launcherFindings({launchers, max_background_workers: most}: WorkersRow): Finding[] {
  if (launchers > 0) return []
  return [
    {
      severity: 'critical',
      object: null,
      message:
        `TimescaleDB's launcher is not running${most === 0 ? ': timescaledb.max_background_workers is 0' : ''}; ` +
        'no policy and no job runs in any database of this server.',
      data: {maxBackgroundWorkers: most},
      fix: {
        kind: 'advice',
        text:
          most === 0
            ? 'Raise timescaledb.max_background_workers and restart the server.'
            : 'Add timescaledb to shared_preload_libraries and restart the server; its log says why the launcher ' +
              'ended.',
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

interface Term {
  count: number
  name: string
}

/** What TimescaleDB counts for its own setting in every use of its workers. */
const launcherAndSchedulers = ({schedulers}: WorkersRow): Term[] => [
  {count: 1, name: 'launcher'},
  {count: schedulers, name: schedulers === 1 ? 'scheduler' : 'schedulers'},
]

/**
 * The launcher, a scheduler for each database and every running job take a worker each: jobs that start in one minute
 * and find none wait and are late, and only the server's log says so. Parallel queries are not counted: they take
 * workers only while some are free, and run without them otherwise.
 */
export function togetherFindings(row: WorkersRow): Finding[] {
  if (row.together === 0) return []
  const name = row.together === 1 ? 'job of this database' : 'jobs of this database that start in the same minute'
  const jobs = {count: row.together, name}
  return shortages([...launcherAndSchedulers(row), jobs], row, 'or let jobs start at different times')
}

/**
 * All databases of the server share the workers, and a database with a scheduler has at least one job: TimescaleDB
 * creates one with the extension. How many jobs another database has is not visible from here.
 */
export function databasesFindings(row: WorkersRow): Finding[] {
  // With one database, workers.slots says the same.
  if (row.schedulers < 2) return []
  const jobs = {count: row.schedulers, name: 'jobs (one for each database with a scheduler)'}
  return shortages(
    [...launcherAndSchedulers(row), jobs],
    row,
    'or drop the extension from databases that do not use it',
  )
}

/** TimescaleDB counts its own workers; PostgreSQL counts those of replication, pg_cron and other extensions too. */
function shortages(own: readonly Term[], row: WorkersRow, otherwise: string): Finding[] {
  const beside: Term[] = [
    {count: row.replication, name: 'for logical replication'},
    {count: row.pg_cron, name: 'for pg_cron'},
    {count: row.others ?? 0, name: 'of other extensions'},
  ]
  const {max_background_workers: most, max_worker_processes: processes} = row
  const short = [
    ...(most === null ? [] : [shortage('timescaledb.max_background_workers', most, own, row, otherwise)]),
    shortage('max_worker_processes', processes, [...own, ...beside], row, otherwise),
  ]
  return short.filter((finding) => finding !== null)
}

function shortage(
  setting: string,
  limit: number,
  terms: readonly Term[],
  row: WorkersRow,
  otherwise: string,
): Finding | null {
  const needed = terms.reduce((sum, {count}) => sum + count, 0)
  if (needed <= limit) return null
  const {schedulers, together, replication, pg_cron: pgCron, others, max_parallel_workers: parallel} = row
  const sum = terms.filter(({count}) => count > 0).map(({count, name}) => `${count} ${name}`)
  return {
    severity: 'warning',
    object: null,
    message: `${sum.join(' + ')} are ${needed}, more than ${setting} = ${limit}: jobs that find no worker wait.`,
    data: {schedulers, together, replication, pgCron, others, parallel, needed, setting, limit},
    fix: advice(`Raise ${setting} to ${needed} or more and restart the server, ${otherwise}.`),
  }
}

const readWorkers = async ({ask}: CheckContext) => (await ask<WorkersRow>('workers'))[0]!

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
    run: async (context) => judge(await context.once(readWorkers), context.server),
  }
}

/** A check that compares a sum of workers with the limits. */
function summed(
  id: string,
  words: Pick<Check, 'passes' | 'problem'>,
  judge: (row: WorkersRow) => Finding[],
  isDemand: (row: WorkersRow) => boolean,
): Check {
  return {
    ...workersCheck(id, words, judge),
    run: async (context) => {
      const row = await context.once(readWorkers)
      const findings = judge(row)
      // Without the workers of other extensions the sum is too small: only a shortage that it shows is certain.
      if (findings.length === 0 && isDemand(row) && row.others === null)
        context.needStatistics('the workers of other extensions')
      return findings
    },
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
  summed(
    'together',
    {
      passes: 'There are workers for the jobs that start together.',
      problem: 'more jobs start together than there are workers',
    },
    togetherFindings,
    ({together}) => together > 0,
  ),
  summed(
    'databases',
    {
      passes: 'There are workers for one job in each database of the server.',
      problem: 'the databases of the server share too few workers',
    },
    databasesFindings,
    ({schedulers}) => schedulers > 1,
  ),
]
