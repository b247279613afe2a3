import {serverMessage, sqlState} from '../db/sqlstate.js'
import type {Emit} from '../jobs/events.js'
import type {ProcessClock} from '../units/process-clock.js'
import {troubleOf, type Trouble} from './trouble.js'

/** The key for the ledger as a whole; every other key is the name of a job. */
const ledger = ''

/** Failures of the ledger as a whole or for one job. Each is reported once when it starts and once when it ends. */
export class LedgerTrouble {
  private readonly trouble: Trouble

  constructor(
    private readonly emit: Emit,
    clock: ProcessClock,
    random: () => number,
  ) {
    this.trouble = troubleOf(clock, random)
  }

  /** @param job null for the ledger as a whole */
  failed(job: string | null, error: unknown, report = true): void {
    const message =
      job === null
        ? `the ledger cannot be read or written: ${serverMessage(error)}`
        : `${job}: the run cannot be recorded in the ledger: ${serverMessage(error)}`
    if (this.trouble.failed(job ?? ledger, sqlState(error) ?? '', message) && report)
      this.emit({event: 'poll_failed', error: message})
  }

  /** @param reported whether the failure was reported */
  worked(job: string | null, reported: boolean): void {
    const seconds = this.trouble.worked(job ?? ledger)
    if (seconds !== null && reported) this.emit({event: 'ledger_works', seconds, ...(job !== null && {job})})
  }

  fails(job: string | null): boolean {
    return this.trouble.fails(job ?? ledger)
  }

  /** Milliseconds until the next attempt; 0 if it may be made now. */
  wait(job: string | null): number {
    return this.trouble.wait(job ?? ledger)
  }

  /** The current failures as clauses; empty if there is none. */
  messages(): string[] {
    return this.trouble.messages(ledger)
  }
}
