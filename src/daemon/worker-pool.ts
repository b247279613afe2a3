import {setTimeout as sleep} from 'node:timers/promises'
import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {serverMessage, sqlState} from '../db/sqlstate.js'
import type {JobContext} from '../jobs/kind.js'
import {longestTimer} from '../units/timer.js'
import {isConnectionError} from './reconnect.js'
import {retiredJob, type JobRegistry} from './job-registry.js'
import type {DatabaseClock} from './database-clock.js'
import type {Tell} from '../jobs/events.js'
import {
  finishAll,
  release,
  renew,
  silentBackends,
  type Claim,
  type Identity,
  type TakenOver,
} from '../jobs/store/job-store.js'
import type {FinalOutcome, Outcome, Unsettled} from '../jobs/run/outcome.js'
import {sessionPool} from './pool.js'
import {runOccurrence} from '../jobs/run/run-occurrence.js'
import {settle} from '../jobs/run/settle.js'

/** The occurrences that this daemon works on, their heartbeat, and how they end. */
export interface WorkerPool {
  /** How many more may be begun. */
  free(): number
  busy(): number
  works(job: string): boolean
  take(claim: Claim | TakenOver): void
  /** Writes down what has ended. @throws where the database is away; what fails alone is tried again with the next. */
  write(): Promise<void>
  /** Running steps end, and no further one is begun; after so many milliseconds they are cancelled. */
  halt(grace: number): void
  /** What has not ended, or is not written down, as clauses. */
  left(): string[]
  /** When everything has ended and, as far as the server lets it, is written down. Only after the last claim. */
  ended(): Promise<void>
}

export interface CrewOptions {
  control: Database
  me: Identity
  clock: DatabaseClock
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  workers: number
  lease: number
  registry: JobRegistry
  tell: Tell
  skewed(): boolean
  onFree(): void
  /** A claim was given back, to be tried again after so many seconds. */
  onAgain(seconds: number): void
}

interface Ended {
  claim: Claim
  outcome: Outcome
  job: Job
  ms: number
  /** The code of the failure that was reported of writing it. */
  told?: string
}

interface Work {
  claim: Claim | TakenOver
  lost: AbortController
  ended: Promise<void>
  /** Where it works; null before it has a session. */
  db: Database | null
}

/** Milliseconds between two tries to get a session. */
const sessionPause = 500
/** How often and after how many milliseconds a stopping daemon asks whether the server is through with a step. */
const lastTries = 5
const lastPause = 200

