import {setMaxListeners} from 'node:events'
import type {Job} from '../config/jobs.js'
import {outcomeWithoutRetry, type FinalOutcome, type Outcome} from '../jobs/run/outcome.js'
import type {Claim, ClaimRequest, TakenOver} from '../jobs/store/claims.js'
import {sleep, type Timer} from '../units/process-clock.js'
import {longestTimer} from '../units/timer.js'
import {retiredJob, type JobRegistry} from './job-registry.js'
import type {JobStore} from './job-store.js'
import {ResultWriter, type FinishedRun} from './result-writer.js'
import {SessionAttempts, type SessionAttemptsOptions, type SessionRun} from './session-attempts.js'
import {WaitingClaims} from './waiting-claims.js'
import type {SlotShare, WorkerSlots} from './worker-slots.js'

export interface WorkerPoolOptions extends Omit<SessionAttemptsOptions, 'stop' | 'cancel'> {
  slots: WorkerSlots
  registry: JobRegistry
  /**
   * Called when a run has ended and its slot is free.
   * @returns whether its result is recorded soon, with the next claim
   */
  onFree(): boolean
  /** Called when a claim was released, to be retried after this many seconds. */
  onRetry(seconds: number): void
}

interface Run extends SessionRun {
  /** Seconds between the claim and the start. */
  waited: number
  finished: Promise<void>
}

/** How often, and after how many milliseconds each, a stopping daemon checks whether the server has ended a step. */
const lastTries = 5
const lastPause = 200

/** Milliseconds that a result waits for others while claims wait: each write costs as much as starting a run. */
const collectFor = 20

/** Runs the occurrences of this daemon, renews their leases and records their results. */
export class WorkerPool {
  /** By token: this daemon may reclaim an expired claim before its own earlier attempt has noticed the loss. */
  private readonly running = new Map<number, Run>()
  private readonly stopping = new AbortController()
  private readonly cancelling = new AbortController()
  private readonly slots: SlotShare
  private reserved = 0
  /** Whether the last reservation got fewer places than it wanted; `onFree` is called when there are more. */
  waitsForSlot = false
  private readonly waiting: WaitingClaims
  private readonly results: ResultWriter
  /** Set while results wait for others. */
  private collecting: Timer | undefined
  private readonly heartbeat: Timer
  private beating = false
  private deadline: Timer | undefined
  private readonly attempts: SessionAttempts

  constructor(private readonly options: WorkerPoolOptions) {
    const {dependencies, emit, lease} = options
    const {clock, store} = dependencies
    this.slots = options.slots.join(() => {
      if (this.waiting.size === 0) options.onFree()
      else this.startWaiting()
    })
    this.waiting = new WaitingClaims(clock, (claims) => {
      this.giveBack(claims)
      if (!this.tellSoon()) void this.write().catch(() => {})
    })
    this.results = new ResultWriter({
      store,
      emit,
      monotonic: () => clock.monotonic(),
      onWritten: (run, outcome) => this.written(run, outcome),
      onUnsettled: (seconds) => options.onRetry(seconds),
    })
    const {signal: stop} = this.stopping
    // Every run listens to both: with six workers Node would print a warning of a leak.
    setMaxListeners(0, stop, this.cancelling.signal)
    this.attempts = new SessionAttempts({...options, stop, cancel: this.cancelling.signal})
    this.heartbeat = clock.every((lease * 1000) / 3, () => void this.renewClaims())
  }

  /**
   * Reserves places for occurrences that are claimed next; each {@link take} uses one. A place is a slot, or for short
   * jobs one among the claims that wait for a slot.
   * @param ahead the jobs that may be claimed before a slot is free, in order
   * @returns how many it has reserved, at most `wanted`
   */
  reserve(wanted: number, ahead: readonly string[] = []): number {
    this.releaseReserved()
    if (this.stopping.signal.aborted) return 0
    const {embedded} = this.options.dependencies.store.server
    const most = embedded ? 1 - this.running.size : wanted
    if (this.waiting.size === 0) this.reserved = this.slots.take(Math.max(0, Math.min(wanted, most)))
    const busy = [...this.running.values()].map(({claim}) => claim.job)
    const got = embedded ? this.reserved : this.waiting.room(ahead, busy, this.reserved)
    this.waitsForSlot = got < wanted
    return got
  }

  /** Returns the reserved slots that were not used. */
  releaseReserved(): void {
    if (this.reserved > 0) this.slots.give(this.reserved)
    this.reserved = 0
    this.startWaiting()
  }

  runningCount(): number {
    return this.running.size
  }

