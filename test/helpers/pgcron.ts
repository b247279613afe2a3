import {existsSync, readdirSync} from 'node:fs'
import {connect} from '../../src/db/connect.js'
import {sql} from '../../src/db/sql.js'
import {startPostgres18, type NativePostgres} from './postgres18.js'
import {applicationName, targetOf, writing} from './server.js'

const packages = '/usr/lib/postgresql'

/**
 * The PostgreSQL that QICORE_TEST_PG_CRON names (a directory with bin/ and lib/), else the newest one of the distribution
 * that has pg_cron; null if there is none.
 */
function homeWithCron(): string | null {
  const named = process.env.QICORE_TEST_PG_CRON
  if (named) return named
  const versions = existsSync(packages) ? readdirSync(packages).sort((a, b) => Number(b) - Number(a)) : []
  const found = versions.find(
    (version) => existsSync(`${packages}/${version}/lib/pg_cron.so`) && existsSync(`${packages}/${version}/bin/initdb`),
  )
  return found === undefined ? null : `${packages}/${found}`
}

/** Null if a server with pg_cron can be started, else the reason. */
export function noPgCron(): string | null {
  return homeWithCron() === null
    ? "there is no PostgreSQL with pg_cron here; Debian's package is postgresql-15-cron"
    : null
}

export interface CronServer extends NativePostgres {
  /** Switches pg_cron's scheduler off or on by a restart with another shared_preload_libraries. */
  preload(libraries: string): Promise<void>
}

/** A server with pg_cron in its database `postgres`, whose jobs need no password. */
export async function startPgCron(): Promise<CronServer> {
  const settings: Record<string, string> = {
    shared_preload_libraries: 'pg_cron',
    'cron.use_background_workers': 'on',
    max_worker_processes: '32',
  }
  const server = await startPostgres18({home: homeWithCron()!, settings})
  const db = await connect(targetOf(server.url), {applicationName})
  try {
    await db.autocommit(writing, sql`create extension pg_cron`)
  } finally {
    await db.close()
  }
  return {
    ...server,
    async preload(libraries) {
      settings.shared_preload_libraries = libraries
      await server.kill()
      await server.start()
    },
  }
}
