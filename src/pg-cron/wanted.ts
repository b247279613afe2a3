import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {usageError} from '../errors.js'
import type {JobContext} from '../jobs/kind.js'
import {commandsOf} from './commands.js'
import {toPgCronSyntax, obstacles, type Dialect} from './dialect.js'
import {entryName} from './names.js'
import {fieldsOf} from '../units/schedule.js'
import {rangeInWords, type VersionRange} from '../units/version.js'
import {scheduleHazards} from './schedule-hazards.js'
import {uncheckedHazards} from './unchecked.js'
import {command} from '../units/command.js'

/** A job that pg_cron should run, with its commands and entries. */
export interface WantedJob {
  job: Job
  commands: Record<string, string>
  runs: WantedRun[]
}

/** One entry that pg_cron should have. */
export interface WantedRun {
  part: string
  name: string
  schedule: string
  command: string
}

/**
 * A job that pg_cron does not run. `runner_daemon`: the configuration names the daemon; `unsupported`: it uses settings
 * that pg_cron lacks; `no_work`: it has nothing to do in this database.
 */
export interface LeftJob {
  job: string
  reason: 'runner_daemon' | 'unsupported' | 'no_work'
  why: string
}

export interface WantedSchedule {
  jobs: WantedJob[]
  left: LeftJob[]
  notes: string[]
}

export interface WantedRequest {
  jobs: readonly Job[]
  dialect: Dialect
  context: Omit<JobContext, 'job' | 'leaveToCron'>
}

/**
 * The entries that pg_cron should have for these jobs. A job that pg_cron cannot run as declared stays with the daemon;
 * if the configuration says "runner: pg_cron" for such a job, the whole request is refused.
 * @throws OpsError CRON_CANNOT (exit 2) naming every such job
 */
export async function wantedJobs(db: Database, request: WantedRequest): Promise<WantedSchedule> {
  const {wanted, refused} = await partitionJobs(db, request)
  if (refused.length > 0)
    throw usageError(
      'CRON_CANNOT',
      `pg_cron cannot run ${refused.length === 1 ? 'a job' : `${refused.length} jobs`} as ` +
        `declared:\n${refused.map(({job, why}) => `- ${job}: ${why}`).join('\n')}`,
      [`Set "runner: daemon" and run the daemon: ${command('daemon')}`, 'Or remove the settings that pg_cron lacks.'],
    )
  return wanted
}

/** The same without an error: jobs that {@link wantedJobs} would refuse are in `refused`. */
export async function partitionJobs(
  db: Database,
  {jobs, dialect, context}: WantedRequest,
): Promise<{wanted: WantedSchedule; refused: LeftJob[]}> {
  const wanted: WantedSchedule = {jobs: [], left: [], notes: []}
  const refused: LeftJob[] = []
  for (const job of jobs) {
    if (job.runner === 'daemon') {
      wanted.left.push({job: job.name, reason: 'runner_daemon', why: 'the configuration says "runner: daemon"'})
      continue
    }
    const cannot = obstacles(job, dialect, Date.parse(context.now))
    const found = cannot.length > 0 ? null : await commandsOf(db, job, {...context, job: job.name, leaveToCron: false})
    const parts = Object.keys(found?.commands ?? {})
    const unchecked = await uncheckedHazards(db, job, parts, context.limits)
    const why = [...cannot, ...(found?.obstacles ?? []), ...unchecked.obstacles]
    if (why.length > 0) {
      ;(job.runner === 'pg_cron' ? refused : wanted.left).push({
        job: job.name,
        reason: 'unsupported',
        why: why.join('; '),
      })
      continue
    }
    const {commands, notes} = found!
    if (Object.keys(commands).length === 0) {
      ;(job.runner === 'pg_cron' ? refused : wanted.left).push({
        job: job.name,
        reason: 'no_work',
        why: notes.join('; '),
      })
      continue
    }
    wanted.notes.push(...notes.map((note) => `${job.name}: ${note}`), ...unchecked.notes)
    const schedule = toPgCronSyntax(job.schedule)
    if (fieldsOf(job.schedule)[2] === 'L')
      wanted.notes.push(`${job.name}: pg_cron writes "${job.schedule}" as "${schedule}", with the same due times`)
    if (dialect.library !== null) wanted.notes.push(...possibleDefects(job, schedule, dialect.library))
    const runs = Object.entries(commands).map(
      ([part, command]): WantedRun => ({part, name: entryName(db.server.database, job.name, part), schedule, command}),
    )
    wanted.jobs.push({job, commands, runs})
  }
  return {wanted, refused}
}

/** Defects that pg_cron may have, by which the entry would run at other times: one that it has is an obstacle. */
function possibleDefects({name}: Job, schedule: string, library: VersionRange): string[] {
  return scheduleHazards(schedule, library).map(
    ({hazard: {id, what, fixedIn, source}}) =>
      `${name}: pg_cron is ${rangeInWords(library)}, which SQL does not show more exactly, and before ` +
      `${fixedIn.join(', ')} it may have the defect ${id}: ${what} (${source})`,
  )
}
