import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {serverMessage, sqlState} from '../db/sqlstate.js'
import type {JobContext} from '../jobs/kind.js'
import {longestTimer} from '../units/timer.js'
import {alarmClock} from './alarm.js'
import {isConnectionError, isReadOnly} from './reconnect.js'
import {createJobRegistry, type JobRegistry, type Entry} from './job-registry.js'
import type {DatabaseClock} from './database-clock.js'
import {createWorkerPool, type WorkerPool} from './worker-pool.js'
import {watchCron} from './cron-watch.js'
import type {Tell} from '../jobs/events.js'
import {
  claim,
  heartbeat,
  readJobs,
  reclaimExpired,
  type Heartbeat,
  type Identity,
  type ClaimRequest,
} from '../jobs/store/job-store.js'
import {troubleOf} from './trouble.js'

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
  tell: Tell
  skewed(): boolean
  sawOnlyReplica(instant: number): boolean
  /** After every look at the ledger. */
  onHello(heartbeat: Heartbeat): void
  /** What is wrong with pg_cron, where it is a runner: after every look. */
  onCron(problems: readonly string[]): void
  /** The database is away or read-only: comes back when it is there again. Rethrows what is neither. */
  recover(error: unknown): Promise<void>
}

export interface Scheduler {
  readonly registry: JobRegistry
  readonly workerPool: WorkerPool
  /** performance.now() of the last round that went through. */
  readonly lastRound: number
  /** performance.now() when it last began a round, or waited before the next: where this stands still, so does the loop. */
  readonly lastTurn: number
  /** What the ledger refuses, as sentences; empty where it takes everything. */
  refusals(): string[]
  /** Looks at the ledger now, unless it has within so many milliseconds; resolves when it has, or failed to. */
  check(maxAge: number): Promise<void>
  /** Until {@link stop}. */
  run(): Promise<void>
  /** Begins nothing any more, lets running steps finish within so many milliseconds, gives the rest back. */
  stop(grace: number): Promise<void>
}

/** A job that waits for another daemon's run is looked at this often, in milliseconds. */
const waitingCheck = 2_000
/** The ledger as a whole, among what fails; everything else there is a job. */
const ledger = ''

