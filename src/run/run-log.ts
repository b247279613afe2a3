import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement, type Statement} from '../db/sql.js'
import type {Limits} from './limits.js'
import {recordSettings, recordStatement, stepRecords, type StepRecords} from './record.js'

export type RunStatus = 'done' | 'failed' | 'partial' | 'interrupted'

/** The record of a run in qicore.maintenance_log. */
export interface Ledger extends StepRecords {
  finish(status: RunStatus, error: string | null): Promise<void>
}

export interface RunOwner {
  operation: string
  /** Who: the database's role, and the person and machine behind it. */
  actor: string
  targetHost: string
  /** The request, for readers of the ledger. */
  detail: Record<string, unknown>
}

/** Seconds after which a run behind a transaction pooler that was not heard of may count as lost. */
const leaseSeconds = 30
const heartbeatMs = 10_000

/** Ids of the runs that are recorded as running and whose session is gone. Changes nothing. */
export async function readLostRuns(db: Database): Promise<number[]> {
  return (await db.query<{id: number}>(statement(loadSql('run/lost')))).map(({id}) => id)
}

/** Closes the records of these runs as interrupted. */
export function closeLostRuns(ids: readonly number[]): Statement {
  return statement(loadSql('run/close-lost'), [ids])
}

/**
 * Opens a record, after it closed those of runs whose session is gone; null where the schema qicore is not installed
 * (its own first migration).
 */
export async function openLedger(db: Database, owner: RunOwner, limits: Limits): Promise<Ledger | null> {
  if (!db.server.hasQicoreSchema) return null
  const settings = recordSettings(db, limits)
  const {operation, actor, targetHost, detail} = owner
  const pidsMatter = !db.server.pooled && !db.server.embedded
  const lost = await readLostRuns(db)
  if (lost.length > 0) await db.query(closeLostRuns(lost), settings)
  const [opened] = await db.query<{id: number}>(
    recordStatement('run/open', [operation, actor, targetHost, {json: detail}, pidsMatter, leaseSeconds]),
    settings,
  )
  const {id} = opened!
  const heartbeat = setInterval(() => {
    // A lost connection is noticed by the run itself.
    db.query(statement(loadSql('run/heartbeat'), [id, pidsMatter, leaseSeconds]), settings).catch(() => {})
  }, heartbeatMs)
  heartbeat.unref()
  return {
    ...stepRecords(db, id, limits, 'run/step'),
    async finish(status, error) {
      clearInterval(heartbeat)
      await db.query(recordStatement('run/finish', [id, status, error]), settings)
    },
  }
}
