import type {Database, Db} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Limits} from './limits.js'
import type {StepReport} from './step.js'

export type RunStatus = 'done' | 'failed' | 'partly' | 'interrupted'

/** A run's page in qicore.maintenance_log. A step that is done is written in the step's own transaction. */
export interface Ledger {
  /** Within the transaction of the step, or one of its own where that step has none. */
  stepDone(tx: Db, position: number, step: StepReport): Promise<void>
  stepEnded(position: number, step: StepReport): Promise<void>
  finish(status: RunStatus, error: string | null): Promise<void>
}

export interface RunOwner {
  operation: string
  /** Who: the database's role, and the person and machine behind it. */
  actor: string
  targetHost: string
  /** The request, for whoever reads the ledger later. */
  detail: Record<string, unknown>
}

/** Opens a page; null where the schema qicore is not installed (its own first migration). */
export async function openLedger(db: Database, owner: RunOwner, limits: Limits): Promise<Ledger | null> {
  if (!db.server.hasCore) return null
  const settings = {readOnly: false, lockTimeout: limits.lockTimeout, statementTimeout: 30_000, role: db.target.role}
  const write = <T>(work: (tx: Db) => Promise<T>) => db.transaction(settings, work)
  const {operation, actor, targetHost, detail} = owner
  const [row] = await write((tx) =>
    tx.query<{id: number}>(statement(loadSql('ledger/open'), [operation, actor, targetHost, JSON.stringify(detail)])))
  const id = row!.id
  const stepRow = (tx: Db, position: number, {id: step, status, attempts, ms, bytes, note, error}: StepReport) =>
    tx.query(statement(loadSql('ledger/step'), [id, step, position, status, attempts, ms, bytes, note, error]))
  return {
    async stepDone(tx, position, step) {
      await stepRow(tx, position, step)
    },
    async stepEnded(position, step) {
      await write((tx) => stepRow(tx, position, step))
    },
    async finish(status, error) {
      await write((tx) => tx.query(statement(loadSql('ledger/finish'), [id, status, error])))
    },
  }
}
