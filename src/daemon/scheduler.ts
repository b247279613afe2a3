import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {serverWords} from '../db/sqlstate.js'
import type {JobContext} from '../jobs/kind.js'
import {longestTimer} from '../units/timer.js'
import {boardOf, type Board, type Entry} from './board.js'
import type {Clock} from './clock.js'
import {crewOf, type Crew} from './crew.js'
import {watchCron} from './cron-watch.js'
import type {Tell} from './events.js'
import {claim, hello, readJobs, takeOver, type Hello, type Identity, type Wish} from './ledger.js'

export interface SchedulerOptions {
  /** The session that speaks to the ledger; occurrences have others. */
  control: Database
  jobs: readonly Job[]
  me: Identity
  clock: Clock
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
  onHello(hello: Hello): void
  /** What is wrong with pg_cron, where it is a runner: after every look. */
  onCron(problems: readonly string[]): void
  /** The database is away or read-only: comes back when it is there again. Rethrows what is neither. */
  recover(error: unknown): Promise<void>
}

export interface Scheduler {
  readonly board: Board
  readonly crew: Crew
  /** performance.now() of the last round that went through. */
  readonly lastRound: number
  /** Until {@link stop}. */
  run(): Promise<void>
  /** Begins nothing any more, lets running steps finish within so many milliseconds, gives the rest back. */
  stop(grace: number): Promise<void>
}

/** A job that waits for another daemon's run is looked at this often, in milliseconds. */
const waitingCheck = 2_000
/** After a round that failed for no known reason. */
const failurePause = 2_000

