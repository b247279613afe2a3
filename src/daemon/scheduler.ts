import {retryableOf} from '../db/sqlstate.js'
import type {TakenOver} from '../jobs/store/claims.js'
import {longestTimer} from '../units/timer.js'
import {alarmClock} from './alarm.js'
import {claimWhatIsDue, type ClaimDueOptions} from './claim-due.js'
import {createJobRegistry, type RegistryEntry, type JobRegistry} from './job-registry.js'
import {LedgerTrouble} from './ledger-trouble.js'
import {isReadOnly} from './reconnect.js'
import type {SchedulerOptions} from './scheduler-options.js'
import {WorkerPool} from './worker-pool.js'

/** How often a job that waits for another daemon's run is read, in milliseconds. */
const waitingCheck = 2_000

/** Reads what is due from the ledger and claims it. The only timer decides when to poll, not what is due. */
export class Scheduler {
  readonly registry: JobRegistry
  readonly workerPool: WorkerPool
  private readonly alarm: ReturnType<typeof alarmClock>
  private readonly trouble: LedgerTrouble
  private readonly claiming: ClaimDueOptions
  /** Jobs that another daemon has advanced. */
  private readonly stale = new Set<string>()
  /** Jobs that wait for another daemon's run. */
  private readonly waiting = new Set<string>()
  /** Number of consecutive reads of stale jobs. */
  private staleReads = 0
  /** Times are by the process's monotonic clock. */
  private lookedAt = -Infinity
  private roundAt: number
  private turnAt: number
  private nextLease: number | null = null
  /** There was no slot for expired claims and retries: they take the next one that is free, before new runs. */
  private reclaimWaits = false
  /** Whether the timeline of the server that the session is connected to is in the ledger. */
  private timelineNoted = false
  private stopping = false
  /** Rounds follow each other, and each records the results of finished runs. Otherwise a run records its own. */
  private inRounds = false
  private loop: Promise<void> | undefined
  /** Called after the next poll of the ledger. */
  private checks: (() => void)[] = []

  constructor(private readonly options: SchedulerOptions) {
    const {jobs, emit, sawOnlyReplica} = options
    const {clock, random, store} = options.dependencies
    this.alarm = alarmClock(clock)
    this.roundAt = clock.monotonic()
    this.turnAt = this.roundAt
    const onIgnored = (job: string, reason: string) => emit({event: 'job_ignored', job, reason})
    this.registry = createJobRegistry(jobs, onIgnored, sawOnlyReplica)
    this.workerPool = new WorkerPool({
      ...options,
      onFree: () => {
        this.alarm.ring()
        return this.inRounds
      },
      onRetry: (seconds) => this.remind(seconds),
      registry: this.registry,
    })
    this.trouble = new LedgerTrouble(emit, clock, random)
    const {registry, workerPool, trouble} = this
    const onStale = (job: string) => void this.stale.add(job)
    const mayClaimAhead = () => !this.reclaimWaits
    this.claiming = {registry, workerPool, trouble, emit, mayClaimAhead, onStale}
    store.onLost(() => {
      this.timelineNoted = false
      this.lookedAt = -Infinity
      this.alarm.ring()
    })
  }

  /** The process's monotonic clock at the last successful round. */
  get lastRound(): number {
    return this.roundAt
  }

  /**
   * The process's monotonic clock at the last start of a round or of a pause. If it does not advance, the loop is
   * stuck.
   */
  get lastTurn(): number {
    return this.turnAt
  }

  /** The current failures to read or write the ledger, as clauses; empty if there is none. */
  refusals(): string[] {
    return this.trouble.messages()
  }

  /** Polls the ledger now, unless the last poll is more recent than `maxAge` milliseconds. Never rejects. */
  async check(maxAge: number): Promise<void> {
    if (this.stopping || this.monotonic() - this.lookedAt < maxAge) return
    this.lookedAt = -Infinity
    await new Promise<void>((resolve) => {
      this.checks.push(resolve)
      this.alarm.ring()
    })
  }

  /** Runs until {@link stop}. */
  run(): Promise<void> {
    return (this.loop ??= this.runRounds())
  }

  /** Starts nothing further, waits up to `grace` milliseconds for running steps, cancels and releases the rest. */
  async stop(grace: number): Promise<void> {
    this.stopping = true
    this.workerPool.stop(grace)
    this.alarm.ring()
    // A claim may be in progress: its run is released with the rest.
    await this.loop
    await this.workerPool.drain()
  }

  private async runRounds(): Promise<void> {
    while (!this.stopping) {
      this.inRounds = true
      try {
        await this.round()
        await this.alarm.sleep(this.untilNext())
      } catch (error) {
        this.inRounds = false
        if (this.stopping) return
        // Of runs that ended during the round.
        void this.workerPool.write().catch(() => {})
        await this.options.recover(error).catch((unknown: unknown) => this.pauseAfter(unknown))
        this.lookedAt = -Infinity
      }
    }
    this.inRounds = false
    await this.workerPool.write().catch(() => {})
  }

  /** The ledger failed although the server is reachable: waits before the next round. */
  private async pauseAfter(error: unknown): Promise<void> {
    this.trouble.failed(null, error)
    this.answerChecks()
    // The session may be the cause: after an update of an extension, a session that loaded the old library fails.
    this.timelineNoted = false
    await this.options.dependencies.store.reconnect().catch(() => {})
    for (let wait = this.trouble.wait(null); wait > 0 && !this.stopping; wait = this.trouble.wait(null)) {
      this.turnAt = this.monotonic()
      await this.alarm.sleep(Math.min(wait, waitingCheck))
    }
  }

