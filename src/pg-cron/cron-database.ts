import {connect} from '../db/connect.js'
import {readOnlySettings, type Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {ExitCode, messageOf, OpsError, usageError} from '../errors.js'
import {command} from '../units/command.js'

/**
 * pg_cron as a role of ours finds it. It lives in one database of a server and schedules for all of them from there.
 */
export interface CronDatabase {
  /** A session in the database that pg_cron lives in: the one that is worked on, or another to it. */
  db: Database
  database: string
  /** It lives in the database that is worked on. */
  here: boolean
  version: string
  /** By whose clocks it reads schedules. Null: this role may not see it. */
  timezone: string | null
  /** cron.match_dom_and_dow: a schedule with a day of the month and a weekday needs both, not one of them. */
  matchesBothDays: boolean
  alive: boolean
  /** As whom jobs are scheduled and run. */
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

const instead = ({target: {name}}: Pick<Database, 'target'>) =>
  `Without it the daemon runs the same jobs: ${command('daemon', [], {target: name})}`

/**
 * Finds pg_cron, wherever it lives on the server, and hands it over; a session of its own is closed again.
 * @throws OpsError NO_PG_CRON, NOT_PRELOADED, NOT_CREATED, CRON_ELSEWHERE, CRON_VERSION, each with what to do
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
      `pg_cron lives in the database "${database}", and that cannot be reached as ${db.server.role}: ${messageOf(error)}`,
      {
        exit: ExitCode.cannotConnect,
        suggestions: [
          `Let this role connect there: grant connect on database "${database}" to "${db.server.role}", and pg_hba.conf.`,
          instead(db),
        ],
      },
    )
  })
  try {
    if (away.server.pgCron === null) throw notCreated(db, database)
    return await work(await homeIn(away, false))
  } finally {
    await away.close()
  }
}

/** The database that pg_cron lives in, which is not this one. */
async function databaseOf(db: Database): Promise<string> {
  const {server} = db
  if (server.embedded) throw usageError('NO_PG_CRON', 'The embedded engine has no pg_cron.', [instead(db)])
  const [row] = await db.query<WhereRow>(statement(loadSql('pg-cron/where')))
  const {available, configured, seen} = row!
  const {preloaded} = server
  if (available === null && seen === null)
    throw usageError('NO_PG_CRON', 'pg_cron is not installed on this server: there is no extension of that name.', [
      "Install the package (Debian's is postgresql-<version>-cron), add pg_cron to shared_preload_libraries and restart the server.",
      instead(db),
    ])
  if (seen === null && (preloaded === null ? configured === null : !preloaded.includes('pg_cron')))
    throw usageError(
      'NOT_PRELOADED',
      preloaded === null
        ? "pg_cron's scheduler is not running on this server, and this role may not see whether it is preloaded."
        : 'pg_cron is installed on this server and not preloaded, so nothing runs.',
      ['Add pg_cron to shared_preload_libraries and restart the server.', instead(db)],
    )
  const database = seen ?? configured ?? 'postgres'
  if (database === server.database) throw notCreated(db, database)
  return database
}

function notCreated(db: Database, database: string): OpsError {
  return usageError(
    'NOT_CREATED',
    `pg_cron is preloaded for the database "${database}" (cron.database_name), and its extension was not created there.`,
    [`As a superuser, in ${database}: create extension pg_cron`, instead(db)],
  )
}

async function homeIn(db: Database, here: boolean): Promise<CronDatabase> {
  const [row] = await db.query<RightsRow>(statement(loadSql('pg-cron/rights'), [db.target.role ?? null]))
  const {role, version, usage, schedule, unschedule, elsewhere, alive} = row!
  if (!atLeast(version, 1, 3))
    throw usageError('CRON_VERSION', `pg_cron ${version} knows no names of jobs: 1.3 or later is needed.`, [
      'Install a newer package and, as a superuser: alter extension pg_cron update',
      instead(db),
    ])
  return {
    db,
    database: db.server.database,
    here,
    version,
    // Before 1.5 there is no such setting, and GMT it is.
    timezone: atLeast(version, 1, 5) ? row!.timezone : 'GMT',
    matchesBothDays: row!.matches_both_days,
    alive,
    role,
    canLogin: row!.can_login,
    rights: {usage, schedule: schedule ?? false, unschedule: unschedule ?? false, elsewhere},
  }
}

/** By numbers: 1.10 is later than 1.4-1. */
export function atLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split(/[.-]/).map(Number)
  return a > major || (a === major && b >= minor)
}

/**
 * Whether jobs can be scheduled and would run.
 * @throws OpsError NOT_PRELOADED, CRON_VERSION (exit 2), NO_PRIVILEGE (exit 1) with the grants that are missing
 */
export function requireUsable({db, here, version, database, role, canLogin, alive, rights}: CronDatabase): void {
  if (!alive)
    throw usageError(
      'NOT_PRELOADED',
      `pg_cron ${version} is created in "${database}" and its scheduler is not running: nothing would run.`,
      [
        'Add pg_cron to shared_preload_libraries and restart the server; its log says why where that is done already.',
        instead(db),
      ],
    )
  if (!here && rights.elsewhere === null)
    throw usageError(
      'CRON_VERSION',
      `pg_cron ${version} schedules in its own database "${database}" only: 1.4 or later is needed.`,
      [`As a superuser, in ${database}: alter extension pg_cron update`, instead(db)],
    )
  const missing = missingGrants({here, role, rights})
  if (missing.length > 0)
    throw new OpsError(
      'NO_PRIVILEGE',
      `The role ${role} may not schedule with pg_cron${here ? '' : ` in "${database}"`}: ${missing.map(({what}) => what).join(', ')}.`,
      {
        suggestions: [`As a superuser, in ${database}: ${missing.map(({grant}) => grant).join('; ')}`, instead(db)],
      },
    )
  if (!canLogin)
    throw new OpsError(
      'NO_PRIVILEGE',
      `The role ${role} may not log in, and pg_cron connects as the role that scheduled: its jobs would all fail.`,
      {
        suggestions: [`alter role ${role} login, or take a target without that role.`, instead(db)],
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

/** Whether this role may look at what is scheduled. */
export function mayLook({rights}: CronDatabase): boolean {
  return rights.usage
}

/** Reads as the role that schedules: others see none of its jobs. */
export async function readCronDatabase<Row extends object>(
  {db}: CronDatabase,
  name: string,
  values: Parameters<typeof statement>[1] = [],
): Promise<Row[]> {
  return db.query<Row>(statement(loadSql(`pg-cron/${name}`), values), {...readOnlySettings, role: db.target.role})
}