/** What is due is read from the ledger; the one timer only says when to look. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const {control, me, clock, tell, lease, poll} = options
  const board = boardOf(options.jobs, (job, reason) => tell({event: 'stands_aside', job, reason}), options.sawOnlyReplica)
  const crew = crewOf({...options, onFree: () => alarm.ring(), onAgain: (seconds) => remind(seconds), board})
  const alarm = alarmClock()
  const names = options.jobs.map(({name}) => name)
  let lookedAt = -Infinity
  let nextLease: number | null = null
  let stopping = false
  let loop: Promise<void> | undefined
  let lastRound = performance.now()
  /** Jobs that somebody else has moved. */
  const stale = new Set<string>()
  /** Jobs that wait for another daemon's run. */
  const later = new Set<string>()
  /** How often in a row. */
  let missed = 0

  const look = async () => {
    const asked = performance.now()
    const said = await hello(control, me)
    const drift = clock.set(said.now, asked, performance.now())
    if (Math.abs(drift) > 1_000) tell({event: 'clock_jump', seconds: drift / 1000})
    options.onHello(said)
    board.read(await readJobs(control), true)
    options.onCron(await watchCron(control, board.entries()))
    lookedAt = performance.now()
    stale.clear()
  }

  const takeWhatWasLeft = async () => {
    nextLease = null
    if (crew.free() === 0) return remind(1)
    for (const taken of await takeOver(control, names, me, lease, crew.free())) {
      const {job, scheduledAt: at, attempts: attempt, error, claimedBefore: from} = taken
      tell(from === null ? {event: 'tried_again', job, at, attempt, error} : {event: 'taken_over', job, at, from, attempt, error})
      crew.take(taken)
    }
  }

  /** After so many seconds there may be something to take over. */
  function remind(seconds: number): void {
    const at = performance.now() + Math.max(0, seconds) * 1000 + 10
    nextLease = nextLease === null ? at : Math.min(nextLease, at)
    alarm.ring()
  }

  /** The jobs whose time has come, oldest first; skipping needs no free hands. */
  const wishes = (now: number): Wish[] => {
    const due: Wish[] = []
    for (const entry of board.entries()) {
      if (entry.outlook.wakeAt === null || entry.outlook.wakeAt > now) continue
      const {decision} = board.reckon(entry, now)
      if (decision !== null) due.push({job: entry.job, state: entry.state!, decision})
    }
    const runs = due.filter(({decision}) => decision.run !== null).sort((a, b) => a.decision.dueAt - b.decision.dueAt)
    return [...due.filter(({decision}) => decision.run === null), ...runs.slice(0, crew.free())]
  }

  const move = async (asked: readonly Wish[]): Promise<void> => {
    const {moved} = await claim(control, asked, me, lease)
    const done = new Map(moved.map((one) => [one.job, one]))
    for (const {job, state, decision} of asked) {
      const one = done.get(job.name)
      if (one === undefined) {
        stale.add(job.name)
        continue
      }
      board.moved(job.name, decision.to, one.claim !== null || state.running)
      for (const [reason, instants] of byReason(decision.skips))
        tell({event: 'instants_skipped', job: job.name, reason, count: instants.length, first: instants[0]!, last: instants.at(-1)!})
      if (one.claim) crew.take(one.claim)
    }
  }

  const round = async () => {
    for (const name of later) stale.add(name)
    later.clear()
    await crew.write()
    if (performance.now() - lookedAt >= poll) {
      await look()
      await takeWhatWasLeft()
      for (const {state} of board.entries()) if (state?.leaseSeconds != null && !crew.works(state.name)) remind(state.leaseSeconds)
    } else if (nextLease !== null && performance.now() >= nextLease) {
      await takeWhatWasLeft()
    }
    if (stale.size > 0) {
      const again = [...stale]
      stale.clear()
      board.read(await readJobs(control, again), false)
      missed += 1
    } else missed = 0
    for (let turn = 0; turn < 20 && !stopping; turn += 1) {
      const asked = wishes(clock.now())
      if (asked.length === 0) break
      await move(asked).catch(async (error: unknown) => {
        if (asked.length === 1) throw error
        // One job's trouble must not be everybody's.
        for (const one of asked) await move([one]).catch((alone: unknown) => tell({event: 'round_failed', error: `${one.job.name}: ${serverWords(alone)}`}))
      })
      if (stale.size > 0) break
    }
    lastRound = performance.now()
  }

  /** Milliseconds until there is something to look at. */
  const untilNext = (): number => {
    const now = clock.now()
    let wait = lookedAt + poll - performance.now()
    if (nextLease !== null) wait = Math.min(wait, nextLease - performance.now())
    if (stale.size > 0) return Math.min(waitingCheck, 10 * 2 ** Math.min(missed, 10))
    for (const entry of board.entries()) wait = Math.min(wait, entryWait(entry, now))
    return Math.max(1, Math.min(wait, longestTimer))
  }

  const entryWait = ({outlook, state}: Entry, now: number): number => {
    if (outlook.decision !== null && crew.free() === 0) return poll
    if (outlook.waitingSince !== null && state?.running && !crew.works(state.name)) {
      later.add(state.name)
      return waitingCheck
    }
    return outlook.wakeAt === null ? poll : outlook.wakeAt - now
  }

  return {
    board,
    crew,
    get lastRound() {
      return lastRound
    },
    run() {
      return (loop ??= goRound())
    },
    async stop(grace) {
      stopping = true
      crew.halt(grace)
      alarm.ring()
      // A claim may be on its way: what it brings is given back with the rest.
      await loop
      await crew.ended()
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
          tell({event: 'round_failed', error: serverWords(unknown)})
          await alarm.sleep(failurePause)
          // It may be the session's fault: one that loaded an extension before its update can do nothing any more.
          await control.reconnect().catch(() => {})
        })
        lookedAt = -Infinity
      }
    }
  }
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

/** The one timer. */
function alarmClock(): {sleep(milliseconds: number): Promise<void>; ring(): void} {
  let wake = () => {}
  let rung = false
  return {
    sleep: (milliseconds) =>
      new Promise<void>((resolve) => {
        if (rung) {
          rung = false
          return resolve()
        }
        const timer = setTimeout(resolve, milliseconds)
        wake = () => {
          clearTimeout(timer)
          rung = false
          resolve()
        }
      }),
    ring() {
      rung = true
      wake()
    },
  }
}
