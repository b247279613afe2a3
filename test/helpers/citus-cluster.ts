import {existsSync, readdirSync} from 'node:fs'
import {onServer} from './citus.js'
import {startPostgres18, type NativePostgres} from './postgres18.js'

const packages = '/usr/lib/postgresql'

const hasCitus = (home: string) => existsSync(`${home}/lib/citus.so`) && existsSync(`${home}/bin/initdb`)

/**
 * The PostgreSQL with Citus that QICORE_TEST_CITUS_HOME names (a directory with bin/ and lib/), else the newest one of
 * the distribution; null if there is none.
 */
function homeWithCitus(): string | null {
  const named = process.env.QICORE_TEST_CITUS_HOME
  if (named) return hasCitus(named) ? named : null
  const versions = existsSync(packages) ? readdirSync(packages).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => `${packages}/${version}`).find(hasCitus) ?? null
}

/** Null if a cluster can be started, else the reason. */
export function noCitus(): string | null {
  const place = process.env.QICORE_TEST_CITUS_HOME || packages
  return homeWithCitus() === null ? `there is no PostgreSQL with Citus in ${place}` : null
}

/** Null if a server with Citus and pg_cron can be started, else the reason. */
export function noCitusWithCron(): string | null {
  const home = homeWithCitus()
  if (home === null) return noCitus()
  return existsSync(`${home}/lib/pg_cron.so`) ? null : `${home} has Citus and no pg_cron`
}

/** A single-node Citus with pg_cron in its database `postgres`, whose entries need no password. */
export async function startCitusWithCron(): Promise<NativePostgres> {
  const settings = {
    shared_preload_libraries: 'citus,pg_cron',
    wal_level: 'logical',
    max_prepared_transactions: '50',
    max_worker_processes: '24',
    'cron.use_background_workers': 'on',
    'citus.node_conninfo': 'sslmode=disable',
  }
  const server = await startPostgres18({home: homeWithCitus()!, settings})
  await onServer(server.url, 'create extension citus')
  await onServer(server.url, 'create extension pg_cron')
  return server
}

/** Three servers that only this test uses, so that it may kill them. The database is `postgres`. */
export interface OwnCluster {
  coordinator: NativePostgres
  workers: readonly [NativePostgres, NativePostgres]
  stop(): Promise<void>
}

export async function startCluster(): Promise<OwnCluster> {
  const settings = {
    shared_preload_libraries: 'citus,pg_stat_statements',
    wal_level: 'logical',
    max_prepared_transactions: '50',
    max_worker_processes: '24',
    'citus.node_conninfo': 'sslmode=disable',
    // Prepared transactions of a killed worker are ended within seconds.
    'citus.recover_2pc_interval': '1s',
  }
  const home = homeWithCitus()!
  const servers: NativePostgres[] = []
  const stop = async () => {
    for (const server of servers) await server.stop()
  }
  try {
    for (let n = 0; n < 3; n += 1) servers.push(await startPostgres18({home, settings: {...settings}}))
    const [coordinator, first, second] = servers as [NativePostgres, NativePostgres, NativePostgres]
    for (const {url} of servers) await onServer(url, 'create extension citus')
    await onServer(coordinator.url, `select citus_set_coordinator_host('127.0.0.1', ${coordinator.port})`)
    for (const {port} of [first, second]) await onServer(coordinator.url, `select citus_add_node('127.0.0.1', ${port})`)
    await onServer(coordinator.url, 'create extension citus_columnar')
    return {coordinator, workers: [first, second], stop}
  } catch (error) {
    await stop()
    throw error
  }
}
