import type {CronJob} from './cron-job.js'
import type {Job} from '../config/jobs.js'
import {nextDueTime} from '../schedule/due-times.js'
import {ledgerJobs} from '../jobs/store/job-list.js'
import type {LedgerJob} from '../jobs/store/ledger-jobs.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import type {Alive, Server} from '../db/server.js'
import {statement} from '../db/sql.js'
import {ExitCode, OpsError} from '../errors.js'
import {readQicoreSchema, schemaRemark, type QicoreSchema} from '../schema/migrate/schema-state.js'
import type {Instant} from '../units/instant.js'
import {cronFindings, stateOf} from './findings.js'
import {mayLook, withCronDatabase, type CronDatabase} from './cron-database.js'
import {readScheduled, type Scheduled, type ScheduledRun} from './scheduled.js'
import {partitionJobs, type LeftJob, type WantedSchedule, type WantedRequest} from './wanted.js'
import {command} from '../units/command.js'

export interface ForeignJob {
  name: string | null
  jobId: number
  schedule: string
  command: string
  username: string
  active: boolean
  lastStatus: string | null
  lastStartedAt: Instant | null
}

export interface CronStatus {
  pgCron: {version: string; database: string; timezone: string | null; here: boolean} | null
  scheduler: Alive
  jobs: CronJob[]
  /** Entries of this database that qicore-db did not make: shown, never changed, never a failure. */
  foreign: ForeignJob[]
  /** Declared jobs that pg_cron does not run, and why. */
  left: LeftJob[]
  /** The version of the routines in the database, compared with this version of qicore-db. */
  qicoreSchema: QicoreSchema
  notes: string[]
}

/** A run in the ledger that pg_cron started. */
export interface LedgerRun {
  job: string
  part: string
  startedAt: Instant
  completedAt: Instant | null
  status: string
  reason: string | null
  error: string | null
  pid: number | null
}

type Assembled = Omit<CronStatus, 'qicoreSchema'>

export type StatusRequest = Omit<WantedRequest, 'dialect'> & {applicationName: string}

/**
 * Compares pg_cron's entries and runs with the declared jobs and the ledger. Changes nothing. What the role may not
 * read is reported as unknown.
 */
export async function readCronStatus(db: Database, request: StatusRequest): Promise<CronStatus> {
  const [status, qicoreSchema] = [await readScheduleStatus(db, request), await readQicoreSchema(db)]
  const remark = schemaRemark(qicoreSchema)
  return {...status, qicoreSchema, notes: [...status.notes, ...(remark === null ? [] : [remark])]}
}

async function readScheduleStatus(db: Database, request: StatusRequest): Promise<Assembled> {
  const known = await ledgerJobs(db)
  const runs = known.length > 0 ? await ledgerRuns(db) : []
  try {
    return await withCronDatabase(db, request.applicationName, async (home) => {
      const scheduled = mayLook(home) ? await readScheduled(home, db.server.database) : null
      return assemble(db, request, home, scheduled, known, runs)
    })
  } catch (error) {
    if (!(error instanceof OpsError)) throw error
    // If its database cannot be reached, pg_cron is unknown, not absent.
    return assemble(db, request, error.exitCode === ExitCode.cannotConnect ? null : 'absent', null, known, runs, error)
  }
}

async function assemble(
  db: Database,
  request: StatusRequest,
  home: CronDatabase | null | 'absent',
  scheduled: Scheduled | null,
  known: readonly LedgerJob[],
  runs: readonly LedgerRun[],
  error?: OpsError,
): Promise<Assembled> {
  const there = home === null || home === 'absent' ? null : home
  const dialect = there ?? {version: '1.4', library: null, timezone: null, matchesBothDays: false}
  const theirs = ({name, runner}: Job) =>
    runner === 'pg_cron' ||
    (runner === 'auto' && current(known, name)?.runner === 'pg_cron' && current(known, name)?.state !== 'removed')
  const {wanted, refused} = await partitionJobs(db, {...request, dialect, jobs: request.jobs.filter(theirs)})
  const scheduler = schedulerState(db.server, there)
  const snapshot = {
    scheduled,
    scheduler,
    known,
    runs,
    at: Date.parse(request.context.now),
    readable: scheduled !== null,
    absent: home === 'absent',
  }
  const jobs = wanted.jobs.flatMap(({job, commands, runs: entries}) =>
    entries.map((entry) => cronJob({job, entry, commands}, snapshot)),
  )
  const names = new Set(jobs.map(({name}) => name))
  const rest = (scheduled?.ours ?? [])
    .filter(({name}) => !names.has(name!))
    .map((run) => leftover(run, there?.timezone ?? 'GMT'))
  const left = [...wanted.left, ...refused]
  const others = request.jobs.filter((job) => !theirs(job) && job.runner === 'auto')
  return {
    pgCron:
      there === null
        ? null
        : {version: there.version, database: there.database, timezone: there.timezone, here: there.here},
    scheduler,
    jobs: [...jobs, ...rest],
    foreign: (scheduled?.foreign ?? []).map(({name, id, schedule, command, username, active, status, startedAt}) => ({
      name,
      jobId: id,
      schedule,
      command,
      username,
      active,
      lastStatus: status,
      lastStartedAt: startedAt,
    })),
    left,
    notes: notesOf(there, error, scheduled === null, jobs.length, others.length, left),
  }
}

