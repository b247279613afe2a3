import type {Job} from '../../config/jobs.js'
import type {Backend} from '../../db/database.js'
import {isConnectionLost} from '../../db/sqlstate.js'
import {ExitCode, OpsError} from '../../errors.js'
import type {Progress} from '../../run/run-step.js'
import type {LockWait} from '../../run/lock-wait.js'
import type {ProcessClock, Timer} from '../../units/process-clock.js'
import {longestTimer} from '../../units/timer.js'
import {inWindow} from '../../schedule/due.js'
import type {Claim, TakenOver} from '../store/claims.js'
import {
  failure,
  outcomeOf,
  longerWords,
  wordsOf,
  type FinalOutcome,
  type Outcome,
  type StepAtWork,
  type OccurrenceResult,
  type TryState,
} from './outcome.js'

/** Runs the steps of an occurrence. @throws OpsError CLAIM_LOST after it has called `at.lost` */
export type Attempt = (
  job: Job,
  claim: Claim | TakenOver,
  options: AttemptOptions,
  at: AtWork,
) => Promise<OccurrenceResult>

export interface AttemptOptions {
  /** Seconds after which the server ends a transaction whose daemon is silent. */
  silence: number
  holder: string
  /** How long a plan waits for the lock of another run; 10 s by default. */
  lockWait?: LockWait | undefined
  /** The time by which schedules are evaluated, in milliseconds since 1970. */
  now(): number
  /** Whether this machine's clock and the server's differ too much to drop data by them. */
  skewed(): boolean
  /** When aborted, the running step completes and no further step starts. */
  stop: AbortSignal
  /** When aborted, the running statement is cancelled in the server too. */
  cancel: AbortSignal
  onProgress?: (progress: Progress) => void
}

export interface OccurrenceOptions extends AttemptOptions {
  clock: ProcessClock
  /** Aborted when another daemon has reclaimed the occurrence. */
  lost: AbortSignal
}

/** The step that is running now, in case it must be abandoned. */
export interface AtWork {
  /** Whether the session was usable at the start: before that, a lost connection is not a failure of the job. */
  begun: boolean
  step: StepAtWork | null
  backend: Backend | null
  /** To be called if another daemon has reclaimed the occurrence. */
  lost(): void
}

/** The session of an occurrence. */
export interface OccurrenceSession {
  readonly backend: Backend | null
  attempt: Attempt
}

/** Milliseconds for a cancelled statement to end before its connection is closed. */
const cancelGrace = 10_000
/** The same while the daemon stops. */
const stopGrace = 1_000
/** The session was not usable from the start: the occurrence is released, and the attempt does not count. */
const notBegun: FinalOutcome = {kind: 'retry', seconds: 1, error: null, countsAsAttempt: false}
/** How often the window is checked, in milliseconds. */
const windowCheck = 5_000

/**
 * Makes one attempt at an occurrence. Never throws and always resolves: a hanging statement is abandoned together with
 * its connection.
 * @param giveUp called if the connection must not be used again
 */
export async function runOccurrence(
  session: OccurrenceSession,
  job: Job,
  claim: Claim | TakenOver,
  options: OccurrenceOptions,
  giveUp: () => void,
): Promise<Outcome> {
  const stop = linked(options.stop)
  const cancel = linked(options.cancel)
  const state: TryState = {lost: false, timedOut: false, windowClosed: false}
  const {clock} = options
  const timeout = clock.after(Math.min(job.timeout, longestTimer), () => {
    state.timedOut = true
    stop.abort()
    cancel.abort()
  })
  const closes = job.window !== null && claim.scheduledAt !== null
  const onWindow = () => {
    if (inWindow(job.window, job.timezone, options.now())) return
    state.windowClosed = true
    stop.abort()
  }
  const window = closes ? clock.every(windowCheck, onWindow) : null
  const lost = () => {
    state.lost = true
    stop.abort()
  }
  const takenAway = () => {
    lost()
    cancel.abort()
  }
  options.lost.addEventListener('abort', takenAway)
  const run = {...options, stop: stop.signal, cancel: cancel.signal}
  const stopped = (): FinalOutcome | null =>
    options.cancel.aborted && !state.timedOut ? {kind: 'retry', seconds: 0, error: null, countsAsAttempt: false} : null
  const hangs = [timeoutAfter(clock, cancel.signal, cancelGrace), timeoutAfter(clock, options.cancel, stopGrace)]
  const at: AtWork = {begun: false, step: null, backend: null, lost}
  try {
    return await Promise.race([
      session.attempt(job, claim, run, at).then(
        (result) => outcomeOf(job, claim, result, state, options.stop.aborted),
        (error: unknown): Outcome => {
          if (state.lost) return {kind: 'lost'}
          if (!at.begun && !state.timedOut && isUnreachable(error)) return notBegun
          return stopped() ?? failure(job, claim, wordsOf(error, job, state.timedOut), error)
        },
      ),
      Promise.race(hangs.map(({over}) => over)).then((): Outcome => {
        const backend = at.backend ?? session.backend
        giveUp()
        const failed = state.lost
          ? {kind: 'lost' as const}
          : (stopped() ?? failure(job, claim, `${longerWords(job)} and did not end when it was cancelled`, null))
        return {kind: 'unsettled', failed, step: at.step, backend}
      }),
    ])
  } finally {
    for (const hang of hangs) hang.release()
    options.lost.removeEventListener('abort', takenAway)
    timeout.cancel()
    window?.cancel()
    stop.release()
    cancel.release()
  }
}

function isUnreachable(error: unknown): boolean {
  return isConnectionLost(error) || (error instanceof OpsError && error.exitCode === ExitCode.cannotConnect)
}

/** A controller that is aborted with a signal; `release` removes the listener. */
function linked(signal: AbortSignal): {signal: AbortSignal; abort(): void; release(): void} {
  const controller = new AbortController()
  const follow = () => controller.abort()
  if (signal.aborted) controller.abort()
  signal.addEventListener('abort', follow)
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    release: () => signal.removeEventListener('abort', follow),
  }
}

/** `over` resolves some milliseconds after the signal is aborted; `release` removes timer and listener. */
function timeoutAfter(
  clock: ProcessClock,
  signal: AbortSignal,
  milliseconds: number,
): {over: Promise<void>; release(): void} {
  let timer: Timer | undefined
  let wait = () => {}
  const over = new Promise<void>((resolve) => {
    wait = () => void (timer = clock.after(milliseconds, resolve))
    if (signal.aborted) wait()
    else signal.addEventListener('abort', wait)
  })
  return {
    over,
    release() {
      timer?.cancel()
      signal.removeEventListener('abort', wait)
    },
  }
}
