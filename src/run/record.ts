/** How the record of a run is written: its row of qicore.maintenance_log and those of its steps. */
import type {Database, Db, TransactionSettings} from '../db/database.js'
import {prepared} from '../db/load-sql.js'
import type {Statement, Value} from '../db/sql.js'
import {withoutRepeatedFlags} from '../units/command.js'
import type {Limits} from './limits.js'
import type {StepReport} from './step.js'

/** Objects and lists of them are stored as JSON. */
export type RecordValue = Value | {readonly json: unknown}

/**
 * A statement that stores what readers elsewhere will see: no text in it has the flags that lead to the database from
 * where this process runs. Everything that is recorded goes through here.
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

/** The steps of a run in its record. A step that is done is written in the step's own transaction. */
export interface StepRecords {
  /**
   * Within the transaction of the step and sent along with it, before it is known to be done: gone with it where it
   * fails.
   * @param step its `ms` are those before the transaction
   */
  stepDone(tx: Db, position: number, step: StepReport): Promise<unknown>
  /** What the server warned of meanwhile. */
  stepNoted(step: string, note: string): Promise<void>
  /** In a transaction of its own. */
  stepEnded(position: number, step: StepReport): Promise<void>
}

/**
 * @param id of the run's row
 * @param ended the file of sql/ that writes how a step ended
 * @param done the statement that writes a step as done in its own transaction; without it as any other end
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