function notesOf(
  home: CronDatabase | null,
  error: OpsError | undefined,
  blind: boolean,
  jobs: number,
  others: number,
  left: readonly LeftJob[],
): string[] {
  return [
    ...(error ? [error.message, ...error.suggestions.slice(0, 1)] : []),
    ...(home !== null && blind
      ? [
          `the role ${home.role} may not read pg_cron's jobs: grant usage on schema cron to "${home.role}", in ` +
            `${home.database}`,
        ]
      : []),
    ...left.map(({job, reason, why}) =>
      reason === 'unsupported'
        ? `${job}: pg_cron cannot run it as declared: ${why}. "runner: daemon" assigns it to the daemon`
        : `${job}: pg_cron has nothing to do for it: ${why}. Fix: ${command('cron install')}`,
    ),
    ...(home !== null && jobs === 0 && others > 0
      ? [
          `pg_cron runs none of the ${others} declared jobs. To schedule them there: ` +
            `${command('cron install', [], {'dry-run': true})}`,
        ]
      : []),
  ]
}

interface CronSnapshot {
  scheduled: Scheduled | null
  scheduler: Alive
  known: readonly LedgerJob[]
  runs: readonly LedgerRun[]
  at: number
  readable: boolean
  absent: boolean
}

function cronJob(
  {
    job,
    entry,
    commands,
  }: {job: Job; entry: WantedSchedule['jobs'][number]['runs'][number]; commands: Record<string, string>},
  snapshot: CronSnapshot,
): CronJob {
  const run = snapshot.scheduled?.ours.find(({name}) => name === entry.name)
  const version = current(snapshot.known, job.name)
  const last = snapshot.runs.find(({job: of, part}) => of === job.name && part === entry.part)
  // The same pid means the same run: pg_cron then has the server's error message for it.
  const same = run !== undefined && last !== undefined && run.pid === last.pid
  const cronNewer = run?.startedAt != null && (last === undefined || (!same && run.startedAt > last.startedAt))
  const recorded =
    version?.runner === 'pg_cron' &&
    version.schedule === job.schedule &&
    version.timezone === job.timezone &&
    version.commands?.[entry.part] === commands[entry.part]
  const state = stateOf(run, entry, recorded, snapshot)
  const next = version?.state === 'paused' ? null : nextDueTime(job, snapshot.at)
  const report: CronJob = {
    job: job.name,
    part: entry.part === '' ? null : entry.part,
    name: entry.name,
    jobId: run?.id ?? null,
    schedule: run?.schedule ?? entry.schedule,
    timezone: job.timezone,
    command: run?.command ?? entry.command,
    username: run?.username ?? null,
    active: run?.active ?? null,
    state,
    lastStartedAt: (cronNewer ? run.startedAt : last?.startedAt) ?? null,
    lastCompletedAt: (cronNewer ? run.endedAt : last?.completedAt) ?? null,
    lastStatus: (cronNewer ? fromCron(run.status) : last?.status) ?? null,
    message: messageOf(cronNewer, run, last, same),
    cronStatus: run?.status ?? null,
    next: next === null ? null : new Date(next).toISOString().replace('.000Z', 'Z'),
    paused: version?.state === 'paused',
    ok: null,
    findings: [],
  }
  const {findings, ok} = cronFindings(report, job, version ?? null, snapshot)
  return {...report, findings, ok}
}

/** The error of the last run, from pg_cron without the lines of context, or from the ledger. */
function messageOf(
  cronNewer: boolean,
  run: ScheduledRun | undefined,
  last: LedgerRun | undefined,
  same: boolean,
): string | null {
  const cronMessage = run?.status === 'failed' ? (run.message ?? '').trim().split('\n')[0]!.trim() || null : null
  if (cronNewer) return cronMessage
  return (same ? cronMessage : null) ?? last?.error ?? last?.reason ?? null
}

/** Whether pg_cron's scheduler runs, by the sessions of the server; unknown on a replica. */
function schedulerState({inRecovery, pgCronAlive}: Server, there: {alive: boolean} | null): Alive {
  if (there === null && inRecovery) return 'unknown'
  return (there?.alive ?? pgCronAlive) ? 'alive' : 'dead'
}

function fromCron(status: string | null): string | null {
  return status === null ? null : (statuses.get(status) ?? status)
}

/** The ledger's names of pg_cron's statuses; the others are the same in both. */
const statuses: ReadonlyMap<string, string> = new Map([
  ['succeeded', 'done'],
  ['starting', 'running'],
  ['connecting', 'running'],
  ['sending', 'running'],
])

function leftover(run: ScheduledRun, timezone: string): CronJob {
  return {
    job: null,
    part: null,
    name: run.name!,
    jobId: run.id,
    schedule: run.schedule,
    timezone,
    command: run.command,
    username: run.username,
    active: run.active,
    state: 'leftover',
    lastStartedAt: run.startedAt,
    lastCompletedAt: run.endedAt,
    lastStatus: fromCron(run.status),
    message: run.status === 'failed' ? run.message : null,
    cronStatus: run.status,
    next: null,
    paused: false,
    ok: false,
    findings: [`qicore-db created the entry, but no declared job needs it any more. Fix: ${command('cron install')}`],
  }
}

function current(known: readonly LedgerJob[], name: string) {
  return known.find((state) => state.name === name)?.versions.at(-1)
}

async function ledgerRuns(db: Database): Promise<LedgerRun[]> {
  const rows = await db.query<
    Omit<LedgerRun, 'startedAt' | 'completedAt'> & {started_at: Instant; completed_at: Instant | null}
  >(statement(loadSql('pg-cron/runs')))
  return rows.map(({started_at: startedAt, completed_at: completedAt, ...row}) => ({...row, startedAt, completedAt}))
}
