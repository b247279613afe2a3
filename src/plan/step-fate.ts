import type {Db} from '../db/database.js'
import type {Step, StepReport} from './step.js'

/** A report without figures, to be filled. */
export function fate(step: Step, status: StepReport['status'], attempts: number): StepReport {
  return {id: step.id, status, ms: null, bytes: null, error: null, note: null, attempts}
}

/** Whether the catalogue already shows what the step is for. */
export async function isDone(db: Db, step: Step): Promise<boolean> {
  if (step.doneCheck === null) return false
  const [row] = await db.query<{done: boolean}>(step.doneCheck)
  return row?.done === true
}
