import {randomBytes} from 'node:crypto'
import {hostname} from 'node:os'
import {setTimeout as sleep} from 'node:timers/promises'
import type {Job} from '../config/jobs.js'
import {reportTarget} from '../config/target.js'
import type {Database, Target} from '../db/database.js'
import {retryable, serverMessage, sqlState} from '../db/sqlstate.js'
import {OpsError} from '../errors.js'
import type {JobContext} from '../jobs/kind.js'
import {longestTimer} from '../units/timer.js'
import {isConnectionError, isPermanentError, isReadOnly, retryUntilConnected, replicaWatch} from './reconnect.js'
import {databaseClock} from './database-clock.js'
import {conditionWatch} from './condition-watch.js'
import type {Tell} from '../jobs/events.js'
import type {HealthState} from './health.js'
import {
  declare,
  unregisterDaemon,
  largestSkew,
  noteTimeline,
  type Heartbeat,
  type Identity,
} from '../jobs/store/job-store.js'
import {partitionWatch} from './partition-watch.js'
import {tellJobs} from '../jobs/store/schedules.js'
import {prepareDatabase} from './prepare.js'
import {createScheduler, type Scheduler} from './scheduler.js'

export interface DaemonOptions {
  target: Target
  connect(): Promise<Database>
  jobs: readonly Job[]
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  version: string
  workers: number
  /** Seconds; how long a daemon may be silent before others take its work over. */
  lease: number
  /** Milliseconds between two looks at the ledger where nothing is due. */
  poll: number
  /** Milliseconds that running steps get to finish. */
  grace: number
  actor(db: Database): string
  tell: Tell
}

export interface Daemon {
  health(): HealthState
  busy(): number
  skew(): number
  control(): Database | null
  /** Makes sure that what {@link health} says of the ledger is no older than so many milliseconds. May take as long as the server does. */
  check(maxAge: number): Promise<void>
  /**
   * Until it is stopped. False where it ended with steps still at work in the server.
   * @throws OpsError where it cannot begin
   */
  run(): Promise<boolean>
  stop(reason: string): void
}

/** Milliseconds between two looks at how far the declared partition sets reach. */
const partitionInterval = 60_000
/** Milliseconds. */
const startPause = 2_000
/** After the grace: to cancel what still runs, to give it back and to say goodbye. */
const lastWords = 3_000

