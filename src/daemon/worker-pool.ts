import {setTimeout as sleep} from 'node:timers/promises'
import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {serverMessage} from '../db/sqlstate.js'
import type {Emit} from '../jobs/events.js'
import type {JobContext} from '../jobs/kind.js'
import type {FinalOutcome, Outcome} from '../jobs/run/outcome.js'
import {runOccurrence} from '../jobs/run/run-occurrence.js'
import {renew, silentBackends, type Claim, type TakenOver} from '../jobs/store/claims.js'
import type {Identity} from '../jobs/store/ledger.js'
import {longestTimer} from '../units/timer.js'
import type {DatabaseClock} from './database-clock.js'
import {retiredJob, type JobRegistry} from './job-registry.js'
import {sessionPool, type Pool} from './pool.js'
import {ResultWriter, type FinishedRun} from './result-writer.js'
import type {SlotShare, WorkerSlots} from './worker-slots.js'

export interface WorkerPoolOptions {
  control: Database
  me: Identity
  clock: DatabaseClock
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  slots: WorkerSlots
  lease: number
  registry: JobRegistry
  emit: Emit
  skewed(): boolean
  onFree(): void
  /** Called when a claim was released, to be retried after this many seconds. */
  onRetry(seconds: number): void
}

interface Run {
  claim: Claim | TakenOver
  lost: AbortController
  finished: Promise<void>
  /** The session it runs in; null before it has one. */
  db: Database | null
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
  private readonly sessions: Pool
  private readonly slots: SlotShare
  private reserved = 0
  /** Whether the last reservation got fewer slots than it wanted; `onFree` is called when one is free. */
  waitsForSlot = false
  private readonly results: ResultWriter
  private readonly heartbeat: NodeJS.Timeout
  private beating = false
  private deadline: NodeJS.Timeout | undefined
  /** The code of the last failure to get a session that was reported. */
  private sessionFailure: string | null = null

  constructor(private readonly options: WorkerPoolOptions) {
    const {control, emit, lease} = options
    this.sessions = sessionPool(control)
    this.slots = options.slots.join(options.onFree)
    this.results = new ResultWriter({
      control,
      emit,
      onWritten: (run, outcome) => this.written(run, outcome),
      onUnsettled: (seconds) => options.onRetry(seconds),
    })
    this.heartbeat = setInterval(() => void this.renewClaims(), (lease * 1000) / 3)
  }

  /**
   * Reserves slots for occurrences that are claimed next; each {@link take} uses one.
   * @returns how many it has reserved, at most `wanted`
   */
  reserve(wanted: number): number {
    this.releaseReserved()
    if (this.stopping.signal.aborted) return 0
    const most = this.options.control.server.embedded ? 1 - this.running.size : wanted
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
    const run: Run = {claim, lost: new AbortController(), finished: Promise.resolve(), db: null}
    this.running.set(claim.token, run)
    run.finished = this.run(run, job)
  }

  /** Records the results of finished runs. @throws if the connection is lost; other failures are retried later */
  write(): Promise<void> {
    return this.results.write()
  }

  /** Starts nothing further; running steps are cancelled after `grace` milliseconds. */
  stop(grace: number): void {
    this.stopping.abort()
    clearTimeout(this.deadline)
    this.deadline = setTimeout(() => this.cancelling.abort(), Math.min(grace, longestTimer))
  }

  /** The runs that have not ended or are not recorded, as clauses. */
  left(): string[] {
    return [
      ...[...this.running.values()].map(({claim, db}) => whereabouts(claim.job, db?.backend ?? null)),
      ...this.results.unwritten.map(({claim, outcome}) =>
        whereabouts(claim.job, outcome.kind === 'unsettled' ? outcome.backend : null),
      ),
    ]
  }

  /** Resolves when every run has ended and is recorded, if the server allows it. Call it after the last claim. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.running.values()].map(({finished}) => finished))
    clearTimeout(this.deadline)
    clearInterval(this.heartbeat)
    for (let tries = 1; tries <= lastTries; tries += 1) {
      await this.write().catch(() => {})
      if (this.results.unwritten.length === 0) break
      await sleep(lastPause)
    }
    this.slots.leave()
    await this.sessions.close()
  }

  private async renewClaims(): Promise<void> {
    if (this.beating || this.running.size + this.results.unwritten.length === 0) return
    this.beating = true
    const {control, lease} = this.options
    try {
      const runs = [...this.running.values()]
      const held = await renew(
        control,
        [...runs, ...this.results.unwritten].map(({claim}) => claim),
        lease,
      )
      for (const {claim, lost} of runs) if (!held.has(claim.id) && this.running.has(claim.token)) lost.abort()
      const silent = await silentBackends(
        control,
        runs.flatMap(({db}) => db?.backend ?? []),
        lease,
      )
      for (const {db} of runs) if (db?.backend != null && silent.has(db.backend.pid)) db.abort()
    } catch {
      // The database is unreachable: the fence of the next step checks whether the lease still holds.
    } finally {
      this.beating = false
    }
  }

  private async run(run: Run, job: Job): Promise<void> {
    const {claim} = run
    const began = performance.now()
    const outcome = outcomeWithoutRetry(claim) ?? (await this.attempt(run, job))
    this.results.unwritten.push({claim, outcome, job, ms: Math.round(performance.now() - began)})
    this.running.delete(claim.token)
    this.slots.give(1)
    this.options.onFree()
    // A failure is already reported, and the next round retries.
    await this.write().catch(() => {})
  }

  /** A session for the run; null if the run was stopped or lost, or if none was available for as long as the lease. */
  private async openSession({lost}: Run): Promise<Database | null> {
    const end = performance.now() + this.options.lease * 1000
    while (!this.stopping.signal.aborted && !lost.signal.aborted && performance.now() < end) {
      try {
        const db = await this.sessions.acquire()
        this.sessionFailure = null
        return db
      } catch (error) {
        const code = (error as {code?: string}).code ?? ''
        if (this.sessionFailure !== code) this.options.emit({event: 'no_session', error: serverMessage(error)})
        this.sessionFailure = code
        await sleep(sessionPause, undefined, {signal: this.stopping.signal}).catch(() => {})
      }
    }
    return null
  }

  private async attempt(run: Run, job: Job): Promise<Outcome> {
    const {me, lease, clock, context, skewed} = this.options
    const db = await this.openSession(run)
    if (db === null) return {kind: 'retry', seconds: 1, error: null, countsAsAttempt: false}
    run.db = db
    let usable = true
    const giveUp = () => {
      usable = false
      this.sessions.discard(db)
    }
    const outcome = await runOccurrence(
      db,
      job,
      run.claim,
      {
        context,
        silence: lease,
        holder: `${me.actor}, daemon ${me.id}, job ${job.name}`,
        now: () => clock.now(),
        skewed,
        stop: this.stopping.signal,
        cancel: this.cancelling.signal,
        lost: run.lost.signal,
      },
      giveUp,
    )
    run.db = null
    // The session may be the cause: after an update of an extension, a session that loaded the old library fails.
    if (usable && 'error' in outcome && outcome.error !== null) this.sessions.discard(db)
    else if (usable) this.sessions.give(db)
    return outcome
  }

  private written({claim, job, ms}: FinishedRun, outcome: FinalOutcome): void {
    const {emit, registry, clock, onRetry} = this.options
    if (outcome.kind === 'lost') {
      emit({event: 'claim_lost', job: job.name, at: claim.scheduledAt})
      return
    }
    if (outcome.kind === 'ended') registry.freed(job.name, clock.now())
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
