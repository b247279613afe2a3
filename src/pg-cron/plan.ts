import type {Job} from '../config/jobs.js'
import {declareStatement, removeStatement, type LedgerJob} from '../jobs/store/ledger-jobs.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement, type Statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import type {Plan, Step} from '../run/step.js'
import type {CronDatabase} from './cron-database.js'
import {takenNames, type Scheduled, type ScheduledRun} from './scheduled.js'
import type {WantedJob, WantedRun} from './wanted.js'

export interface InstallRequest {
  home: CronDatabase
  wanted: readonly WantedJob[]
  scheduled: Scheduled
  known: readonly LedgerJob[]
  /** Every job of the configuration, to find the jobs that pg_cron ran before. */
  declared: readonly Job[]
  actor: string
}

/**
 * The plan that makes pg_cron's entries and the schedules in the ledger match `wanted`. Entries that qicore-db did not
 * make are never touched.
 * @throws OpsError NAME_TAKEN if such an entry has a name that is needed
 */
export function planInstall(db: Database, {home, wanted, scheduled, known, declared, actor}: InstallRequest): Plan {
  const database = db.server.database
  const taken = takenNames(scheduled, database).filter(({name}) =>
    wanted.some(({runs}) => runs.some((run) => run.name === name)),
  )
  if (taken.length > 0)
    throw usageError(
      'NAME_TAKEN',
      `pg_cron has ${taken.map(({name, id}) => `a job ${name} (${id})`).join(', ')} with another command, which ` +
        'qicore-db did not create and does not change.',
      [`Rename or remove it, in ${home.database}: select cron.unschedule(${taken[0]!.id})`],
    )
  const runs = wanted.flatMap((one) => one.runs)
  const surplus = scheduled.ours.filter(
    ({name}, index, all) =>
      !runs.some((run) => run.name === name) || all.findIndex((other) => other.name === name) < index,
  )
  const steps: Step[] = []
  for (const {job, runs: entry, commands} of wanted) {
    const changes = entry.flatMap((run) =>
      scheduleStep(
        home,
        database,
        job,
        run,
        scheduled.ours.find(({name}) => name === run.name),
      ),
    )
    steps.push(...changes)
    const record = recordStep(
      db,
      job,
      'pg_cron',
      commands,
      known,
      changes.map(({id}) => id),
      actor,
    )
    if (record !== null) steps.push(record)
  }
  steps.push(...stepsToRelease(db, home, surplus, known, declared, new Set(wanted.map(({job}) => job.name)), actor))
  return {
    operation: 'cron install',
    summary: `schedule ${wanted.length} ${wanted.length === 1 ? 'job' : 'jobs'} of ${database} in pg_cron`,
    cutoff: null,
    tables: [],
    locks: ['pg_cron'],
    steps,
  }
}

/**
 * The plan that removes all entries of qicore-db from pg_cron, after which the daemon runs the jobs.
 * @param home null if pg_cron is gone
 */
export function planUninstall(
  db: Database,
  home: CronDatabase | null,
  scheduled: Scheduled,
  known: readonly LedgerJob[],
  declared: readonly Job[],
  actor: string,
): Plan {
  const steps = stepsToRelease(db, home, scheduled.ours, known, declared, new Set(), actor)
  return {
    operation: 'cron uninstall',
    summary: `remove the jobs of ${db.server.database} from pg_cron`,
    cutoff: null,
    tables: [],
    locks: ['pg_cron'],
    steps,
  }
}

/**
 * The ledger changes before pg_cron: a call in between finds that pg_cron is no longer the runner, and does nothing.
 */
function stepsToRelease(
  db: Database,
  home: CronDatabase | null,
  surplus: readonly ScheduledRun[],
  known: readonly LedgerJob[],
  declared: readonly Job[],
  stay: ReadonlySet<string>,
  actor: string,
): Step[] {
  const records: Step[] = []
  for (const state of known) {
    const current = state.versions.at(-1)!
    if (current.runner !== 'pg_cron' || current.state === 'removed' || stay.has(state.name)) continue
    const job = declared.find(({name}) => name === state.name)
    const record =
      job === undefined ? removeStep(db, state.name, actor) : recordStep(db, job, 'daemon', null, known, [], actor)
    if (record !== null) records.push(record)
  }
  const before = records.map(({id}) => id)
  return [...records, ...(home === null ? [] : surplus.map((run) => unscheduleStep(home, run, before)))]
}

