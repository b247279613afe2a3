import {hostname} from 'node:os'
import {setTimeout as sleep} from 'node:timers/promises'
import type {Job} from '../config/jobs.js'
import type {Database, Target} from '../db/database.js'
import {retryable, serverMessage, sqlState} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import type {JobContext} from '../jobs/kind.js'
import {systemClock} from '../units/process-clock.js'
import {longestTimer} from '../units/timer.js'
import {Availability} from './availability.js'
import {isConnectionError, isPermanentError, retryUntilConnected, type RetryOptions} from './reconnect.js'
import {declaredWatch, type DeclaredWatch} from './declared-watch.js'
import {databaseClock, type DatabaseClock} from './database-clock.js'
import {dependenciesOf} from './dependencies.js'
import {conditionWatch, type ConditionWatch} from './condition-watch.js'
import type {Emit} from '../jobs/events.js'
import type {HealthState} from './health.js'
import {largestSkew, noteTimeline, unregisterDaemon, type Heartbeat} from '../jobs/store/daemons.js'
import {declare} from '../jobs/store/ledger-jobs.js'
import type {Identity} from '../jobs/store/ledger.js'
import {emitJobs} from '../jobs/store/schedules.js'
import {emitConnected, prepareDatabase} from './prepare.js'
import {Scheduler} from './scheduler.js'
import type {WorkerSlots} from './worker-slots.js'

export interface TargetLoopOptions {
  /** Of this daemon in the ledger. */
  id: string
  target: Target
  connect(): Promise<Database>
  jobs: readonly Job[]
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  version: string
  slots: WorkerSlots
  /** Seconds without a heartbeat after which other daemons reclaim this daemon's runs. */
  lease: number
  /** Milliseconds between two polls of the ledger while nothing is due. */
  poll: number
  actor(db: Database): string
  emit: Emit
}

/** Milliseconds between two checks of the declared tables. */
const declaredInterval = 60_000
/** Milliseconds. */
const startPause = 2_000
/** Milliseconds after the grace period to cancel and release what is still running, and to unregister. */
const cleanUpTime = 3_000

/** The work on one database, from the first attempt to connect until it is stopped or fails. */
export class TargetLoop {
  private readonly stopping = new AbortController()
  /** Aborted when the time after SIGTERM is over, even if steps are still running. */
  private readonly overdue = new AbortController()
  private readonly clock: DatabaseClock = databaseClock(systemClock)
  private readonly availability: Availability
  private readonly condition: ConditionWatch
  private readonly declared: DeclaredWatch
  private database: Database | null = null
  private scheduler: Scheduler | null = null
  private deadRunners: readonly string[] = []
  /** Milliseconds that this machine's clock is ahead of the server's. */
  private skewMs = 0
  private observing = false
  private stopped: Promise<void> = Promise.resolve()
  private overdueTimer: NodeJS.Timeout | undefined
  private lastTurn = performance.now()

  constructor(private readonly options: TargetLoopOptions) {
    const {emit, poll, context} = options
    const warn = (message: string) => emit({event: 'warning', message})
    this.availability = new Availability({
      ...this.retrying(),
      now: () => this.clock.now(),
      poll,
      noteTimeline: () => noteTimeline(this.database!, this.identify(this.database!)),
    })
    this.condition = conditionWatch(() => this.database, warn)
    this.declared = declaredWatch(() => this.database, context, warn)
  }

  runningCount(): number {
    return this.scheduler?.workerPool.runningCount() ?? 0
  }

  /** Seconds that this machine's clock is ahead of the server's. */
  skew(): number {
    return this.skewMs / 1000
  }

  control(): Database | null {
    return this.availability.blockedReason === null ? this.database : null
  }

  /**
   * Resolves when the state of the ledger in {@link health} is at most `maxAge` milliseconds old; it may have to wait
   * for the server.
   */
  async check(maxAge: number): Promise<void> {
    // The only session of the embedded engine may be busy for hours.
    if (this.scheduler !== null && this.control()?.server.embedded === false) await this.scheduler.check(maxAge)
  }

  health(): Omit<HealthState, 'failure'> {
    const {scheduler, options} = this
    const now = performance.now()
    // The loop waits while a step uses the only session of the embedded engine.
    const waits = this.database?.server.embedded === true && this.runningCount() > 0
    const msSincePoll = scheduler === null ? null : now - scheduler.lastRound
    return {
      connected: this.database === null ? null : true,
      blockedReason: this.availability.blockedReason,
      refusals: scheduler?.refusals() ?? [],
      msSincePoll: waits ? 0 : msSincePoll,
      sinceTurn: waits ? 0 : now - Math.max(this.lastTurn, scheduler?.lastTurn ?? 0),
      timeoutMs: Math.max(options.poll, 5_000) + 10_000,
      stopping: this.stopping.signal.aborted,
      now: this.clock.now(),
      registry: scheduler?.registry ?? null,
      deadRunners: [...this.condition.problems(), ...this.deadRunners, ...this.declared.problems()],
    }
  }

  /**
   * Runs until it is stopped. False if steps were still running in the server when it ended.
   * @throws OpsError if it cannot start
   */
  async run(): Promise<boolean> {
    const life = this.live()
    const late = new Promise<'late'>((resolve) =>
      this.overdue.signal.addEventListener('abort', () => resolve('late'), {once: true}),
    )
    const end = await Promise.race([life, late])
    life.catch(() => {})
    const left = this.scheduler?.workerPool.left() ?? []
    if (end !== 'late' && left.length === 0) return true
    this.options.emit({
      event: 'stop_incomplete',
      message:
        left.length === 0
          ? 'the server does not answer: other daemons reclaim the runs of this daemon when their lease expires'
          : `${left.join('; ')}: abandoned; reclaimed when the lease has expired and the server has ended the step`,
    })
    return false
  }

