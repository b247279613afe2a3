import type {Database, Db} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Ledger} from '../plan/ledger.js'
import type {Limits} from '../plan/limits.js'
import type {StepReport} from '../plan/step.js'
import type {Claim} from './ledger.js'

/** The steps of an occurrence, beneath the row that was claimed. How the occurrence itself ends is written elsewhere. */
export function stepLedger(db: Database, {id}: Claim, offset: number, limits: Limits): Ledger {
  const settings = {readOnly: false, lockTimeout: limits.lockTimeout, statementTimeout: 30_000, role: db.target.role}
  const row = (tx: Db, position: number, {id: step, status, attempts, ms, bytes, note, error}: StepReport) =>
    tx.query(statement(loadSql('daemon/step'), [id, step, offset + position, status, attempts, ms, bytes, note, error]))
  return {
    async stepDone(tx, position, step) {
      await row(tx, position, step)
    },
    async stepEnded(position, step) {
      await db.transaction(settings, (tx) => row(tx, position, step))
    },
    async finish() {},
  }
}