/** A daemon from its first connection to its last word. */
export function createDaemon(options: DaemonOptions): Daemon {
  const {tell} = options
  const id = `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`
  const stop = new AbortController()
  const clock = databaseClock()
  const replica = replicaWatch(() => clock.now())
  let control: Database | null = null
  let scheduler: Scheduler | null = null
  let blockedReason: string | null = null
  let deadRunners: readonly string[] = []
  /** Milliseconds. */
  let skew = 0
  let observing = false
  const condition = conditionWatch(
    () => control,
    (message) => tell({event: 'warning', message}),
  )
  const partitions = partitionWatch(
    () => control,
    options.context.partitions,
    (message) => tell({event: 'warning', message}),
  )
  let stopped: Promise<void> = Promise.resolve()
  let lastTurn = performance.now()
  const turn = () => void (lastTurn = performance.now())
  /** Aborted where the time after SIGTERM is over, whatever is still at work. */
  const overdue = new AbortController()

  const identify = (db: Database): Identity => ({
    id,
    host: hostname(),
    pid: process.pid,
    version: options.version,
    actor: options.actor(db),
    targetHost: db.server.host ?? hostname(),
  })

  const onHello = (heartbeat: Heartbeat) => {
    blockedReason = null
    if (Math.abs(heartbeat.skew) > largestSkew && Math.abs(skew) <= largestSkew)
      tell({event: 'clock_skew', seconds: heartbeat.skew / 1000})
    skew = heartbeat.skew
  }

  const onCron = (problems: readonly string[]) => {
    for (const message of problems) if (!deadRunners.includes(message)) tell({event: 'runner_dead', message})
    if (problems.length === 0 && deadRunners.length > 0)
      tell({event: 'runner_back', message: 'pg_cron does what it is meant to'})
    deadRunners = problems
  }

  const recover = async (db: Database, error: unknown): Promise<void> => {
    if (isReadOnly(error)) await db.probe()
    else if (!isConnectionError(error)) throw error
    else {
      blockedReason = 'the database is away'
      await retryUntilConnected(
        () => db.reconnect(),
        tell,
        stop.signal,
        () => false,
        turn,
      )
    }
    if (stop.signal.aborted) return
    await writable(db)
  }

  /** Past a replica, and with a word on what changed. */
  const writable = async (db: Database): Promise<void> => {
    if (db.server.inRecovery) blockedReason = 'the server is a read-only replica'
    await replica.wait(db, options.poll, tell, stop.signal, turn)
    if (stop.signal.aborted) return
    blockedReason = null
    if (!db.server.hasQicoreSchema) return
    const changed = await noteTimeline(db, identify(db)).catch(() => null)
    if (changed !== null) tell({event: 'server_changed', message: changed})
  }

  const begin = async (db: Database): Promise<void> => {
    const {role, superuser, embedded, postgres, timescaledb, engine, pooled} = db.server
    tell({event: 'connected', database: reportTarget(db), role, engine, postgres, timescaledb, pooled})
    if (superuser && !embedded)
      tell({
        event: 'warning',
        message: `connected as the superuser ${role}: a daemon needs no such role, see sql/roles.sql`,
      })
    await writable(db)
    if (stop.signal.aborted) return
    const observes = await prepareDatabase(db, options.context, options.jobs, tell)
    if (observes !== null) {
      observing = true
      tell({event: 'observing', reason: observes})
      return
    }
    const me = identify(db)
    await writable(db)
    const changes = await declare(db, options.jobs, me.actor)
    if (changes.length > 0) tell({event: 'calendars', changes})
    const made = createScheduler({
      control: db,
      jobs: options.jobs,
      me,
      clock,
      context: options.context,
      workers: options.workers,
      lease: options.lease,
      poll: options.poll,
      tell,
      skewed: () => Math.abs(skew) > largestSkew,
      sawOnlyReplica: (instant) => replica.saw(instant),
      onHello,
      onCron,
      recover: (error) => recover(db, error),
    })
    await tellJobs(db, options.jobs, me, tell)
    // Asked to stop meanwhile: the stop did not reach this one, because it did not exist yet.
    if (stop.signal.aborted) return made.stop(0)
    scheduler = made
    await made.run()
  }

  const observe = async (db: Database): Promise<void> => {
    while (!stop.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.poll)
        stop.signal.addEventListener(
          'abort',
          () => {
            clearTimeout(timer)
            resolve()
          },
          {once: true},
        )
      })
      turn()
      if (!stop.signal.aborted)
        await db.probe().then(
          () => (blockedReason = null),
          (error: unknown) => recover(db, error),
        )
    }
  }

  const live = async (): Promise<void> => {
    tell({event: 'started', id, version: options.version, node: process.versions.node})
    control = await retryUntilConnected(() => options.connect(), tell, stop.signal, isPermanentError, turn)
    if (control === null) return
    condition.start(Math.min(options.poll, 30_000))
    partitions.start(partitionInterval)
    try {
      for (;;) {
        try {
          await begin(control)
          if (observing) await observe(control)
          break
        } catch (error) {
          // Away again before it had begun.
          if (error instanceof OpsError && !isConnectionError(error)) throw error
          if (retryable.has(sqlState(error) ?? '')) {
            // Another daemon begins at the same time.
            tell({event: 'round_failed', error: serverMessage(error)})
            await sleep(startPause, undefined, {signal: stop.signal}).catch(() => {})
            if (stop.signal.aborted) break
            continue
          }
          await recover(control, error)
        }
      }
      await stopped
      if (scheduler !== null) await unregisterDaemon(control, identify(control)).catch(() => {})
    } finally {
      condition.stop()
      partitions.stop()
      await control.close().catch(() => {})
    }
  }

  return {
    busy: () => scheduler?.workerPool.busy() ?? 0,
    skew: () => skew / 1000,
    control: () => (blockedReason === null ? control : null),
    async check(maxAge) {
      // The one session of the embedded engine may be at work for hours.
      if (scheduler !== null && blockedReason === null && control?.server.embedded === false)
        await scheduler.check(maxAge)
    },
    health() {
      const now = performance.now()
      // While a step has the embedded engine's one session, the loop waits for it.
      const waits = control?.server.embedded === true && (scheduler?.workerPool.busy() ?? 0) > 0
      return {
        connected: control === null ? null : true,
        blockedReason,
        refusals: scheduler?.refusals() ?? [],
        msSincePoll: scheduler === null ? null : waits ? 0 : now - scheduler.lastRound,
        sinceTurn: waits ? 0 : now - Math.max(lastTurn, scheduler?.lastTurn ?? 0),
        patience: Math.max(options.poll, 5_000) + 10_000,
        stopping: stop.signal.aborted,
        now: clock.now(),
        registry: scheduler?.registry ?? null,
        deadRunners: [...condition.problems(), ...deadRunners, ...partitions.problems()],
      }
    },
    async run() {
      const life = live()
      const late = new Promise<'late'>((resolve) =>
        overdue.signal.addEventListener('abort', () => resolve('late'), {once: true}),
      )
      const end = await Promise.race([life, late])
      life.catch(() => {})
      const left = scheduler?.workerPool.left() ?? []
      if (end !== 'late' && left.length === 0) return true
      tell({
        event: 'stop_incomplete',
        message:
          left.length === 0
            ? 'the server does not answer: what this daemon had claimed is taken over when its lease is over'
            : `${left.join('; ')}: given up; taken over once its lease is over and the server is done with it`,
      })
      return false
    },
    stop(reason) {
      if (stop.signal.aborted) return
      tell({event: 'stopping', signal: reason, running: scheduler?.workerPool.busy() ?? 0})
      stop.abort()
      setTimeout(() => overdue.abort(), Math.min(options.grace + lastWords, longestTimer)).unref()
      if (scheduler !== null) stopped = scheduler.stop(options.grace)
    },
  }
}
