import type {Job} from '../config/jobs.js'
import {serverMessage} from '../db/sqlstate.js'
import type {Emit} from '../jobs/events.js'
import type {FinalOutcome, Outcome} from '../jobs/run/outcome.js'
import {runOccurrence} from '../jobs/run/run-occurrence.js'
import type {Claim, ClaimRequest, TakenOver} from '../jobs/store/claims.js'
import type {Identity} from '../jobs/store/ledger.js'
import {sleep, type Timer} from '../units/process-clock.js'
import {longestTimer} from '../units/timer.js'
import type {DatabaseClock} from './database-clock.js'
import type {Dependencies} from './dependencies.js'
import {retiredJob, type JobRegistry} from './job-registry.js'
import type {JobStore} from './job-store.js'
import {ResultWriter, type FinishedRun} from './result-writer.js'
import type {RunSession} from './run-sessions.js'
import type {SlotShare, WorkerSlots} from './worker-slots.js'

export interface WorkerPoolOptions {
  dependencies: Dependencies
  me: Identity
  databaseClock: DatabaseClock
  slots: WorkerSlots
  lease: number
  registry: JobRegistry
  emit: Emit
  skewed(): boolean
  /**
   * Called when a run has ended and its slot is free.
   * @returns whether its result is recorded soon, with the next claim
   */
  onFree(): boolean
  /** Called when a claim was released, to be retried after this many seconds. */
  onRetry(seconds: number): void
}

interface Run {
  claim: Claim | TakenOver
  lost: AbortController
  finished: Promise<void>
  /** The session it runs in; null before it has one. */
  session: RunSession | null
}

/** Milliseconds between two attempts to get a session. */
const sessionPause = 500
/** How often, and after how many milliseconds each, a stopping daemon checks whether the server has ended a step. */
const lastTries = 5
const lastPause = 200

/** Runs the occurrences of this daemon, renews their leases and records their results. */
export class WorkerPool {
  /** By token: this daemon may reclaim an expired claim before its own earlier attempt has noticed the loss. */
  private readonly running = new Map<number, Run>()
  private readonly stopping = new AbortController()
  private readonly cancelling = new AbortController()
  private readonly slots: SlotShare
  private reserved = 0
  /** Whether the last reservation got fewer slots than it wanted; `onFree` is called when one is free. */
  waitsForSlot = false
  private readonly results: ResultWriter
  private readonly heartbeat: Timer
  private beating = false
  private deadline: Timer | undefined
  /** The code of the last failure to get a session that was reported. */
  private sessionFailure: string | null = null

  constructor(private readonly options: WorkerPoolOptions) {
    const {dependencies, emit, lease} = options
    const {clock, store} = dependencies
    this.slots = options.slots.join(() => void options.onFree())
    this.results = new ResultWriter({
      store,
      emit,
      onWritten: (run, outcome) => this.written(run, outcome),
      onUnsettled: (seconds) => options.onRetry(seconds),
    })
    this.heartbeat = clock.every((lease * 1000) / 3, () => void this.renewClaims())
  }

  /**
   * Reserves slots for occurrences that are claimed next; each {@link take} uses one.
   * @returns how many it has reserved, at most `wanted`
   */
  reserve(wanted: number): number {
    this.releaseReserved()
    if (this.stopping.signal.aborted) return 0
    const most = this.options.dependencies.store.server.embedded ? 1 - this.running.size : wanted
    this.reserved = this.slots.take(Math.max(0, Math.min(wanted, most)))
    this.waitsForSlot = this.reserved < wanted
    return this.reserved
  }

  /** Returns the reserved slots that were not used. */
  releaseReserved(): void {
    if (this.reserved > 0) this.slots.give(this.reserved)
    this.reserved = 0
  }

  runningCount(): number {
    return this.running.size
  }

  /** Whether an occurrence of the job is running, or its result is not written yet. */
  isRunning(job: string): boolean {
    return [...this.running.values(), ...this.results.unwritten].some(({claim}) => claim.job === job)
  }

  take(claim: Claim | TakenOver): void {
    this.reserved -= 1
    const job = this.options.registry.get(claim.job)?.job ?? retiredJob(claim.job, 'sql')
    this.options.emit({
      event: 'occurrence_started',
      job: claim.job,
      at: claim.scheduledAt,
      attempt: claim.attempts,
      late: claim.late,
      id: claim.id,
    })
    for (const before of this.running.values()) if (before.claim.id === claim.id) before.lost.abort()
    const run: Run = {claim, lost: new AbortController(), finished: Promise.resolve(), session: null}
    this.running.set(claim.token, run)
    run.finished = this.run(run, job)
  }

  /** Whether results of finished runs are not recorded yet. */
  hasResults(): boolean {
    return this.results.unwritten.length > 0
  }

  /** Whether a run of the job has ended and is not recorded yet. */
  hasResult(job: string): boolean {
    return this.results.unwritten.some(({claim}) => claim.job === job)
  }

  /** Records the results of finished runs. @throws if the connection is lost; other failures are retried later */
  write(): Promise<void> {
    return this.results.write()
  }

