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
  /** The database role, and the operating system user and host of the process. */
  actor: string
  targetHost: string
  /** The request, stored for readers of the ledger. */
  detail: Record<string, unknown>
}

/** Seconds without a heartbeat after which a run behind a transaction pooler counts as lost. */
const leaseSeconds = 30
const heartbeatMs = 10_000

/** The ids of runs that are recorded as running but whose session is gone. Changes nothing. */
export async function readLostRuns(db: Database): Promise<number[]> {
  return (await db.query<{id: number}>(statement(loadSql('run/lost')))).map(({id}) => id)
}

/** Closes the records of these runs as interrupted (runs of a job as failed). */
export function closeLostRuns(ids: readonly number[]): Statement {
  return statement(loadSql('run/close-lost'), [ids])
}

/**
 * Opens a run record, after closing the records of runs whose session is gone. Null if the qicore schema is not
 * installed yet.
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
    // The run itself notices a lost connection.
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
