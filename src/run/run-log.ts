import type {Database, Db} from '../db/database.js'
import {loadSql, prepared} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {withoutRepeatedFlags} from '../units/command.js'
import type {Limits} from './limits.js'
import type {StepReport} from './step.js'

export type RunStatus = 'done' | 'failed' | 'partial' | 'interrupted'

/** A run's page in qicore.maintenance_log. A step that is done is written in the step's own transaction. */
export interface Ledger {
  /**
   * Within the transaction of the step and sent along with it, before it is known to be done: gone with it where it
   * fails.
   * @param step its `ms` are those before the transaction
   */
  stepDone(tx: Db, position: number, step: StepReport): Promise<unknown>
  /** What the server warned of meanwhile. */
  stepNoted(step: string, note: string): Promise<void>
  /** In one of its own. */
  stepEnded(position: number, step: StepReport): Promise<void>
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
  return (await db.query<{id: number}>(statement(loadSql('ledger/lost')))).map(({id}) => id)
}

/**
 * Opens a page, after it closed those of runs whose session is gone; null where the schema qicore is not installed (its
 * own first migration).
 */
export async function openLedger(db: Database, owner: RunOwner, limits: Limits): Promise<Ledger | null> {
  if (!db.server.hasQicoreSchema) return null
  const settings = {readOnly: false, lockTimeout: limits.lockTimeout, statementTimeout: 30_000, role: db.target.role}
  const {operation, actor, targetHost, detail} = withoutRepeatedFlags(owner)
  const pidsMatter = !db.server.pooled && !db.server.embedded
  const lost = await readLostRuns(db)
  if (lost.length > 0) await db.query(statement(loadSql('ledger/close-lost'), [lost]), settings)
  const [page] = await db.query<{id: number}>(
    statement(loadSql('ledger/open'), [operation, actor, targetHost, JSON.stringify(detail), pidsMatter, leaseSeconds]),
    settings,
  )
  const id = page!.id
  const heartbeat = setInterval(() => {
    // A lost connection is noticed by the run itself.
    db.query(statement(loadSql('ledger/heartbeat'), [id, pidsMatter, leaseSeconds]), settings).catch(() => {})
  }, heartbeatMs)
  heartbeat.unref()
  const row = (position: number, report: StepReport) => {
    const {id: step, status, attempts, ms, bytes, note, error} = withoutRepeatedFlags(report)
    return prepared('ledger/step', [id, step, position, status, attempts, ms, bytes, note, error])
  }
  return {
    stepDone: (tx, position, step) => tx.query(row(position, step)),
    async stepNoted(step, note) {
      await db.query(statement(loadSql('ledger/step-note'), [id, step, withoutRepeatedFlags(note)]), settings)
    },
    async stepEnded(position, step) {
      await db.query(row(position, step), settings)
    },
    async finish(status, error) {
      clearInterval(heartbeat)
      await db.query(statement(loadSql('ledger/finish'), [id, status, withoutRepeatedFlags(error)]), settings)
    },
  }
}
