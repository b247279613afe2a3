/** The daemons of a database: their heartbeats, and the clocks of both sides. */
import type {Database} from '../../db/database.js'
import {loadSql, prepared} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {askLedger, type Identity} from './ledger.js'

export interface Heartbeat {
  /** The clock that calendars are read by. */
  now: number
  /**
   * Milliseconds that this machine's clock is ahead of the server's, as far as the way there and back lets it be known.
   */
  skew: number
  /** Daemons beside this one. */
  others: number
}

export async function heartbeat(db: Database, {id, host, pid, version, actor}: Identity): Promise<Heartbeat> {
  const asked = Date.now()
  const [row] = await askLedger<{now: Instant; clock: Instant; others: number}>(db, 'heartbeat', [
    id,
    host,
    pid,
    version,
    actor,
  ])
  return {
    now: Date.parse(row!.now),
    skew: skewOf(asked, Date.parse(row!.clock), Date.now()),
    others: db.server.embedded ? 0 : row!.others,
  }
}

/**
 * What the two clocks show, asked now: a time that was read before a person answered a question says nothing any more.
 */
export async function readClocks(db: Database): Promise<Pick<Heartbeat, 'now' | 'skew'>> {
  const asked = Date.now()
  const [row] = await db.query<{now: Instant; clock: Instant}>(prepared('jobs/clocks', []))
  return {now: Date.parse(row!.now), skew: skewOf(asked, Date.parse(row!.clock), Date.now())}
}

/** More than this between the two clocks, in milliseconds, and nothing is dropped. */
export const largestSkew = 1_000

/** Somewhere between question and answer the server looked at its clock: what lies between them says nothing. */
export function skewOf(asked: number, server: number, answered: number): number {
  if (asked > server) return asked - server
  return answered < server ? answered - server : 0
}

export async function unregisterDaemon(db: Database, {id}: Identity): Promise<void> {
  await askLedger(db, 'unregister-daemon', [id])
}

/** The daemon that was seen last, also one that is gone; null where none ever worked here. Needs the schema qicore. */
export async function readLastDaemon(
  db: Database,
): Promise<{id: string; seenAt: Instant; stoppedAt: Instant | null} | null> {
  const [row] = await db.query<{id: string; seen_at: Instant; stopped_at: Instant | null}>(
    statement(loadSql('jobs/last-daemon')),
  )
  return row === undefined ? null : {id: row.id, seenAt: row.seen_at, stoppedAt: row.stopped_at}
}

/** In words what changed since a daemon last looked: a fail-over, a restore; null where nothing did. */
export async function noteTimeline(db: Database, {id}: Identity): Promise<string | null> {
  interface DaemonRow {
    system_identifier: string
    timeline: number
    old_identifier: string | null
    old_timeline: number | null
  }
  const [row] = await askLedger<DaemonRow>(db, 'timeline', [id])
  if (!row || row.old_timeline === null) return null
  if (row.old_identifier !== row.system_identifier)
    return `this is another server than before (system ${row.system_identifier}, was ${row.old_identifier})`
  return `the server is on timeline ${row.timeline} now (was ${row.old_timeline}): a fail-over or a restore`
}
