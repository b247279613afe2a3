import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import type {Emit} from '../jobs/events.js'
import type {JobContext} from '../jobs/kind.js'
import {reclaimExpired, type TakenOver} from '../jobs/store/claims.js'
import {heartbeat, type Heartbeat} from '../jobs/store/daemons.js'
import {readJobs} from '../jobs/store/ledger-jobs.js'
import type {Identity} from '../jobs/store/ledger.js'
import {longestTimer} from '../units/timer.js'
import {alarmClock} from './alarm.js'
import {claimDue, dueRequests, type ClaimDueOptions} from './claim-due.js'
import {watchCron} from './cron-watch.js'
import type {DatabaseClock} from './database-clock.js'
import {createJobRegistry, type RegistryEntry, type JobRegistry} from './job-registry.js'
import {LedgerTrouble} from './ledger-trouble.js'
import {WorkerPool} from './worker-pool.js'

export interface SchedulerOptions {
  /** The session that speaks to the ledger; occurrences have others. */
  control: Database
  jobs: readonly Job[]
  me: Identity
  clock: DatabaseClock
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  workers: number
  /** Seconds that a daemon may be silent before its claims are taken over. */
  lease: number
  /** Milliseconds after which it looks even where it expects nothing: clocks jump and machines sleep. */
  poll: number
  emit: Emit
  skewed(): boolean
  sawOnlyReplica(instant: number): boolean
  /** After every look at the ledger. */
  onHello(heartbeat: Heartbeat): void
  /** What is wrong with pg_cron, where it is a runner: after every look. */
  onCron(problems: readonly string[]): void
  /** The database is away or read-only: comes back when it is there again. Rethrows what is neither. */
  recover(error: unknown): Promise<void>
}

/** A job that waits for another daemon's run is looked at this often, in milliseconds. */
const waitingCheck = 2_000

/** What is due is read from the ledger; the one timer only says when to look. */
export class Scheduler {
  readonly registry: JobRegistry
  readonly workerPool: WorkerPool
  private readonly alarm = alarmClock()
  private readonly trouble: LedgerTrouble
  private readonly claiming: ClaimDueOptions
  /** Jobs that another daemon has advanced. */
  private readonly stale = new Set<string>()
  /** Jobs that wait for another daemon's run. */
  private readonly waiting = new Set<string>()
  /** How often in a row stale jobs were read. */
  private staleReads = 0
  /** By performance.now(), as all times here. */
  private lookedAt = -Infinity
  private roundAt = performance.now()
  private turnAt = performance.now()
  private nextLease: number | null = null
  private stopping = false
  private loop: Promise<void> | undefined
  /** Called after the next look at the ledger. */
  private checks: (() => void)[] = []

  constructor(private readonly options: SchedulerOptions) {
    const {control, jobs, me, lease, emit, sawOnlyReplica} = options
    const onAside = (job: string, reason: string) => emit({event: 'job_ignored', job, reason})
    this.registry = createJobRegistry(jobs, onAside, sawOnlyReplica)
    this.workerPool = new WorkerPool({
      ...options,
      onFree: () => this.alarm.ring(),
      onAgain: (seconds) => this.remind(seconds),
      registry: this.registry,
    })
    this.trouble = new LedgerTrouble(emit)
    const {registry, workerPool, trouble} = this
    const onStale = (job: string) => void this.stale.add(job)
    this.claiming = {control, me, lease, registry, workerPool, trouble, emit, onStale}
    control.onLost(() => {
      this.lookedAt = -Infinity
      this.alarm.ring()
    })
  }

  /** performance.now() of the last round that went through. */
  get lastRound(): number {
    return this.roundAt
  }

  /**
   * performance.now() when it last began a round, or waited before the next: where this stands still, so does the loop.
   */
  get lastTurn(): number {
    return this.turnAt
  }

  /** What the ledger refuses, as sentences; empty where it takes everything. */
  refusals(): string[] {
    return this.trouble.messages()
  }

  /** Looks at the ledger now, unless it has within so many milliseconds; resolves when it has, or failed to. */
  async check(maxAge: number): Promise<void> {
    if (this.stopping || performance.now() - this.lookedAt < maxAge) return
    this.lookedAt = -Infinity
    await new Promise<void>((resolve) => {
      this.checks.push(resolve)
      this.alarm.ring()
    })
  }

  /** Until {@link stop}. */
  run(): Promise<void> {
    return (this.loop ??= this.runRounds())
  }

  /** Begins nothing any more, lets running steps finish within so many milliseconds, gives the rest back. */
  async stop(grace: number): Promise<void> {
    this.stopping = true
    this.workerPool.stop(grace)
    this.alarm.ring()
    // A claim may be on its way: what it brings is given back with the rest.
    await this.loop
    await this.workerPool.drain()
  }

