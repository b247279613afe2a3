import {serverMessage, sqlState} from '../db/sqlstate.js'
import type {Emit} from '../jobs/events.js'
import {troubleOf} from './trouble.js'

/** The ledger as a whole, among what fails; everything else there is a job. */
const ledger = ''

/** Failures of the ledger, as a whole or for one job: each is reported once, and once more when it is over. */
export class LedgerTrouble {
  private readonly trouble = troubleOf()

  constructor(private readonly emit: Emit) {}

  /** @param job null: the ledger as a whole */
  failed(job: string | null, error: unknown, report = true): void {
    const message =
      job === null
        ? `the ledger cannot be read or written: ${serverMessage(error)}`
        : `${job}: the ledger refuses the run: ${serverMessage(error)}`
    if (this.trouble.failed(job ?? ledger, sqlState(error) ?? '', message) && report)
      this.emit({event: 'poll_failed', error: message})
  }

  /** @param reported whether the failure was */
  worked(job: string | null, reported: boolean): void {
    const seconds = this.trouble.worked(job ?? ledger)
    if (seconds !== null && reported) this.emit({event: 'ledger_works', seconds, ...(job !== null && {job})})
  }

  fails(job: string | null): boolean {
    return this.trouble.fails(job ?? ledger)
  }

  /** Milliseconds until it may be tried again; 0 for at once. */
  wait(job: string | null): number {
    return this.trouble.wait(job ?? ledger)
  }

  /** What the ledger refuses, as sentences; empty where it takes everything. */
  messages(): string[] {
    return this.trouble.messages(ledger)
  }
}
