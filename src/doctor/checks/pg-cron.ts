import type {Server} from '../../db/server.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import type {Finding} from '../finding.js'
import {compareVersions, rangeInWords} from '../../units/version.js'
import {advice, sqlFix} from '../shared.js'

export interface CronSettings {
  timezone: string | null
  changes_clocks: boolean | null
  matches_both_days: boolean | null
  uses_workers: boolean | null
  running_jobs: number | null
  max_worker_processes: number
}

async function readSettings(context: CheckContext): Promise<CronSettings> {
  const [row] = await context.ask<CronSettings>('cron-settings')
  // Where pg_cron runs they exist from 1.5 on; a role without the right sees fewer of them.
  if (row!.timezone === null) context.needStatistics('the settings of pg_cron')
  return row!
}

const setting = (name: string, value: string) => `alter system set ${name} = ${value}`

/** Exported for a test: before 1.5 pg_cron has no time zone. */
export function timeZone({timezone, changes_clocks: changes}: CronSettings): Finding[] {
  if (!changes) return []
  return [
    {
      severity: 'warning',
      object: null,
      message:
        `pg_cron reads all schedules in the time zone ${timezone} (cron.timezone): in the hour in which the ` +
        'clocks change, a job is left out or runs twice.',
      data: {timezone},
      fix: advice(`Restart the server after this, and change the schedules: ${setting('cron.timezone', "'GMT'")}`),
    },
  ]
}

/** Exported for a test, as few versions of pg_cron have the setting. */
export function bothDays({matches_both_days: both}: CronSettings): Finding[] {
  if (!both) return []
  return [
    {
      severity: 'warning',
      object: null,
      message:
        'cron.match_dom_and_dow is on: a schedule with a day of the month and a weekday runs only on days that ' +
        'are both, where cron and qicore-db run it on days that are either.',
      data: {matchesBothDays: true},
      fix: advice(`Reload the settings after this: ${setting('cron.match_dom_and_dow', 'off')}`),
    },
  ]
}

/**
 * Each running job takes one of the worker processes, as TimescaleDB and parallel queries do; pg_cron accepts all but
 * one.
 */
function cronWorkers({uses_workers: used, running_jobs: jobs, max_worker_processes: most}: CronSettings): Finding[] {
  if (!used || jobs === null || jobs < most - 1) return []
  return [
    {
      severity: 'warning',
      object: null,
      message:
        `pg_cron runs its jobs in background workers (cron.use_background_workers), up to ${jobs} at the same ` +
        `time, and the server has ${most} for everything (max_worker_processes): a job that finds none fails.`,
      data: {runningJobs: jobs, maxWorkerProcesses: most},
      fix: advice(
        'Restart the server after this, or raise max_worker_processes: ' +
          `${setting('cron.max_running_jobs', String(Math.max(1, Math.floor(most / 2))))}`,
      ),
    },
  ]
}

const check = (
  id: string,
  words: Pick<Check, 'passes' | 'problem'>,
  judge: (row: CronSettings) => Finding[],
): Check => ({
  id: `settings.${id}`,
  about: 'database',
  ...words,
  applies: ({pgCron, pgCronAlive}: Server) => pgCron !== null || pgCronAlive,
  run: async (context) => judge(await context.once(readSettings)),
})

/**
 * The objects of the extension, the library that the server has loaded and the files on its disk are updated apart from
 * each other. Exported for a test: a server of a test has one version of the files.
 */
export function cronUpdatePending({
  pgCron: objects,
  pgCronAvailable: available,
  pgCronRange: library,
}: Pick<Server, 'pgCron' | 'pgCronAvailable' | 'pgCronRange'>): Finding[] {
  if (objects === null || available === null) return []
  const newest = compareVersions(objects, available) < 0 ? available : objects
  const isOldLibrary = library?.to != null && compareVersions(library.to, newest) < 0
  if (objects === newest && !isOldLibrary) return []
  const update = 'alter extension pg_cron update'
  const loaded = library === null ? '' : `, and the library that the server has loaded is ${rangeInWords(library)}`
  return [
    {
      severity: 'warning',
      object: null,
      message:
        `The server has the files of pg_cron ${available}, the objects in this database are of ` +
        `${objects}${loaded}.`,
      data: {installed: objects, available, library},
      fix: isOldLibrary
        ? advice(`Restart the server, so that it loads the library of its files, then: ${update}`)
        : sqlFix(update),
    },
  ]
}

export const cronChecks: readonly Check[] = [
  {
    id: 'condition.cron_update_pending',
    about: 'database',
    passes: 'The database has the objects of the version of pg_cron that the server has.',
    problem: 'an update of pg_cron is pending',
    applies: ({pgCron}) => pgCron !== null,
    run: async ({server}) => cronUpdatePending(server),
  },
  check(
    'cron_timezone',
    {
      passes: 'The time zone of pg_cron has no daylight saving time.',
      problem: "pg_cron's time zone has daylight saving time",
    },
    timeZone,
  ),
  check(
    'cron_days',
    {
      passes: 'A schedule of pg_cron with a day of the month and a weekday runs on either.',
      problem: 'pg_cron requires both the day of the month and the weekday',
    },
    bothDays,
  ),
  check(
    'cron_workers',
    {passes: 'There are workers for the jobs of pg_cron.', problem: 'pg_cron may run more jobs than there are workers'},
    cronWorkers,
  ),
]