  /** Whether an occurrence of the job is running, or its result is not written yet. */
  isRunning(job: string): boolean {
    return this.held().some((claim) => claim.job === job)
  }

  /** Starts a claimed occurrence in a reserved slot; without one it waits. */
  take(claim: Claim | TakenOver): void {
    if (this.reserved === 0) {
      this.waiting.add(claim)
    } else {
      this.reserved -= 1
      this.start(claim, 0)
    }
  }

  /** Every claim that this daemon holds, as far as it knows. */
  private held(): (Claim | TakenOver)[] {
    return [...this.waiting.all(), ...[...this.running.values(), ...this.results.unwritten].map(({claim}) => claim)]
  }

  private startWaiting(): void {
    if (this.waiting.size === 0) return
    if (this.stopping.signal.aborted) {
      this.giveBack(this.waiting.remove())
      return
    }
    for (let free = this.slots.take(this.waiting.size); free > 0; free -= 1) {
      const {claim, waited} = this.waiting.next()!
      this.start(claim, waited)
    }
  }

  /** Releases claims whose run has not begun. */
  private giveBack(claims: readonly Claim[]): void {
    const endedAt = this.options.dependencies.clock.monotonic()
    for (const claim of claims) {
      const outcome: Outcome = {kind: 'retry', seconds: 0, error: null, countsAsAttempt: false}
      this.results.unwritten.push({claim, outcome, job: this.jobOf(claim), ms: 0, waited: 0, endedAt})
    }
  }

  private jobOf({job}: Claim): Job {
    return this.options.registry.get(job)?.job ?? retiredJob(job, 'sql')
  }

  /** @param waited seconds between the claim and now */
  private start(claim: Claim | TakenOver, waited: number): void {
    this.options.emit({
      event: 'occurrence_started',
      job: claim.job,
      at: claim.scheduledAt,
      attempt: claim.attempts,
      late: claim.late,
      id: claim.id,
    })
    for (const before of this.running.values()) if (before.claim.id === claim.id) before.lost.abort()
    const run: Run = {claim, waited, lost: new AbortController(), finished: Promise.resolve(), session: null}
    this.running.set(claim.token, run)
    run.finished = this.run(run, this.jobOf(claim))
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
    this.startWaiting()
  }

  /** The runs that have not ended or are not recorded, as clauses. */
  left(): string[] {
    return [
      ...this.waiting.all().map(({job}) => job),
      ...[...this.running.values()].map(({claim, session}) => whereabouts(claim.job, session?.backend ?? null)),
      ...this.results.unwritten.map(({claim, outcome}) =>
        whereabouts(claim.job, outcome.kind === 'unsettled' ? outcome.backend : null),
      ),
    ]
  }

  /** Resolves when every run has ended and is recorded, if the server allows it. Call it after the last claim. */
  async drain(): Promise<void> {
    this.startWaiting()
    await Promise.allSettled([...this.running.values()].map(({finished}) => finished))
    const {clock, sessions} = this.options.dependencies
    this.deadline?.cancel()
    this.collecting?.cancel()
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
    const claims = this.held()
    if (this.beating || claims.length === 0) return
    this.beating = true
    const {dependencies, lease} = this.options
    const {store} = dependencies
    try {
      const runs = [...this.running.values()]
      const held = await store.renew(claims, lease)
      const gone = new Set(claims.filter(({id}) => !held.has(id)))
      for (const {job, scheduledAt: at} of this.waiting.remove((claim) => gone.has(claim)))
        this.options.emit({event: 'claim_lost', job, at})
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
    const outcome = outcomeWithoutRetry(claim) ?? (await this.attempts.attempt(run, job))
    const endedAt = clock.monotonic()
    const ms = Math.round(endedAt - began)
    this.results.unwritten.push({claim, outcome, job, ms, waited: run.waited, endedAt})
    this.waiting.ended(job.name, endedAt - began)
    this.running.delete(claim.token)
    this.slots.give(1)
    this.startWaiting()
    // A failure is already reported, and the next round retries.
    if (!this.tellSoon()) await this.write().catch(() => {})
  }

  /**
   * Calls `onFree`, soon while claims wait, so that the results of the next runs are recorded together.
   * @returns false if the result must be recorded now
   */
  private tellSoon(): boolean {
    const enough = this.waitsForSlot ? this.running.size : 0
    if (this.waiting.size <= enough) return this.options.onFree()
    this.collecting ??= this.options.dependencies.clock.after(collectFor, () => {
      this.collecting = undefined
      if (!this.options.onFree()) void this.write().catch(() => {})
    })
    return true
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

function whereabouts(job: string, backend: {pid: number} | null): string {
  return backend === null ? job : `${job} (server process ${backend.pid})`
}
