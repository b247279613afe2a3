import {can} from '../engines/index.js'
import type {Database} from './database.js'
import {loadSql} from './load-sql.js'
import type {Server} from './server.js'
import {statement} from './sql.js'
import {isConnectionLost} from './sqlstate.js'

/** What one database needs of the workers that all databases of its server share. */
export interface WorkerShare {
  /** `timescaledb.max_background_workers`. */
  limit: number
  /** Databases of the server with a scheduler, read or not. */
  schedulers: number
  /** Number of jobs of this database that start in a minute, by the minute. */
  starts: ReadonlyMap<string, number>
}

/** The workers that the databases of a server need together. */
export interface ServerWorkers {
  /** `db.example.com:5432`. */
  server: string
  /** The targets that were read. */
  targets: string[]
  maxBackgroundWorkers: number
  schedulers: number
  /** Jobs that run at the same time. */
  jobs: number
  /** A launcher, the schedulers and the jobs. */
  needed: number
  enough: boolean
}

/** Workers run on the primary of a server with processes. */
export function hasWorkers({engine, embedded, inRecovery}: Server): boolean {
  return can(engine, 'policies') && !embedded && !inRecovery
}

interface WorkerShareRow {
  max_background_workers: number | null
  schedulers: number
  starts: Record<string, number>
}

/** Null on a server without workers, or if they cannot be read. */
export async function readWorkerShare(db: Database): Promise<WorkerShare | null> {
  if (!hasWorkers(db.server)) return null
  try {
    const [row] = await db.query<WorkerShareRow>(statement(loadSql('db/worker-share')))
    const {max_background_workers: limit, schedulers, starts} = row!
    return limit === null ? null : {limit, schedulers, starts: new Map(Object.entries(starts))}
  } catch (error) {
    if (isConnectionLost(error)) throw error
    return null
  }
}

/**
 * What the databases of one server need together. A database with a scheduler has at least one job, which TimescaleDB
 * creates with the extension; jobs of databases that were not read are not known otherwise.
 * @param shares of the targets on this server that could be read
 */
export function serverWorkers(
  server: string,
  shares: readonly {target: string; share: WorkerShare}[],
): ServerWorkers | null {
  const [first] = shares
  if (first === undefined) return null
  const together = new Map<string, number>()
  for (const {share} of shares)
    for (const [minute, jobs] of share.starts) together.set(minute, (together.get(minute) ?? 0) + jobs)
  const schedulers = Math.max(...shares.map(({share}) => share.schedulers))
  const jobs = Math.max(schedulers, ...together.values())
  const needed = 1 + schedulers + jobs
  const {limit} = first.share
  const targets = shares.map(({target}) => target)
  return {server, targets, maxBackgroundWorkers: limit, schedulers, jobs, needed, enough: needed <= limit}
}