const plain = {
  lock: 'ROW EXCLUSIVE',
  class: 'undo',
  transaction: 'own',
  doneCheck: null,
  repeatable: true,
  bytes: null,
  rowSecurity: 'filter',
} as const

function scheduleStep(
  home: CronDatabase,
  database: string,
  job: Job,
  {part, name, schedule, command}: WantedRun,
  there: ScheduledRun | undefined,
): Step[] {
  if (there !== undefined && there.schedule === schedule && there.command === command && there.active) return []
  const otherRole = there !== undefined && there.username !== home.role ? there.username : null
  const make =
    home.here && otherRole === null
      ? statement(loadSql('pg-cron/schedule'), [name, schedule, command])
      : statement(loadSql('pg-cron/schedule-elsewhere'), [name, schedule, command, database, otherRole])
  const label = part === '' ? job.name : `${job.name} ${part}`
  // Scheduling again under the same name does not activate an inactive entry.
  const statements = there?.active === false ? [unschedule(there), make] : [make]
  const change = there?.active ? 'reschedule' : 'switch on'
  return [
    {
      ...plain,
      id: `${there === undefined ? 'schedule' : change} ${label}: ${schedule}`,
      kind: 'schedule',
      object: `job ${label}`,
      statements,
      dependsOn: [],
      relations: ['cron.job'],
      ...where(home),
    },
  ]
}

function unscheduleStep(home: CronDatabase, run: ScheduledRun, dependsOn: readonly string[]): Step {
  return {
    ...plain,
    id: `unschedule ${run.name} (${run.id})`,
    kind: 'unschedule',
    object: run.name!,
    statements: [unschedule(run)],
    dependsOn,
    relations: ['cron.job'],
    ...where(home),
  }
}

function unschedule({id, command}: ScheduledRun): Statement {
  return statement(loadSql('pg-cron/unschedule'), [id, command])
}

function where({here, database}: CronDatabase): {database?: string} {
  return here ? {} : {database}
}

/** Records the runner of a job from now on: the audit uses it, and each call of pg_cron checks it first. */
function recordStep(
  db: Database,
  job: Job,
  runner: 'daemon' | 'pg_cron',
  commands: Record<string, string> | null,
  known: readonly LedgerJob[],
  dependsOn: readonly string[],
  actor: string,
): Step | null {
  const {name, kind, schedule, timezone} = job
  const current = known.find((state) => state.name === name)?.versions.at(-1)
  const same =
    current !== undefined &&
    current.state !== 'removed' &&
    current.runner === runner &&
    current.schedule === schedule &&
    current.timezone === timezone
  if (same && sameCommands(current.commands ?? null, commands)) return null
  const request = JSON.stringify([{name, kind, schedule, timezone, runner, commands, explicit: job.runner === runner}])
  return {
    ...plain,
    id: `record ${name}: run by ${runner === 'daemon' ? 'the daemon' : 'pg_cron'}`,
    kind: 'record',
    object: `job ${name}`,
    statements: [declareStatement(db, request, actor, current !== undefined)],
    dependsOn,
    relations: ['qicore.job'],
  }
}

function removeStep(db: Database, name: string, actor: string): Step {
  return {
    ...plain,
    id: `record ${name}: no longer declared`,
    kind: 'record',
    object: `job ${name}`,
    statements: [removeStatement(db, name, actor)],
    dependsOn: [],
    relations: ['qicore.job'],
  }
}

function sameCommands(a: Readonly<Record<string, string>> | null, b: Readonly<Record<string, string>> | null): boolean {
  const text = (commands: typeof a) =>
    commands === null ? '' : JSON.stringify(Object.entries(commands).sort(([x], [y]) => (x < y ? -1 : 1)))
  return text(a) === text(b)
}
