import type {Database} from '../../db/database.js'
import {loadSql, prepared} from '../../db/load-sql.js'
import {statement} from '../../db/sql.js'
import type {Ledger} from '../../run/run-log.js'
import {withoutRepeatedFlags} from '../../units/command.js'
import type {Limits} from '../../run/limits.js'
import type {StepReport} from '../../run/step.js'
import type {Claim} from './claims.js'

/**
 * The steps of an occurrence, beneath the row that was claimed. How the occurrence itself ends is written elsewhere.
 */
export function stepLedger(db: Database, {id}: Claim, offset: number, limits: Limits): Ledger {
  const settings = {readOnly: false, lockTimeout: limits.lockTimeout, statementTimeout: 30_000, role: db.target.role}
  const row = (position: number, report: StepReport) => {
    const {id: step, status, attempts, ms, bytes, note, error} = withoutRepeatedFlags(report)
    return prepared('daemon/step', [id, step, offset + position, status, attempts, ms, bytes, note, error])
  }
  return {
    stepDone: (tx, position, {id: step, attempts, ms, bytes}) =>
      tx.query(prepared('daemon/step-complete', [id, step, offset + position, attempts, ms, bytes])),
    async stepNoted(step, note) {
      await db.query(statement(loadSql('ledger/step-note'), [id, step, withoutRepeatedFlags(note)]), settings)
    },
    async stepEnded(position, step) {
      await db.query(row(position, step), settings)
    },
    async finish() {},
  }
}
