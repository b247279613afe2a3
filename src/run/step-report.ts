import type {Db} from '../db/database.js'
import {rowSecurityAdvice, unreachableAdvice} from '../db/sqlstate.js'
import type {Step, StepReason, StepReport} from './step.js'

/** A report without measurements. The note is derived from the reason. */
export function stepReport(
  step: Pick<Step, 'id'>,
  status: StepReport['status'],
  attempts: number,
  reason: StepReason | null = null,
): StepReport {
  return {
    id: step.id,
    status,
    ms: null,
    bytes: null,
    error: null,
    sqlState: null,
    reason,
    note: reason === null ? null : noteOf(reason),
    attempts,
  }
}

/** The note for a reason; null for `blocked`, whose note names the blocking sessions. */
function noteOf(reason: StepReason): string | null {
  switch (reason.code) {
    case 'already_done':
      return 'already done'
    case 'done_meanwhile':
      return 'done by another process'
    case 'done_before_connection_loss':
      return 'done before the connection was lost'
    case 'needs':
      return `needs ${reason.step}`
    case 'refused':
      return `refused: known defect ${reason.hazard}`
    case 'cancelled':
      return 'cancelled'
    case 'outcome_unknown':
      return 'the connection was lost: the step may or may not have been done'
    case 'no_privilege':
      return reason.grant === undefined
        ? 'connect as the owner of the table, or name it as `role` of the target'
        : `as the owner of the object: ${reason.grant}`
    case 'row_security':
      return rowSecurityAdvice
    case 'node_unreachable':
      return `another server is unreachable, so nothing of this step was done. ${unreachableAdvice}`
    case 'blocked':
      return null
  }
}

/** Whether the catalog already shows the effect of the step. */
export async function isDone(db: Db, step: Step): Promise<boolean> {
  if (step.doneCheck === null) return false
  const [row] = await db.query<{done: boolean}>(step.doneCheck)
  return row?.done === true
}
