import {SqlState} from '../../db/sqlstate.js'

/** The last error of a job of TimescaleDB's scheduler. */
export interface JobError {
  state: string | null
  message: string
}

/**
 * Minor versions of PostgreSQL that refuse to drop a portal "while it is being set up" (15.20 and 17.12 do) refuse that
 * of TimescaleDB's workers, which drop it after their COMMIT: each run then counts as failed although its work is
 * committed. Statements of a session are not affected. Languages other than English translate all but the stem.
 */
export function failedAfterCommit({state, message}: {state: string | null; message: string | null}): boolean {
  return state === SqlState.invalidCursor && /porta/i.test(message ?? '')
}

export function jobErrorText(error: JobError): string {
  const text = `${error.message}${error.state === null ? '' : ` [${error.state}]`}`
  return failedAfterCommit(error) ? `${text}, after the work of the run was committed` : text
}
