import type {Backend} from '../db/database.js'
import type {Attempt} from '../jobs/run/run-occurrence.js'

/** A session in which one occurrence runs. */
export interface RunSession {
  /** Its server process, as far as it is known. */
  readonly backend: Backend | null
  attempt: Attempt
  /** Returns the session for the next run. */
  give(): void
  /** Closes the session at once, even if a statement is running on it. */
  discard(): void
  /** Destroys the connection: its statement fails as a lost connection. */
  abort(): void
}

/** The sessions for running occurrences; the control session is not among them. */
export interface RunSessions {
  acquire(): Promise<RunSession>
  close(): Promise<void>
}
