import type {Job} from '../config/jobs.js'
import {serverMessage} from '../db/sqlstate.js'
import type {Emit} from '../jobs/events.js'
import type {Outcome} from '../jobs/run/outcome.js'
import {runOccurrence} from '../jobs/run/run-occurrence.js'
import type {Claim, TakenOver} from '../jobs/store/claims.js'
import type {Identity} from '../jobs/store/ledger.js'
import {sleep} from '../units/process-clock.js'
import type {DatabaseClock} from './database-clock.js'
import type {Dependencies} from './dependencies.js'
import type {RunSession} from './run-sessions.js'

/** An occurrence that is running. */
export interface SessionRun {
  claim: Claim | TakenOver
  /** Aborted when another daemon has reclaimed it. */
  lost: AbortController
  /** The session it runs in; null before it has one. */
  session: RunSession | null
}

export interface SessionAttemptsOptions {
  dependencies: Dependencies
  me: Identity
  databaseClock: DatabaseClock
  lease: number
  emit: Emit
  skewed(): boolean
  /** When aborted, running steps complete and no further step starts. */
  stop: AbortSignal
  /** When aborted, running statements are cancelled too. */
  cancel: AbortSignal
}

/** Milliseconds between two attempts to get a session. */
const sessionPause = 500

/** Runs occurrences, each in a session of its own. */
export class SessionAttempts {
  /** The code of the last failure to get a session that was reported. */
  private sessionFailure: string | null = null

  constructor(private readonly options: SessionAttemptsOptions) {}

  /** A session for the run; null if the run was stopped or lost, or if none was available for as long as the lease. */
  private async openSession({lost}: SessionRun): Promise<RunSession | null> {
    const {clock, sessions} = this.options.dependencies
    const end = clock.monotonic() + this.options.lease * 1000
    while (!this.options.stop.aborted && !lost.signal.aborted && clock.monotonic() < end) {
      try {
        const session = await sessions.acquire()
        this.sessionFailure = null
        return session
      } catch (error) {
        const code = (error as {code?: string}).code ?? ''
        if (this.sessionFailure !== code) this.options.emit({event: 'no_session', error: serverMessage(error)})
        this.sessionFailure = code
        await sleep(clock, sessionPause, this.options.stop)
      }
    }
    return null
  }

  /** Makes one attempt at an occurrence in a session of its own. Never throws. */
  async attempt(run: SessionRun, job: Job): Promise<Outcome> {
    const {me, lease, databaseClock, dependencies, skewed, stop, cancel} = this.options
    const session = await this.openSession(run)
    if (session === null) return {kind: 'retry', seconds: 1, error: null, countsAsAttempt: false}
    run.session = session
    let usable = true
    const giveUp = () => {
      usable = false
      session.discard()
    }
    const outcome = await runOccurrence(
      session,
      job,
      run.claim,
      {
        clock: dependencies.clock,
        silence: lease,
        holder: `${me.actor}, daemon ${me.id}, job ${job.name}`,
        now: () => databaseClock.now(),
        skewed,
        stop,
        cancel,
        lost: run.lost.signal,
      },
      giveUp,
    )
    run.session = null
    // The session may be the cause: after an update of an extension, a session that loaded the old library fails.
    if (usable && 'error' in outcome && outcome.error !== null) session.discard()
    else if (usable) session.give()
    return outcome
  }
}
