/** A simulated daemon: the scheduler of src/daemon, with the simulator's clock, random numbers, store and sessions. */
import type {Job} from '../../src/config/jobs.js'
import {Availability} from '../../src/daemon/availability.js'
import {databaseClock} from '../../src/daemon/database-clock.js'
import type {Dependencies} from '../../src/daemon/dependencies.js'
import {isConnectionError} from '../../src/daemon/reconnect.js'
import type {RunSession, RunSessions} from '../../src/daemon/run-sessions.js'
import {Scheduler} from '../../src/daemon/scheduler.js'
import {WorkerSlots} from '../../src/daemon/worker-slots.js'
import {isConnectionLost, retryable, sqlState} from '../../src/db/sqlstate.js'
import {OpsError} from '../../src/errors.js'
import type {DaemonEvent} from '../../src/jobs/events.js'
import type {Attempt, AtWork} from '../../src/jobs/run/run-occurrence.js'
import type {Claim} from '../../src/jobs/store/claims.js'
import type {Identity} from '../../src/jobs/store/ledger.js'
import {stepReport} from '../../src/run/step-report.js'
import type {StepReport} from '../../src/run/step.js'
import {sleep, type ProcessClock} from '../../src/units/process-clock.js'
import type {Entry} from './agenda.js'
import {SimulatedStore, type Client, type Connection, type ServerWorld, type SimulatedServer} from './server.js'

export interface DaemonSettings {
  /** Seconds. */
  lease: number
  /** Milliseconds. */
  poll: number
  workers: number
  /** By how much its clocks are faster than the simulator's: 1 is exact. */
  rate: number
  /** Milliseconds on the server for a step of a job, drawn for each step. */
  stepDuration(job: Job): number
  /** Whether the work of a step fails. */
  stepFails(): boolean
  steps(job: Job): number
}

export interface DaemonWorld extends ServerWorld {
  server: SimulatedServer
  event(daemon: SimulatedDaemon, event: DaemonEvent): void
}

export class SimulatedDaemon implements Client {
  dead = false
  /** The time until which it is paused. */
  pausedUntil = 0
  /** Milliseconds by which its clock of the day differs. */
  wallOffset = 0
  /** Milliseconds for which its monotonic clock stood still, because the machine was suspended. */
  private suspended = 0
  /** Connections that it has opened. */
  readonly connections = new Set<Connection>()
  /** The latest token of each claim that it was given. */
  private readonly tokens = new Map<number, number>()
  private readonly stopping = new AbortController()
  private store: SimulatedStore | null = null
  private scheduler: Scheduler | null = null
  private readonly clock: ProcessClock
  private readonly identity: Identity
  /** Set when it has ended: whether it may have left claims, because the server could not be reached. */
  ended: 'cleanly' | 'incompletely' | null = null
  private readonly born: number

  constructor(
    readonly id: string,
    private readonly world: DaemonWorld,
    readonly jobs: readonly Job[],
    private readonly settings: DaemonSettings,
  ) {
    this.born = world.agenda.now
    this.identity = {id, host: id, pid: 1, version: '0', actor: id, targetHost: 'server'}
    this.clock = {
      monotonic: () => (world.agenda.now - this.born - this.suspended) * settings.rate,
      wall: () => this.wall(),
      after: (milliseconds, ring) => this.timer(milliseconds, ring),
      every: (milliseconds, ring) => {
        let cancelled = false
        let timer = {cancel() {}}
        const again = () => {
          timer = this.timer(milliseconds, () => {
            if (cancelled) return
            again()
            ring()
          })
        }
        again()
        return {
          cancel() {
            cancelled = true
            timer.cancel()
          },
        }
      },
    }
  }

  wall(): number {
    return this.world.agenda.now * 1 + this.wallOffset
  }

  after(milliseconds: number, run: () => void): void {
    this.enter(milliseconds, run)
  }

  private timer(milliseconds: number, ring: () => void): {cancel(): void} {
    const state: {entry: Entry | null; cancelled: boolean} = {entry: null, cancelled: false}
    state.entry = this.enter(milliseconds / this.settings.rate, () => {
      if (!state.cancelled) ring()
    })
    return {
      cancel() {
        state.cancelled = true
        if (state.entry !== null) state.entry.cancelled = true
      },
    }
  }

  private enter(milliseconds: number, run: () => void): Entry {
    const {agenda} = this.world
    const entry = agenda.after(milliseconds, () => {
      if (this.dead) return
      if (agenda.now < this.pausedUntil) this.enter(this.pausedUntil - agenda.now, run)
      else run()
    })
    return entry
  }