/** What is due is read from the ledger; the one timer only says when to look. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const {control, me, clock, tell, lease, poll} = options
  const registry = createJobRegistry(
    options.jobs,
    (job, reason) => tell({event: 'stands_aside', job, reason}),
    options.sawOnlyReplica,
  )
  const workerPool = createWorkerPool({
    ...options,
    onFree: () => alarm.ring(),
    onAgain: (seconds) => remind(seconds),
    registry,
  })
  const alarm = alarmClock()
  const names = options.jobs.map(({name}) => name)
  let lookedAt = -Infinity
  let nextLease: number | null = null
  let stopping = false
  let loop: Promise<void> | undefined
  let lastRound = performance.now()
  let lastTurn = performance.now()
  const trouble = troubleOf()
  /** Those who wait for the next look. */
  let checking: (() => void)[] = []
  control.onLost(() => {
    lookedAt = -Infinity
    alarm.ring()
  })
  /** Jobs that another daemon has advanced. */
  const stale = new Set<string>()
  /** Jobs that wait for another daemon's run. */
  const later = new Set<string>()
  /** How often in a row. */
  let missed = 0

  const look = async () => {
    const asked = performance.now()
    const said = await heartbeat(control, me)
    const drift = clock.set(said.now, asked, performance.now())
    if (Math.abs(drift) > 1_000) tell({event: 'clock_jump', seconds: drift / 1000})
    options.onHello(said)
    registry.read(await readJobs(control), true)
    options.onCron(await watchCron(control, registry.entries()))
    lookedAt = performance.now()
    stale.clear()
  }

  /** @param told whether it was reported that it did not */
  const works = (what: string, told: boolean) => {
    const seconds = trouble.worked(what)
    if (seconds !== null && told) tell({event: 'ledger_works', seconds, ...(what !== ledger && {job: what})})
  }

  const fails = (what: string, error: unknown, report = true) => {
    const message =
      what === ledger
        ? `the ledger cannot be read or written: ${serverMessage(error)}`
        : `${what}: the ledger refuses the run: ${serverMessage(error)}`
    if (trouble.failed(what, sqlState(error) ?? '', message) && report) tell({event: 'round_failed', error: message})
  }

  const reclaimExpiredRuns = async () => {
    nextLease = null
    if (workerPool.free() === 0) return remind(1)
    for (const taken of await reclaimExpired(control, names, me, lease, workerPool.free())) {
      const {job, scheduledAt: at, attempts: attempt, error, claimedBefore: from} = taken
      tell(
        from === null
          ? {event: 'tried_again', job, at, attempt, error}
          : {event: 'taken_over', job, at, from, attempt, error},
      )
      workerPool.take(taken)
    }
  }

  /** After so many seconds there may be something to take over. */
  function remind(seconds: number): void {
    const at = performance.now() + Math.max(0, seconds) * 1000 + 10
    nextLease = nextLease === null ? at : Math.min(nextLease, at)
    alarm.ring()
  }

  /** The jobs whose time has come, oldest first; skipping needs no free hands. */
  const claimRequests = (now: number): ClaimRequest[] => {
    const due: ClaimRequest[] = []
    for (const entry of registry.entries()) {
      if (entry.due.wakeAt === null || entry.due.wakeAt > now || trouble.wait(entry.job.name) > 0) continue
      const {decision} = registry.reckon(entry, now)
      if (decision !== null) due.push({job: entry.job, state: entry.state!, decision})
    }
    const runs = due.filter(({decision}) => decision.run !== null).sort((a, b) => a.decision.dueAt - b.decision.dueAt)
    return [...due.filter(({decision}) => decision.run === null), ...runs.slice(0, workerPool.free())]
  }

  const advance = async (asked: readonly ClaimRequest[]): Promise<void> => {
    const {advanced} = await claim(control, asked, me, lease)
    const done = new Map(advanced.map((one) => [one.job, one]))
    for (const {job, state, decision} of asked) {
      const one = done.get(job.name)
      if (one === undefined) {
        stale.add(job.name)
        continue
      }
      registry.moved(job.name, decision.to, one.claim !== null || state.running)
      for (const [reason, instants] of byReason(decision.skips))
        tell({
          event: 'instants_skipped',
          job: job.name,
          reason,
          count: instants.length,
          first: instants[0]!,
          last: instants.at(-1)!,
        })
      if (one.claim) workerPool.take(one.claim)
      works(job.name, !trouble.fails(ledger))
    }
    if (advanced.length > 0) works(ledger, true)
  }

  /** One job's trouble must not be everybody's; what all of them have is the ledger's. */
  const moveEach = async (asked: readonly ClaimRequest[]): Promise<void> => {
    const failed: [string, unknown][] = []
    for (const one of asked) {
      try {
        await advance([one])
      } catch (error) {
        if (isGone(error)) throw error
        failed.push([one.job.name, error])
      }
    }
    const all = asked.length > 1 && failed.length === asked.length
    if (all) fails(ledger, failed[0]![1])
    for (const [job, error] of failed) fails(job, error, !trouble.fails(ledger))
  }

  const round = async () => {
    lastTurn = performance.now()
    for (const name of later) stale.add(name)
    later.clear()
    await workerPool.write()
    if (performance.now() - lookedAt >= poll) {
      await look()
      await reclaimExpiredRuns()
      for (const {state} of registry.entries())
        if (state?.leaseSeconds != null && !workerPool.works(state.name)) remind(state.leaseSeconds)
    } else if (nextLease !== null && performance.now() >= nextLease) {
      await reclaimExpiredRuns()
    }
    if (stale.size > 0) {
      const again = [...stale]
      stale.clear()
      registry.read(await readJobs(control, again), false)
      missed += 1
    } else missed = 0
    for (let turn = 0; turn < 20 && !stopping; turn += 1) {
      const asked = claimRequests(clock.now())
      if (asked.length === 0) break
      await advance(asked).catch((error: unknown) => {
        if (isGone(error)) throw error
        return moveEach(asked)
      })
      if (stale.size > 0) break
    }
    lastRound = performance.now()
    // Where jobs are refused, one of them tells when that is over.
    if (!names.some((name) => trouble.fails(name))) works(ledger, true)
    answerChecks()
  }

  const answerChecks = () => {
    for (const done of checking) done()
    checking = []
  }

  /** Milliseconds until there is something to look at. */
  const untilNext = (): number => {
    const now = clock.now()
    let wait = lookedAt + poll - performance.now()
    if (nextLease !== null) wait = Math.min(wait, nextLease - performance.now())
    if (stale.size > 0) return Math.min(waitingCheck, 10 * 2 ** Math.min(missed, 10))
    for (const entry of registry.entries()) wait = Math.min(wait, entryWait(entry, now))
    return Math.max(1, Math.min(wait, longestTimer))
  }

  const entryWait = ({job, due, state}: Entry, now: number): number => {
    if (due.decision !== null && workerPool.free() === 0) return poll
    if (due.waitingSince !== null && state?.running && !workerPool.works(state.name)) {
      later.add(state.name)
      return waitingCheck
    }
    return due.wakeAt === null ? poll : Math.max(due.wakeAt - now, trouble.wait(job.name))
  }

  return {
    registry,
    workerPool,
    get lastRound() {
      return lastRound
    },
    get lastTurn() {
      return lastTurn
    },
    refusals: () => trouble.messages(ledger),
    async check(maxAge) {
      if (stopping || performance.now() - lookedAt < maxAge) return
      lookedAt = -Infinity
      await new Promise<void>((resolve) => {
        checking.push(resolve)
        alarm.ring()
      })
    },
    run() {
      return (loop ??= goRound())
    },
    async stop(grace) {
      stopping = true
      workerPool.halt(grace)
      alarm.ring()
      // A claim may be on its way: what it brings is given back with the rest.
      await loop
      await workerPool.ended()
    },
  }

  async function goRound(): Promise<void> {
    while (!stopping) {
      try {
        await round()
        await alarm.sleep(untilNext())
      } catch (error) {
        if (stopping) return
        await options.recover(error).catch(async (unknown: unknown) => {
          fails(ledger, unknown)
          answerChecks()
          // It may be the session's fault: one that loaded an extension before its update can do nothing any more.
          await control.reconnect().catch(() => {})
          for (let wait = trouble.wait(ledger); wait > 0 && !stopping; wait = trouble.wait(ledger)) {
            lastTurn = performance.now()
            await alarm.sleep(Math.min(wait, waitingCheck))
          }
        })
        lookedAt = -Infinity
      }
    }
  }
}

/** The whole connection is at fault, or the server takes no changes at all. */
function isGone(error: unknown): boolean {
  return isConnectionError(error) || isReadOnly(error)
}

function byReason(skips: readonly {at: number; reason: string}[]): Map<string, number[]> {
  const reasons = new Map<string, number[]>()
  for (const {at, reason} of skips) {
    const list = reasons.get(reason)
    if (list === undefined) reasons.set(reason, [at])
    else list.push(at)
  }
  return reasons
}