  /** Claims, and records in the same transaction the results of finished runs. @throws if neither was recorded */
  claim(requests: readonly ClaimRequest[]): ReturnType<JobStore['claim']> {
    const {dependencies, me, lease} = this.options
    return this.results.writeWith((ended) => dependencies.store.claim(requests, me, lease, ended))
  }

  /** Starts nothing further; running steps are cancelled after `grace` milliseconds. */
  stop(grace: number): void {
    this.stopping.abort()
    const {clock} = this.options.dependencies
    this.deadline?.cancel()
    this.deadline = clock.after(Math.min(grace, longestTimer), () => this.cancelling.abort())
  }

  /** The runs that have not ended or are not recorded, as clauses. */
  left(): string[] {
    return [
      ...[...this.running.values()].map(({claim, session}) => whereabouts(claim.job, session?.backend ?? null)),
      ...this.results.unwritten.map(({claim, outcome}) =>
        whereabouts(claim.job, outcome.kind === 'unsettled' ? outcome.backend : null),
      ),
    ]
  }

  /** Resolves when every run has ended and is recorded, if the server allows it. Call it after the last claim. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.running.values()].map(({finished}) => finished))
    const {clock, sessions} = this.options.dependencies
    this.deadline?.cancel()
    this.heartbeat.cancel()
    for (let tries = 1; tries <= lastTries; tries += 1) {
      await this.write().catch(() => {})
      if (this.results.unwritten.length === 0) break
      await sleep(clock, lastPause)
    }
    this.slots.leave()
    await sessions.close()
  }

  private async renewClaims(): Promise<void> {
    if (this.beating || this.running.size + this.results.unwritten.length === 0) return
    this.beating = true
    const {dependencies, lease} = this.options
    const {store} = dependencies
    try {
      const runs = [...this.running.values()]
      const held = await store.renew(
        [...runs, ...this.results.unwritten].map(({claim}) => claim),
        lease,
      )
      for (const {claim, lost} of runs) if (!held.has(claim.id) && this.running.has(claim.token)) lost.abort()
      const silent = await store.silentBackends(
        runs.flatMap(({session}) => session?.backend ?? []),
        lease,
      )
      for (const {session} of runs) if (session?.backend != null && silent.has(session.backend.pid)) session.abort()
    } catch {
      // The database is unreachable: the fence of the next step checks whether the lease still holds.
    } finally {
      this.beating = false
    }
  }

  private async run(run: Run, job: Job): Promise<void> {
    const {claim} = run
    const {clock} = this.options.dependencies
    const began = clock.monotonic()
    const outcome = outcomeWithoutRetry(claim) ?? (await this.attempt(run, job))
    this.results.unwritten.push({claim, outcome, job, ms: Math.round(clock.monotonic() - began)})
    this.running.delete(claim.token)
    this.slots.give(1)
    // A failure is already reported, and the next round retries.
    if (!this.options.onFree()) await this.write().catch(() => {})
  }

  /** A session for the run; null if the run was stopped or lost, or if none was available for as long as the lease. */
  private async openSession({lost}: Run): Promise<RunSession | null> {
    const {clock, sessions} = this.options.dependencies
    const end = clock.monotonic() + this.options.lease * 1000
    while (!this.stopping.signal.aborted && !lost.signal.aborted && clock.monotonic() < end) {
      try {
        const session = await sessions.acquire()
        this.sessionFailure = null
        return session
      } catch (error) {
        const code = (error as {code?: string}).code ?? ''
        if (this.sessionFailure !== code) this.options.emit({event: 'no_session', error: serverMessage(error)})
        this.sessionFailure = code
        await sleep(clock, sessionPause, this.stopping.signal)
      }
    }
    return null
  }

  private async attempt(run: Run, job: Job): Promise<Outcome> {
    const {me, lease, databaseClock, dependencies, skewed} = this.options
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
        stop: this.stopping.signal,
        cancel: this.cancelling.signal,
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

  private written({claim, job, ms}: FinishedRun, outcome: FinalOutcome): void {
    const {emit, registry, databaseClock, onRetry} = this.options
    if (outcome.kind === 'lost') {
      emit({event: 'claim_lost', job: job.name, at: claim.scheduledAt})
      return
    }
    if (outcome.kind === 'ended') registry.freed(job.name, databaseClock.now())
    if (outcome.kind === 'retry' && !this.stopping.signal.aborted) onRetry(outcome.seconds)
    emit({event: 'occurrence_ended', job: job.name, at: claim.scheduledAt, ms, outcome, claim, kind: job.kind})
  }
}

/** The result of a claim that is not retried: a run by hand whose process died, or one of a paused or removed job. */
function outcomeWithoutRetry(claim: Claim | TakenOver): Outcome | null {
  if (!('claimedBefore' in claim)) return null
  const who = claim.claimedBefore ?? 'a daemon'
  const failed = (error: string): Outcome => ({kind: 'ended', status: 'failed', reason: null, error, detail: null})
  if (claim.scheduledAt === null) return failed(`${who} stopped sending heartbeats while it ran this by hand`)
  if (claim.state === 'active') return null
  return failed(claim.error ?? `${who} stopped sending heartbeats during the run, and the job is now ${claim.state}`)
}

function whereabouts(job: string, backend: {pid: number} | null): string {
  return backend === null ? job : `${job} (server process ${backend.pid})`
}
