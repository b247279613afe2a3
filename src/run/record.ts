/** Writes the record of a run: its row in qicore.maintenance_log and the rows of its steps. */
import type {Database, Db, TransactionSettings} from '../db/database.js'
import {prepared} from '../db/load-sql.js'
import type {Statement, Value} from '../db/sql.js'
import {withoutRepeatedFlags} from '../units/command.js'
import type {Limits} from './limits.js'
import type {StepReport} from './step.js'

/** Objects and lists of them are stored as JSON. */
export type RecordValue = Value | {readonly json: unknown}

/**
 * A statement that stores values in the ledger. Connection flags are removed from suggested commands, because they are
 * valid only on this machine. Everything that is recorded goes through here.
 */
export function recordStatement(name: string, values: readonly RecordValue[]): Statement {
  return prepared(name, values.map(stored))
}

function stored(value: RecordValue): Value {
  if (typeof value !== 'object' || value === null || !('json' in value)) return withoutRepeatedFlags(value)
  return JSON.stringify(withoutRepeatedFlags(value.json))
}

export function recordSettings(db: Database, {lockTimeout}: Limits): TransactionSettings {
  return {readOnly: false, lockTimeout, statementTimeout: 30_000, role: db.target.role}
}

/** Records the steps of a run. A completed step is recorded in the step's own transaction. */
export interface StepRecords {
  /**
   * Records the step as done, in the step's transaction and pipelined with it; rolled back if the step fails.
   * @param step its `ms` is the time before the transaction
   */
  stepDone(tx: Db, position: number, step: StepReport): Promise<unknown>
  /** Adds the warnings that the server sent during the step. */
  stepNoted(step: string, note: string): Promise<void>
  /** Records how the step ended, in a separate transaction. */
  stepEnded(position: number, step: StepReport): Promise<void>
}

/**
 * @param id the id of the run's row
 * @param ended the file in sql/ that records how a step ended
 * @param done the statement that records a step as done in the step's transaction; by default the one of `ended`
 */
export function stepRecords(
  db: Database,
  id: number,
  limits: Limits,
  ended: string,
  done?: (position: number, step: StepReport) => Statement,
): StepRecords {
  const settings = recordSettings(db, limits)
  const row = (position: number, {id: step, status, attempts, ms, bytes, note, error, sqlState}: StepReport) =>
    recordStatement(ended, [id, step, position, status, attempts, ms, bytes, note, error, sqlState])
  return {
    stepDone: (tx, position, step) => tx.query((done ?? row)(position, step)),
    async stepNoted(step, note) {
      await db.query(recordStatement('run/step-note', [id, step, note]), settings)
    },
    async stepEnded(position, step) {
      await db.query(row(position, step), settings)
    },
  }
}