  private async runRounds(): Promise<void> {
    while (!this.stopping) {
      try {
        await this.round()
        await this.alarm.sleep(this.untilNext())
      } catch (error) {
        if (this.stopping) return
        await this.options.recover(error).catch((unknown: unknown) => this.pauseAfter(unknown))
        this.lookedAt = -Infinity
      }
    }
  }

  /** The ledger failed while the server was there: waits before the next round. */
  private async pauseAfter(error: unknown): Promise<void> {
    this.trouble.failed(null, error)
    this.answerChecks()
    // It may be the session's fault: one that loaded an extension before its update can do nothing any more.
    await this.options.control.reconnect().catch(() => {})
    for (let wait = this.trouble.wait(null); wait > 0 && !this.stopping; wait = this.trouble.wait(null)) {
      this.turnAt = performance.now()
      await this.alarm.sleep(Math.min(wait, waitingCheck))
    }
  }

  private async round(): Promise<void> {
    this.turnAt = performance.now()
    for (const name of this.waiting) this.stale.add(name)
    this.waiting.clear()
    await this.workerPool.write()
    if (performance.now() - this.lookedAt >= this.options.poll) {
      await this.look()
      await this.reclaim()
      for (const {state} of this.registry.entries())
        if (state?.leaseSeconds != null && !this.workerPool.isRunning(state.name)) this.remind(state.leaseSeconds)
    } else if (this.nextLease !== null && performance.now() >= this.nextLease) {
      await this.reclaim()
    }
    await this.readStale()
    await this.claimWhatIsDue()
    this.roundAt = performance.now()
    // Where jobs are refused, one of them tells when that is over.
    if (!this.options.jobs.some(({name}) => this.trouble.fails(name))) this.trouble.worked(null, true)
    this.answerChecks()
  }

  /** One look at the whole ledger: the heartbeat, every job, and pg_cron. */
  private async look(): Promise<void> {
    const {control, me, clock, emit, onHello, onCron} = this.options
    const asked = performance.now()
    const answer = await heartbeat(control, me)
    const drift = clock.set(answer.now, asked, performance.now())
    if (Math.abs(drift) > 1_000) emit({event: 'clock_jump', seconds: drift / 1000})
    onHello(answer)
    this.registry.read(await readJobs(control), true)
    onCron(await watchCron(control, this.registry.entries()))
    this.lookedAt = performance.now()
    this.stale.clear()
  }

  private async reclaim(): Promise<void> {
    this.nextLease = null
    const {control, jobs, me, lease} = this.options
    if (this.workerPool.availableSlots() === 0) return this.remind(1)
    const names = jobs.map(({name}) => name)
    for (const taken of await reclaimExpired(control, names, me, lease, this.workerPool.availableSlots())) {
      this.tellReclaimed(taken)
      this.workerPool.take(taken)
    }
  }

  private tellReclaimed({job, scheduledAt: at, attempts: attempt, error, claimedBefore: from}: TakenOver): void {
    this.options.emit(
      from === null ? {event: 'retried', job, at, attempt, error} : {event: 'reclaimed', job, at, from, attempt, error},
    )
  }

  /** After so many seconds there may be something to reclaim. */
  private remind(seconds: number): void {
    const at = performance.now() + Math.max(0, seconds) * 1000 + 10
    this.nextLease = this.nextLease === null ? at : Math.min(this.nextLease, at)
    this.alarm.ring()
  }

  private async readStale(): Promise<void> {
    if (this.stale.size === 0) {
      this.staleReads = 0
      return
    }
    const names = [...this.stale]
    this.stale.clear()
    this.registry.read(await readJobs(this.options.control, names), false)
    this.staleReads += 1
  }

  private async claimWhatIsDue(): Promise<void> {
    for (let turn = 0; turn < 20 && !this.stopping; turn += 1) {
      const requests = dueRequests(this.claiming, this.options.clock.now())
      if (requests.length === 0) break
      await claimDue(this.claiming, requests)
      if (this.stale.size > 0) break
    }
  }

  private answerChecks(): void {
    for (const done of this.checks) done()
    this.checks = []
  }

  /** Milliseconds until there is something to look at. */
  private untilNext(): number {
    if (this.stale.size > 0) return Math.min(waitingCheck, 10 * 2 ** Math.min(this.staleReads, 10))
    const now = this.options.clock.now()
    let wait = this.lookedAt + this.options.poll - performance.now()
    if (this.nextLease !== null) wait = Math.min(wait, this.nextLease - performance.now())
    for (const entry of this.registry.entries()) wait = Math.min(wait, this.entryWait(entry, now))
    return Math.max(1, Math.min(wait, longestTimer))
  }

  private entryWait({job, due, state}: RegistryEntry, now: number): number {
    const {poll} = this.options
    if (due.decision !== null && this.workerPool.availableSlots() === 0) return poll
    if (due.waitingSince !== null && state?.running && !this.workerPool.isRunning(state.name)) {
      this.waiting.add(state.name)
      return waitingCheck
    }
    return due.wakeAt === null ? poll : Math.max(due.wakeAt - now, this.trouble.wait(job.name))
  }
}
