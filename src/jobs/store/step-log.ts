import type {Database} from '../../db/database.js'
import {recordStatement, stepRecords} from '../../run/record.js'
import type {Ledger} from '../../run/run-log.js'
import type {Limits} from '../../run/limits.js'
import type {Claim} from './claims.js'

/**
 * Records the steps of a claimed occurrence. The result of the occurrence itself is recorded in results.ts.
 * @param offset added to the positions: the number of steps in earlier plans of the occurrence
 */
export function stepLedger(db: Database, {id}: Claim, offset: number, limits: Limits): Ledger {
  const {stepDone, stepNoted, stepEnded} = stepRecords(
    db,
    id,
    limits,
    'jobs/step',
    (position, {id: step, attempts, ms, bytes}) =>
      recordStatement('jobs/step-complete', [id, step, position, attempts, ms, bytes]),
  )
  return {
    stepNoted,
    stepDone: (tx, position, step) => stepDone(tx, offset + position, step),
    stepEnded: (position, step) => stepEnded(offset + position, step),
    async finish() {},
  }
}