  pause(milliseconds: number, suspends: boolean): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.world.agenda.now + milliseconds)
    if (suspends) this.suspended += milliseconds
  }

  /** kill -9 */
  kill(): void {
    this.dead = true
    for (const connection of this.connections) connection.drop()
  }

  async run(): Promise<void> {
    const {world, clock, settings} = this
    const emit = (event: DaemonEvent) => world.event(this, event)
    const retrying = {clock, random: world.random.next, emit, stop: this.stopping.signal, onTry() {}}
    const time = databaseClock(clock)
    let connection: Connection | null = null
    while (connection === null) {
      connection = await world.server.connect(this).catch(() => null)
      if (connection === null) await sleep(clock, 500, this.stopping.signal)
      if (this.stopping.signal.aborted) return void (this.ended = 'cleanly')
    }
    const store = (this.store = new SimulatedStore(
      world.server,
      connection,
      ({id, token}) => void this.tokens.set(id, token),
      (id) => void this.tokens.delete(id),
    ))
    const {identity, jobs} = this
    const availability = new Availability({
      ...retrying,
      now: () => time.now(),
      poll: settings.poll,
      noteTimeline: () => store.noteTimeline(),
    })
    const dependencies: Dependencies = {clock, random: world.random.next, store, sessions: this.sessions()}
    for (;;) {
      try {
        await availability.waitUntilWritable(store)
        if (this.stopping.signal.aborted) break
        await store.declare(jobs, this.id)
        // Like TargetLoop: a stop requested before this point has not reached the scheduler, which did not exist yet.
        if (this.stopping.signal.aborted) break
        this.scheduler = new Scheduler({
          dependencies,
          jobs,
          me: identity,
          databaseClock: time,
          slots: new WorkerSlots(settings.workers, clock),
          lease: settings.lease,
          poll: settings.poll,
          emit,
          skewed: () => false,
          sawOnlyReplica: (instant) => availability.sawOnlyReplica(instant),
          onHeartbeat() {},
          onCron() {},
          recover: (error) => availability.recover(store, error),
        })
        await this.scheduler.run()
        return
      } catch (error) {
        if (isConnectionError(error) || sqlState(error) === '25006')
          await availability.recover(store, error).catch(() => {})
        else await sleep(clock, 2_000, this.stopping.signal)
        if (this.stopping.signal.aborted) break
      }
    }
    this.ended = 'cleanly'
    store.close()
    this.dead = true
  }

  /** Whether it received this claim and has not received the answer to its end. */
  knows({id, token}: {id: number; token: number | null}): boolean {
    return this.tokens.get(id) === token
  }

  /** SIGTERM. Resolves when the daemon has ended. */
  async stop(grace: number): Promise<void> {
    this.stopping.abort()
    const {scheduler, store} = this
    if (scheduler === null || store === null) return
    await scheduler.stop(grace)
    this.ended = scheduler.workerPool.left().length === 0 ? 'cleanly' : 'incompletely'
    this.world.event(this, {event: 'stopped', seconds: 0})
    await store.unregister(this.identity).catch(() => {})
    store.close()
    this.dead = true
  }

  private sessions(): RunSessions {
    const {world} = this
    const idle: Connection[] = []
    const sessionOf = (first: Connection): RunSession => {
      let connection = first
      return {
        get backend() {
          return connection.backend
        },
        attempt: (...[job, claim, options, at]) =>
          this.attempt({get: () => connection, set: (next) => (connection = next)}, job, claim, options, at),
        give: () => void idle.push(connection),
        discard: () => connection.lose(),
        abort: () => connection.lose(),
      }
    }
    return {
      acquire: async () => {
        for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) if (kept.alive) return sessionOf(kept)
        return sessionOf(await world.server.connect(this))
      },
      async close() {
        for (const connection of idle) connection.lose()
      },
    }
  }

  private async attempt(
    session: {get(): Connection; set(next: Connection): void},
    ...[job, claim, options, at]: Parameters<Attempt>
  ): Promise<Awaited<ReturnType<Attempt>>> {
    if (!session.get().alive) session.set(await this.world.server.connect(this))
    at.begun = true
    const reports: StepReport[] = []
    const count = this.settings.steps(job)
    for (let n = 0; n < count; n += 1) {
      const id = `step ${n + 1}`
      if (options.stop.aborted) {
        reports.push(stepReport({id}, 'planned', 0))
        continue
      }
      at.step = {id, last: n === count - 1}
      at.backend = session.get().backend
      reports.push(await this.step(session, id, job, claim, options, at))
      at.step = null
    }
    const work = {plans: [], enforced: [], notes: [], problems: []}
    return {reports, work, backend: at.backend}
  }

  /** As src/run/run-step.ts does it: a step whose connection was lost is looked up and repeated. */
  private async step(
    session: {get(): Connection; set(next: Connection): void},
    id: string,
    job: Job,
    claim: Claim,
    options: Parameters<Attempt>[2],
    at: AtWork,
  ): Promise<StepReport> {
    const {ledger} = this.world.server
    let wasLost = false
    for (let tries = 1; ; tries += 1) {
      try {
        const connection = session.get()
        if (tries > 1 || 'claimedBefore' in claim)
          if (await connection.call('step-done', () => ledger.stepDone(claim, id))) return stepReport({id}, 'done', 1)
        const failure = this.settings.stepFails() ? 'P0001' : null
        await connection.runStep(claim, id, this.settings.stepDuration(job), failure, options.cancel)
        return stepReport({id}, 'done', tries)
      } catch (error) {
        const failed = (reason: 'cancelled' | 'outcome_unknown' | null) => ({
          ...stepReport({id}, 'failed', tries, reason === null ? null : {code: reason}),
          error: sqlState(error) ?? String(error),
        })
        if (error instanceof OpsError) {
          at.lost()
          throw error
        }
        if (sqlState(error) === '22012') return stepReport({id}, 'done', tries)
        const lost = isConnectionLost(error)
        wasLost ||= lost
        if (options.cancel.aborted) return failed(wasLost ? 'outcome_unknown' : 'cancelled')
        if (!lost && !retryable.has(sqlState(error) ?? '')) return failed(wasLost ? 'outcome_unknown' : null)
        if (tries >= 3 || options.stop.aborted) return failed(wasLost ? 'outcome_unknown' : null)
        await sleep(this.clock, 200 * tries)
        if (lost) session.set(await this.world.server.connect(this).catch(() => session.get()))
        at.backend = session.get().backend
      }
    }
  }
}