  private async round(): Promise<void> {
    this.turnAt = this.monotonic()
    for (const name of this.waiting) this.stale.add(name)
    this.waiting.clear()
    const looks = this.monotonic() - this.lookedAt >= this.options.poll
    if (looks || this.reclaimsNow() || this.stale.size > 0) await this.workerPool.write()
    if (looks) {
      const mayReclaim = await this.look()
      if (mayReclaim || this.reclaimWaits) await this.reclaim()
      for (const {state} of this.registry.entries())
        if (state?.leaseSeconds != null && !this.workerPool.isRunning(state.name)) this.remind(state.leaseSeconds)
    } else if (this.reclaimsNow()) {
      await this.reclaim()
    }
    await this.readStale()
    const mayClaim = () => !this.stopping && this.stale.size === 0
    await claimWhatIsDue(this.claiming, () => this.options.databaseClock.now(), mayClaim)
    this.roundAt = this.monotonic()
    // If jobs fail, only a success of one of them shows that the ledger works again.
    if (!this.options.jobs.some(({name}) => this.trouble.fails(name))) this.trouble.worked(null, true)
    this.answerChecks()
  }

  /**
   * Polls the whole ledger: sends the heartbeat, reads every job, and checks pg_cron.
   * @returns whether there may be claims to reclaim
   */
  private async look(): Promise<boolean> {
    const {me, databaseClock, emit, onHeartbeat, onCron} = this.options
    const {clock, store} = this.options.dependencies
    await this.noteTimeline()
    const asked = clock.monotonic()
    const {heartbeat, jobs} = await store.poll(me)
    const drift = databaseClock.set(heartbeat.now, asked, clock.monotonic())
    if (Math.abs(drift) > 1_000) emit({event: 'clock_jump', seconds: drift / 1000})
    onHeartbeat(heartbeat)
    this.registry.read(jobs, true)
    onCron(await store.watchCron(this.registry.entries()))
    this.lookedAt = this.monotonic()
    this.stale.clear()
    // On the embedded engine a claim of a process that died is free before its lease expires.
    return store.server.embedded || jobs.some(({leaseSeconds}) => leaseSeconds !== null && leaseSeconds <= 0)
  }

  /** Before the first claim on a server: after a failover this keeps it from issuing tokens a second time. */
  private async noteTimeline(): Promise<void> {
    const {me, emit, dependencies} = this.options
    if (this.timelineNoted || dependencies.store.server.embedded) return
    this.timelineNoted = true
    try {
      const changed = await dependencies.store.noteTimeline(me)
      if (changed !== null) emit({event: 'server_changed', message: changed})
    } catch (error) {
      // A server that does not allow it must not stop the daemon.
      if (retryableOf(error) === false && !isReadOnly(error)) return
      this.timelineNoted = false
      throw error
    }
  }

  private reclaimsNow(): boolean {
    return this.reclaimWaits || (this.nextLease !== null && this.monotonic() >= this.nextLease)
  }

  private async reclaim(): Promise<void> {
    this.nextLease = null
    const {dependencies, jobs, me, lease} = this.options
    const names = jobs.map(({name}) => name)
    const slots = this.workerPool.reserve(Math.max(1, names.length))
    this.reclaimWaits = slots === 0
    if (slots === 0) return this.remind(1)
    try {
      for (const taken of await dependencies.store.reclaimExpired(names, me, lease, slots)) {
        this.emitReclaimed(taken)
        this.workerPool.take(taken)
      }
    } finally {
      this.workerPool.releaseReserved()
    }
  }

  private emitReclaimed({job, scheduledAt: at, attempts: attempt, error, claimedBefore: from}: TakenOver): void {
    this.options.emit(
      from === null ? {event: 'retried', job, at, attempt, error} : {event: 'reclaimed', job, at, from, attempt, error},
    )
  }

  /** Schedules a check for expired leases after this many seconds. */
  private remind(seconds: number): void {
    const at = this.monotonic() + Math.max(0, seconds) * 1000 + 10
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
    this.registry.read(await this.options.dependencies.store.readJobs(names), false)
    this.staleReads += 1
  }

  private monotonic(): number {
    return this.options.dependencies.clock.monotonic()
  }

  private answerChecks(): void {
    for (const done of this.checks) done()
    this.checks = []
  }

  /** Milliseconds until the next round. */
  private untilNext(): number {
    if (this.stale.size > 0) return Math.min(waitingCheck, 10 * 2 ** Math.min(this.staleReads, 10))
    const now = this.options.databaseClock.now()
    let wait = this.lookedAt + this.options.poll - this.monotonic()
    if (this.nextLease !== null) wait = Math.min(wait, this.nextLease - this.monotonic())
    for (const entry of this.registry.entries()) wait = Math.min(wait, this.entryWait(entry, now))
    return Math.max(1, Math.min(wait, longestTimer))
  }

  private entryWait({job, due, state}: RegistryEntry, now: number): number {
    const {poll} = this.options
    if (due.decision !== null && this.workerPool.waitsForSlot) return poll
    if (due.waitingSince !== null && state?.running && !this.workerPool.isRunning(state.name)) {
      this.waiting.add(state.name)
      return waitingCheck
    }
    return due.wakeAt === null ? poll : Math.max(due.wakeAt - now, this.trouble.wait(job.name))
  }
}
