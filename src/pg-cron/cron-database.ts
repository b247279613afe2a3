import {connect} from '../db/connect.js'
import {ownEntriesSettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {ExitCode, messageOf, OpsError, usageError} from '../errors.js'
import {command} from '../units/command.js'
import {deadScheduler} from './scheduler.js'
import {compareVersions, exactly, type VersionRange} from '../units/version.js'

/** The database in which pg_cron is installed: one per server, from which it schedules jobs in all databases. */
export interface CronDatabase {
  /** A session in the database of pg_cron: the target's session if it is the same database, otherwise another one. */
  db: Database
  database: string
  /** Whether the target is the database of pg_cron. */
  here: boolean
  /** The version of the objects of the extension. */
  version: string
  /** The versions that the loaded library may have; null if pg_cron is not running. */
  library: VersionRange | null
  /** The time zone in which pg_cron reads schedules; null if the role may not read the setting. */
  timezone: string | null
  /** cron.match_dom_and_dow: a schedule with a day of the month and a weekday runs only if both match. */
  matchesBothDays: boolean
  alive: boolean
  /** The role that schedules the jobs, and as which pg_cron runs them. */
  role: string
  canLogin: boolean
  rights: {usage: boolean; schedule: boolean; unschedule: boolean; elsewhere: boolean | null}
}

interface WhereRow {
  available: string | null
  configured: string | null
  seen: string | null
}

interface RightsRow {
  role: string
  version: string
  usage: boolean
  schedule: boolean | null
  unschedule: boolean | null
  elsewhere: boolean | null
  timezone: string | null
  matches_both_days: boolean
  can_login: boolean
  alive: boolean
}

const instead = () => `Without pg_cron, the daemon runs the same jobs: ${command('daemon')}`

/**
 * Finds the database of pg_cron on the server and calls `work` with it. A session opened for this is closed again.
 * @throws OpsError NO_PG_CRON, NOT_PRELOADED, NOT_CREATED, CRON_ELSEWHERE, CRON_VERSION, each with the fix
 */
export async function withCronDatabase<T>(
  db: Database,
  applicationName: string,
  work: (home: CronDatabase) => Promise<T>,
): Promise<T> {
  if (db.server.pgCron !== null) return work(await homeIn(db, true))
  const database = await databaseOf(db)
  const away = await connect(db.sibling(database), {applicationName}).catch((error: unknown) => {
    throw new OpsError(
      'CRON_ELSEWHERE',
      `pg_cron is installed in the database "${database}", and the role ${db.server.role} cannot connect to it: ` +
        `${messageOf(error)}`,
      {
        exit: ExitCode.cannotConnect,
        suggestions: [
          `Allow the role to connect: grant connect on database "${database}" to "${db.server.role}", and an ` +
            'entry in pg_hba.conf.',
          instead(),
        ],
      },
    )
  })
  try {
    if (away.server.pgCron === null) throw notCreated(database)
    return await work(await homeIn(away, false))
  } finally {
    await away.close()
  }
}

/** The name of the database of pg_cron, which is not the target. */
async function databaseOf(db: Database): Promise<string> {
  const {server} = db
  if (server.embedded) throw usageError('NO_PG_CRON', 'The embedded engine has no pg_cron.', [instead()])
  const [row] = await db.query<WhereRow>(statement(loadSql('pg-cron/where')))
  const {available, configured, seen} = row!
  const {preloaded} = server
  if (available === null && seen === null)
    throw usageError('NO_PG_CRON', 'pg_cron is not installed on this server: no such extension is available.', [
      "Install the package (Debian's is postgresql-<version>-cron), add pg_cron to shared_preload_libraries and " +
        'restart the server.',
      instead(),
    ])
  if (seen === null && (preloaded === null ? configured === null : !preloaded.includes('pg_cron')))
    throw usageError(
      'NOT_PRELOADED',
      preloaded === null
        ? "pg_cron's scheduler is not running on this server, and this role may not read shared_preload_libraries."
        : 'pg_cron is installed on this server but not in shared_preload_libraries, so no job runs.',
      ['Add pg_cron to shared_preload_libraries and restart the server.', instead()],
    )
  const database = seen ?? configured ?? 'postgres'
  if (database === server.database) throw notCreated(database)
  return database
}

function notCreated(database: string): OpsError {
  return usageError(
    'NOT_CREATED',
    `pg_cron is preloaded for the database "${database}" (cron.database_name), but the extension is not created there.`,
    [`As a superuser, in ${database}: create extension pg_cron`, instead()],
  )
}

async function homeIn(db: Database, here: boolean): Promise<CronDatabase> {
  const [row] = await db.query<RightsRow>(statement(loadSql('pg-cron/rights'), [db.target.role ?? null]))
  const {role, version, usage, schedule, unschedule, elsewhere, alive} = row!
  if (compareVersions(version, '1.3') < 0)
    throw usageError('CRON_VERSION', `pg_cron ${version} does not support job names: 1.3 or later is required.`, [
      'Install a newer package and, as a superuser: alter extension pg_cron update',
      instead(),
    ])
  return {
    db,
    database: db.server.database,
    here,
    version,
    library: db.server.pgCronRange,
    timezone: hasTimeZone(db.server.pgCronRange ?? exactly(version)) ? row!.timezone : 'GMT',
    matchesBothDays: row!.matches_both_days,
    alive,
    role,
    canLogin: row!.can_login,
    rights: {usage, schedule: schedule ?? false, unschedule: unschedule ?? false, elsewhere},
  }
}

/** Whether the library may have cron.timezone (since 1.5); before, schedules are in GMT. */
function hasTimeZone({to}: VersionRange): boolean {
  return to === null || compareVersions(to, '1.5') >= 0
}

/**
 * Checks that this role can schedule jobs and that pg_cron would run them.
 * @throws OpsError NOT_PRELOADED, CRON_VERSION (exit 2), NO_PRIVILEGE (exit 1) with the missing grants
 */
export function requireUsable({here, version, database, role, canLogin, alive, rights}: CronDatabase): void {
  if (!alive)
    throw usageError(
      'NOT_PRELOADED',
      `pg_cron ${version} is created in "${database}", but its scheduler is not running: no job would run.`,
      [deadScheduler.fix, instead()],
    )
  if (!here && rights.elsewhere === null)
    throw usageError(
      'CRON_VERSION',
      `pg_cron ${version} schedules jobs only in its own database "${database}": 1.4 or later is required.`,
      [`As a superuser, in ${database}: alter extension pg_cron update`, instead()],
    )
  const missing = missingGrants({here, role, rights})
  if (missing.length > 0)
    throw new OpsError(
      'NO_PRIVILEGE',
      `The role ${role} may not schedule with pg_cron${here ? '' : ` in "${database}"`}: ` +
        `${missing.map(({what}) => what).join(', ')}.`,
      {
        suggestions: [`As a superuser, in ${database}: ${missing.map(({grant}) => grant).join('; ')}`, instead()],
      },
    )
  if (!canLogin)
    throw new OpsError(
      'NO_PRIVILEGE',
      `The role ${role} may not log in, but pg_cron connects as the role that scheduled a job: all its jobs would ` +
        'fail.',
      {
        suggestions: [`alter role ${role} login, or use a target without that role.`, instead()],
      },
    )
}

function missingGrants({
  here,
  role,
  rights,
}: Pick<CronDatabase, 'here' | 'role' | 'rights'>): {what: string; grant: string}[] {
  const missing: {what: string; grant: string}[] = []
  const to = `to "${role}"`
  if (!rights.usage) missing.push({what: 'no usage on schema cron', grant: `grant usage on schema cron ${to}`})
  if (here && !rights.schedule)
    missing.push({
      what: 'no execute on cron.schedule',
      grant: `grant execute on function cron.schedule(text, text, text) ${to}`,
    })
  if (!here && rights.elsewhere !== true)
    missing.push({
      what: 'no execute on cron.schedule_in_database',
      grant: `grant execute on function cron.schedule_in_database(text, text, text, text, text, boolean) ${to}`,
    })
  if (!rights.unschedule)
    missing.push({
      what: 'no execute on cron.unschedule',
      grant: `grant execute on function cron.unschedule(bigint) ${to}`,
    })
  return missing
}

/** Whether the role may read pg_cron's jobs. */
export function mayLook({rights}: CronDatabase): boolean {
  return rights.usage
}

/** Reads as the role that schedules the jobs: pg_cron shows a role only its own jobs. */
export async function readCronDatabase<Row extends object>(
  {db}: CronDatabase,
  name: string,
  values: Parameters<typeof statement>[1] = [],
): Promise<Row[]> {
  return db.query<Row>(statement(loadSql(`pg-cron/${name}`), values), {...ownEntriesSettings, role: db.target.role})
}
