import type {Db} from '../db/database.js'
import type {Step, StepReason, StepReport} from './step.js'

/** A report without figures, to be filled. A reason brings its note. */
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

/** A reason in words; who blocked a step is known only where it was tried. */
function noteOf(reason: StepReason): string | null {
  switch (reason.code) {
    case 'already_done':
      return 'already done'
    case 'done_meanwhile':
      return 'done meanwhile'
    case 'done_before_connection_loss':
      return 'done before the connection was lost'
    case 'needs':
      return `needs ${reason.step}`
    case 'cancelled':
      return 'cancelled'
    case 'outcome_unknown':
      return 'the connection was lost: it may or may not have been done'
    case 'no_privilege':
      return 'connect as the owner of the table, or name it as `role` of the target'
    case 'blocked':
      return null
  }
}

/** Whether the catalogue already shows what the step is for. */
export async function isDone(db: Db, step: Step): Promise<boolean> {
  if (step.doneCheck === null) return false
  const [row] = await db.query<{done: boolean}>(step.doneCheck)
  return row?.done === true
}