export function createWorkerPool(options: CrewOptions): WorkerPool {
  const {control, me, registry, tell, clock, lease} = options
  const pool = sessionPool(control)
  /** By token: a claim that ran out may come back to this very daemon before the first try has noticed. */
  const working = new Map<number, Work>()
  const unwritten: Ended[] = []
  const stop = new AbortController()
  const cancel = new AbortController()
  let deadline: NodeJS.Timeout | undefined

  const heartbeat = setInterval(() => void beat(), (lease * 1000) / 3)
  let beating = false
  async function beat(): Promise<void> {
    if (beating || working.size + unwritten.length === 0) return
    beating = true
    try {
      const works = [...working.values()]
      const ours = await renew(
        control,
        [...works, ...unwritten].map(({claim}) => claim),
        lease,
      )
      for (const work of works) if (!ours.has(work.claim.id) && working.has(work.claim.token)) work.lost.abort()
      const silent = await silentBackends(
        control,
        works.flatMap(({db}) => db?.backend ?? []),
        lease,
      )
      for (const {db} of works) if (db?.backend != null && silent.has(db.backend.pid)) db.abort()
    } catch {
      // The database is away: the claims' leases decide, and the fence tells whether they held.
    } finally {
      beating = false
    }
  }

  async function work(running: Work, job: Job): Promise<void> {
    const {claim} = running
    const began = performance.now()
    const outcome = hopelessClaim(claim) ?? (await tryIt(running, job))
    unwritten.push({claim, outcome, job, ms: Math.round(performance.now() - began)})
    working.delete(claim.token)
    options.onFree()
    // A failure is reported by then, and the next round tries again.
    await write().catch(() => {})
  }

  let noSession: string | null = null
  /** Another session, for as long as a lease where there is none to be had; null then, or where it is not wanted any more. */
  async function sessionFor({lost}: Work): Promise<Database | null> {
    const end = performance.now() + lease * 1000
    while (!stop.signal.aborted && !lost.signal.aborted && performance.now() < end) {
      try {
        const db = await pool.acquire()
        noSession = null
        return db
      } catch (error) {
        const code = (error as {code?: string}).code ?? ''
        if (noSession !== code) tell({event: 'no_session', error: serverMessage(error)})
        noSession = code
        await sleep(sessionPause, undefined, {signal: stop.signal}).catch(() => {})
      }
    }
    return null
  }

  async function tryIt(item: Work, job: Job): Promise<Outcome> {
    const {claim, lost} = item
    const db = await sessionFor(item)
    if (db === null) return {kind: 'again', seconds: 1, error: null, countsAsAttempt: false}
    item.db = db
    let usable = true
    const giveUp = () => {
      usable = false
      pool.discard(db)
    }
    const outcome = await runOccurrence(
      db,
      job,
      claim,
      {
        context: options.context,
        silence: lease,
        holder: `${me.actor}, daemon ${me.id}, job ${job.name}`,
        now: () => clock.now(),
        skewed: options.skewed,
        stop: stop.signal,
        cancel: cancel.signal,
        lost: lost.signal,
      },
      giveUp,
    )
    item.db = null
    // What failed may be the session's fault: one that loaded an extension before its update can do nothing any more.
    if (usable && 'error' in outcome && outcome.error !== null) pool.discard(db)
    else if (usable) pool.give(db)
    return outcome
  }

  let writing: Promise<void> | null = null
  function write(): Promise<void> {
    return (writing ??= writeEnded().finally(() => (writing = null)))
  }

  /** What ends meanwhile goes with the next: the runs of a burst share a commit. In the ledger, then out of the list. */
  async function writeEnded(): Promise<void> {
    const tried = new Set<Ended>()
    for (;;) {
      const entries = unwritten.filter((entry) => !tried.has(entry))
      if (entries.length === 0) return
      for (const entry of entries) tried.add(entry)
      const told = (error: unknown, those: readonly Ended[]) => {
        const code = sqlState(error) ?? ''
        for (const one of those) {
          if (one.told !== code) tell({event: 'outcome_unwritten', job: one.job.name, error: serverMessage(error)})
          one.told = code
        }
        if (isConnectionError(error)) throw error
      }
      // One that cannot be written must not keep the others.
      const ours = await finishAll(control, entries.flatMap(ended)).catch((error: unknown) =>
        isConnectionError(error) ? told(error, entries) : null,
      )
      for (const entry of entries) await writeOne(entry, ours ?? null).catch((error: unknown) => told(error, [entry]))
    }
  }

  const ended = ({claim, outcome}: Ended) => (outcome.kind === 'ended' ? [{...outcome, claim}] : [])

  async function writeOne(entry: Ended, finished: ReadonlySet<number> | null): Promise<void> {
    const {claim} = entry
    if (entry.outcome.kind === 'unsettled') return settleLater(entry, entry.outcome)
    const {outcome} = entry
    const ours =
      outcome.kind === 'lost'
        ? false
        : outcome.kind === 'again'
          ? await release(control, claim, outcome)
          : (finished ?? (await finishAll(control, ended(entry)))).has(claim.id)
    written(entry, ours ? outcome : {kind: 'lost'})
  }

  /** Asked again every second until the server is through with the step. */
  async function settleLater(entry: Ended, unsettled: Unsettled): Promise<void> {
    const {claim, job} = entry
    const settled = await settle(control, job, claim, unsettled)
    if (settled.state === 'lost') return written(entry, {kind: 'lost'})
    if (settled.state === 'written') return written(entry, settled.outcome)
    if (entry.told !== 'at work')
      tell({
        event: 'occurrence_hangs',
        job: job.name,
        at: claim.scheduledAt,
        pid: unsettled.backend?.pid ?? null,
        error: hangWords(unsettled.failed),
      })
    entry.told = 'at work'
    options.onAgain(1)
  }

  function written(entry: Ended, outcome: FinalOutcome): void {
    const {claim, job, ms} = entry
    unwritten.splice(unwritten.indexOf(entry), 1)
    if (outcome.kind === 'lost') return tell({event: 'claim_lost', job: job.name, at: claim.scheduledAt})
    if (outcome.kind === 'ended') registry.freed(job.name, clock.now())
    if (outcome.kind === 'again' && !stop.signal.aborted) options.onAgain(outcome.seconds)
    tell({event: 'occurrence_ended', job: job.name, at: claim.scheduledAt, ms, outcome, claim, kind: job.kind})
  }

  return {
    free: () => (stop.signal.aborted ? 0 : Math.max(0, (control.server.embedded ? 1 : options.workers) - working.size)),
    busy: () => working.size,
    works: (name) => [...working.values(), ...unwritten].some(({claim}) => claim.job === name),
    take(claim) {
      const job = registry.get(claim.job)?.job ?? retiredJob(claim.job, 'sql')
      const lost = new AbortController()
      tell({
        event: 'occurrence_started',
        job: claim.job,
        at: claim.scheduledAt,
        attempt: claim.attempts,
        late: claim.late,
        id: claim.id,
      })
      for (const before of working.values()) if (before.claim.id === claim.id) before.lost.abort()
      const each: Work = {claim, lost, ended: Promise.resolve(), db: null}
      working.set(claim.token, each)
      each.ended = work(each, job)
    },
    write,
    halt(grace) {
      stop.abort()
      deadline = setTimeout(() => cancel.abort(), Math.min(grace, longestTimer))
    },
    left: () => [
      ...[...working.values()].map(({claim, db}) => whereabouts(claim.job, db?.backend ?? null)),
      ...unwritten.map(({claim, outcome}) =>
        whereabouts(claim.job, outcome.kind === 'unsettled' ? outcome.backend : null),
      ),
    ],
    async ended() {
      await Promise.allSettled([...working.values()].map((entry0) => entry0.ended))
      clearTimeout(deadline)
      clearInterval(heartbeat)
      for (let tries = 1; tries <= lastTries; tries += 1) {
        await write().catch(() => {})
        if (unwritten.length === 0) break
        await sleep(lastPause)
      }
      await pool.close()
    },
  }
}

/** What is not tried again: a run by hand whose process died, and what a paused or removed job left behind. */
function hopelessClaim(claim: Claim | TakenOver): Outcome | null {
  if (!('claimedBefore' in claim)) return null
  const who = claim.claimedBefore ?? 'a daemon'
  const failed = (error: string): Outcome => ({kind: 'ended', status: 'failed', reason: null, error, detail: null})
  if (claim.scheduledAt === null) return failed(`${who} fell silent while it ran this by hand`)
  if (claim.state === 'active') return null
  return failed(claim.error ?? `${who} fell silent at it, and the job is ${claim.state}`)
}

function whereabouts(job: string, backend: {pid: number} | null): string {
  return backend === null ? job : `${job} (server process ${backend.pid})`
}

function hangWords(failed: FinalOutcome): string {
  return ('error' in failed ? failed.error : null) ?? 'its step did not end when it was cancelled'
}
