import type {Job} from '../config/jobs.js'
import {serverMessage, sqlState} from '../db/sqlstate.js'
import type {Emit} from '../jobs/events.js'
import type {FinalOutcome, Outcome, Unsettled} from '../jobs/run/outcome.js'
import {settle} from '../jobs/run/settle.js'
import type {Claim} from '../jobs/store/claims.js'
import type {EndedClaim} from '../jobs/store/results.js'
import type {JobStore} from './job-store.js'
import {isConnectionError} from './reconnect.js'

/** A run whose result is not in the ledger yet. */
export interface FinishedRun {
  claim: Claim
  outcome: Outcome
  job: Job
  ms: number
  /** Seconds between the claim and the start. */
  waited: number
  /** When it ended, by the process's monotonic clock. */
  endedAt: number
  /** The SQLSTATE of the last write failure that was reported. */
  reported?: string
}

export interface ResultWriterOptions {
  store: JobStore
  emit: Emit
  monotonic(): number
  /** Called when a result is in the ledger, or another daemon has the claim. */
  onWritten(run: FinishedRun, outcome: FinalOutcome): void
  /** Called if a run is still running in the server: it must be checked again after this many seconds. */
  onUnsettled(seconds: number): void
}

/**
 * Writes results into the ledger, in batches: those that finish during a write go into the next one. They travel with
 * the next claim if there is one.
 */
export class ResultWriter {
  readonly unwritten: FinishedRun[] = []
  private writing: Promise<void> | null = null
  /** The statement that results travel with at the moment. */
  private message: Promise<unknown> | null = null

  constructor(private readonly options: ResultWriterOptions) {}

  /** @throws if the connection is lost; other failures are retried with the next call */
  write(): Promise<void> {
    return (this.writing ??= this.writeAll().finally(() => (this.writing = null)))
  }

  /**
   * Sends the results of runs that have ended with another statement, in its transaction.
   * @param send rejects if neither was written: the results are then written with the next call
   */
  async writeWith<T extends {finished: ReadonlySet<number>}>(
    send: (ended: readonly EndedClaim[]) => Promise<T>,
  ): Promise<T> {
    while (this.writing !== null) await this.writing.catch(() => {})
    const runs = this.unwritten.filter(({outcome}) => outcome.kind === 'ended')
    const sent = send(runs.flatMap((run) => this.endedOf(run)))
    this.message = sent
    try {
      const result = await sent
      for (const run of runs)
        this.written(run, result.finished.has(run.claim.id) ? (run.outcome as FinalOutcome) : {kind: 'lost'})
      return result
    } finally {
      this.message = null
    }
  }

  private async writeAll(): Promise<void> {
    await this.message?.catch(() => {})
    const tried = new Set<FinishedRun>()
    for (;;) {
      const runs = this.unwritten.filter((run) => !tried.has(run))
      if (runs.length === 0) return
      for (const run of runs) tried.add(run)
      // One result that cannot be written must not block the others.
      const held = await this.options.store
        .finishAll(runs.flatMap((run) => this.endedOf(run)))
        .catch((error: unknown) => {
          if (isConnectionError(error)) this.failed(error, runs)
          return null
        })
      for (const run of runs) await this.writeOne(run, held).catch((error: unknown) => this.failed(error, [run]))
    }
  }

  /** Reports a failure once for each SQLSTATE. @throws if the connection is lost */
  private failed(error: unknown, runs: readonly FinishedRun[]): void {
    const code = sqlState(error) ?? ''
    for (const run of runs) {
      if (run.reported !== code)
        this.options.emit({event: 'result_write_failed', job: run.job.name, error: serverMessage(error)})
      run.reported = code
    }
    if (isConnectionError(error)) throw error
  }

  /** @param held ids of the claims whose result was written with the batch; null if the batch failed */
  private async writeOne(run: FinishedRun, held: ReadonlySet<number> | null): Promise<void> {
    const {outcome} = run
    if (outcome.kind === 'unsettled') return this.settleLater(run, outcome)
    this.written(run, (await this.isWritten(run, outcome, held)) ? outcome : {kind: 'lost'})
  }

  /** False if another daemon has the claim. */
  private async isWritten(run: FinishedRun, outcome: FinalOutcome, held: ReadonlySet<number> | null): Promise<boolean> {
    const {store} = this.options
    if (outcome.kind === 'lost') return false
    if (outcome.kind === 'retry') return store.release(run.claim, outcome)
    return (held ?? (await store.finishAll(this.endedOf(run)))).has(run.claim.id)
  }

  /** Checked again every second until the server has ended the step. */
  private async settleLater(run: FinishedRun, unsettled: Unsettled): Promise<void> {
    const {claim, job} = run
    const settled = await settle(this.options.store, job, claim, unsettled)
    if (settled.state === 'lost') return this.written(run, {kind: 'lost'})
    if (settled.state === 'written') return this.written(run, settled.outcome)
    if (run.reported !== 'at work')
      this.options.emit({
        event: 'occurrence_hangs',
        job: job.name,
        at: claim.scheduledAt,
        pid: unsettled.backend?.pid ?? null,
        error: hangMessage(unsettled.failed),
      })
    run.reported = 'at work'
    this.options.onUnsettled(1)
  }

  private endedOf({claim, outcome, waited, endedAt}: FinishedRun): EndedClaim[] {
    if (outcome.kind !== 'ended') return []
    return [{...outcome, claim, waited, ago: Math.round(this.options.monotonic() - endedAt) / 1000}]
  }

  private written(run: FinishedRun, outcome: FinalOutcome): void {
    this.unwritten.splice(this.unwritten.indexOf(run), 1)
    this.options.onWritten(run, outcome)
  }
}

function hangMessage(failed: FinalOutcome): string {
  return ('error' in failed ? failed.error : null) ?? 'its step did not end when it was cancelled'
}
