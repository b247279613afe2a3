/** The daemons of a database: their heartbeats, and the difference of the clocks. */
import type {Database, Db} from '../../db/database.js'
import {preparedQicore} from '../../db/load-qicore-sql.js'
import {loadSql, prepared} from '../../db/load-sql.js'
import type {Server} from '../../db/server.js'
import {statement} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'
import {askLedger, ledgerWrite, type Identity} from './ledger.js'

export interface Heartbeat {
  /** The time by which schedules are evaluated, in milliseconds since 1970. */
  now: number
  /** Milliseconds by which this machine's clock is ahead of the server's, at least; the round trip limits precision. */
  skew: number
  /** Number of other live daemons. */
  others: number
}

export function heartbeat(db: Database, me: Identity): Promise<Heartbeat> {
  return db.transaction(ledgerWrite(db), (tx) => askHeartbeat(tx, db.server, me))
}

/** Records the heartbeat, in a transaction that writes. */
export async function askHeartbeat(
  tx: Db,
  server: Server,
  {id, host, pid, version, actor}: Identity,
): Promise<Heartbeat> {
  const asked = Date.now()
  const [row] = await tx.query<{now: Instant; clock: Instant; others: number}>(
    preparedQicore(server, 'jobs/heartbeat', [id, host, pid, version, actor]),
  )
  return {
    now: Date.parse(row!.now),
    skew: skewOf(asked, Date.parse(row!.clock), Date.now()),
    others: server.embedded ? 0 : row!.others,
  }
}

/** Reads both clocks now: a time that was read before a prompt was answered is out of date. */
export async function readClocks(db: Database): Promise<Pick<Heartbeat, 'now' | 'skew'>> {
  const asked = Date.now()
  const [row] = await db.query<{now: Instant; clock: Instant}>(prepared('jobs/clocks', []))
  return {now: Date.parse(row!.now), skew: skewOf(asked, Date.parse(row!.clock), Date.now())}
}

/** Milliseconds: if the clocks differ by more, nothing is dropped. */
export const largestSkew = 1_000

/** The server read its clock between `asked` and `answered`, so a time between these two counts as no difference. */
export function skewOf(asked: number, server: number, answered: number): number {
  if (asked > server) return asked - server
  return answered < server ? answered - server : 0
}

export async function unregisterDaemon(db: Database, {id}: Identity): Promise<void> {
  await askLedger(db, 'unregister-daemon', [id])
}

/** The daemon that was seen last, even if it is gone; null if no daemon has ever run. Needs the qicore schema. */
export async function readLastDaemon(
  db: Database,
): Promise<{id: string; seenAt: Instant; stoppedAt: Instant | null} | null> {
  const [row] = await db.query<{id: string; seen_at: Instant; stopped_at: Instant | null}>(
    statement(loadSql('jobs/last-daemon')),
  )
  return row === undefined ? null : {id: row.id, seenAt: row.seen_at, stoppedAt: row.stopped_at}
}

/** A sentence about a failover or restore since a daemon last connected; null if there was none. */
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
    return `this is a different server (system identifier ${row.system_identifier}, was ${row.old_identifier})`
  return `the server is now on timeline ${row.timeline} (was ${row.old_timeline}): a failover or a restore`
}