  /**
   * Starts nothing further. May be called again with another time.
   * @param reason the signal
   * @param grace milliseconds that running steps have to complete
   */
  stop(reason: string, grace: number): void {
    if (!this.stopping.signal.aborted)
      this.options.emit({event: 'stopping', signal: reason, running: this.runningCount()})
    this.stopping.abort()
    clearTimeout(this.overdueTimer)
    this.overdueTimer = setTimeout(() => this.overdue.abort(), Math.min(grace + cleanUpTime, longestTimer)).unref()
    if (this.scheduler !== null) this.stopped = this.scheduler.stop(grace)
  }

  private async live(): Promise<void> {
    const {connect, poll} = this.options
    const db = await retryUntilConnected(() => connect(), this.retrying(), isPermanentError)
    this.database = db
    if (db === null) return
    this.condition.start(Math.min(poll, 30_000))
    this.declared.start(declaredInterval)
    try {
      await this.workUntilStopped(db)
      await this.stopped
      if (this.scheduler !== null) await unregisterDaemon(db, this.identify(db)).catch(() => {})
    } finally {
      this.condition.stop()
      this.declared.stop()
      this.database = null
      await db.close().catch(() => {})
    }
  }

  private async workUntilStopped(db: Database): Promise<void> {
    for (;;) {
      try {
        await this.begin(db)
        if (this.observing) await this.observe(db)
        return
      } catch (error) {
        // The connection was lost again before the start was complete.
        if (error instanceof OpsError && !isConnectionError(error)) throw error
        if (!retryable.has(sqlState(error) ?? '')) {
          await this.availability.recover(db, error)
          continue
        }
        // Another daemon is starting at the same time.
        this.options.emit({event: 'poll_failed', error: serverMessage(error)})
        await sleep(startPause, undefined, {signal: this.stopping.signal}).catch(() => {})
        if (this.stopping.signal.aborted) return
      }
    }
  }

  private async begin(db: Database): Promise<void> {
    const {emit, context, jobs} = this.options
    emitConnected(db, emit)
    await this.availability.waitUntilWritable(db)
    if (this.stopping.signal.aborted) return
    const observes = await prepareDatabase(db, context, jobs, emit)
    if (observes !== null) {
      this.observing = true
      emit({event: 'observing', reason: observes})
      return
    }
    const me = this.identify(db)
    await this.availability.waitUntilWritable(db)
    const changes = await declare(db, jobs, me.actor)
    if (changes.length > 0) emit({event: 'schedules_changed', changes})
    const scheduler = this.createScheduler(db, me)
    await emitJobs(db, jobs, me, emit)
    // A stop requested before this point has not reached the scheduler, which did not exist yet.
    if (this.stopping.signal.aborted) return scheduler.stop(0)
    this.scheduler = scheduler
    await scheduler.run()
  }

  private createScheduler(db: Database, me: Identity): Scheduler {
    const {jobs, context, slots, lease, poll, emit} = this.options
    return new Scheduler({
      dependencies: dependenciesOf(db, context),
      jobs,
      me,
      databaseClock: this.clock,
      slots,
      lease,
      poll,
      emit,
      skewed: () => Math.abs(this.skewMs) > largestSkew,
      sawOnlyReplica: (instant) => this.availability.sawOnlyReplica(instant),
      onHeartbeat: (heartbeat) => this.onHeartbeat(heartbeat),
      onCron: (problems) => this.onCron(problems),
      recover: (error) => this.availability.recover(db, error),
    })
  }

  /** If nothing is declared, the daemon only monitors the database. */
  private async observe(db: Database): Promise<void> {
    let lost = new AbortController()
    // A dropped database ends its sessions: noticed now instead of at the next poll.
    db.onLost(() => lost.abort())
    while (!this.stopping.signal.aborted) {
      const signal = AbortSignal.any([this.stopping.signal, lost.signal])
      await sleep(this.options.poll, undefined, {signal}).catch(() => {})
      lost = new AbortController()
      this.turn()
      if (!this.stopping.signal.aborted)
        await db.probe().then(
          () => void (this.availability.blockedReason = null),
          (error: unknown) => this.availability.recover(db, error),
        )
    }
  }

  private onHeartbeat({skew}: Heartbeat): void {
    this.availability.blockedReason = null
    if (Math.abs(skew) > largestSkew && Math.abs(this.skewMs) <= largestSkew)
      this.options.emit({event: 'clock_skew', seconds: skew / 1000})
    this.skewMs = skew
  }

  private onCron(problems: readonly string[]): void {
    const {emit} = this.options
    for (const message of problems)
      if (!this.deadRunners.includes(message)) emit({event: 'runner_unavailable', message})
    if (problems.length === 0 && this.deadRunners.length > 0)
      emit({event: 'runner_back', message: 'pg_cron runs its jobs again'})
    this.deadRunners = problems
  }

  private retrying(): RetryOptions {
    const {emit} = this.options
    return {clock: systemClock, random: Math.random, emit, stop: this.stopping.signal, onTry: () => this.turn()}
  }

  private turn(): void {
    this.lastTurn = performance.now()
  }

  private identify(db: Database): Identity {
    return {
      id: this.options.id,
      host: hostname(),
      pid: process.pid,
      version: this.options.version,
      actor: this.options.actor(db),
      targetHost: db.server.host ?? hostname(),
    }
  }
}
