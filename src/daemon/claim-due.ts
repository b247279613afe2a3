import type {Emit} from '../jobs/events.js'
import type {ClaimRequest} from '../jobs/store/claims.js'
import type {JobRegistry, RegistryEntry} from './job-registry.js'
import type {LedgerTrouble} from './ledger-trouble.js'
import {isConnectionError, isReadOnly} from './reconnect.js'
import type {WorkerPool} from './worker-pool.js'

export interface ClaimDueOptions {
  registry: JobRegistry
  workerPool: WorkerPool
  trouble: LedgerTrouble
  emit: Emit
  /** Whether jobs may be claimed before a slot is free. */
  mayClaimAhead(): boolean
  /** Called if another daemon has advanced the job, so that it must be read again. */
  onStale(job: string): void
}

/** The most claims in a round: other work of the scheduler must not wait for a backlog. */
const mostClaims = 20

/** The most runs in one claim: the first ones start while the server claims the next. */
const claimBatch = 32

/**
 * Claims until nothing is due, and records the results of finished runs with the claims or else alone.
 * @param now milliseconds since 1970 by the database's clock
 * @param mayClaim whether another claim may follow
 * @throws if the connection is lost or the server is read-only
 */
export async function claimWhatIsDue(
  options: ClaimDueOptions,
  now: () => number,
  mayClaim: () => boolean,
): Promise<void> {
  const {workerPool} = options
  let written = false
  for (let turn = 0; turn < mostClaims && mayClaim(); turn += 1) {
    const requests = dueRequests(options, now())
    if (requests.length > 0) {
      await claimDue(options, requests)
      // Whatever is due now waits for a slot: when one is free, the next round begins.
      if (workerPool.waitsForSlot) break
    } else {
      if (written || !workerPool.hasResults()) break
      // A job whose result is recorded may be due again.
      written = true
      await workerPool.write()
    }
  }
  if (!written && workerPool.hasResults()) await workerPool.write()
}

/**
 * Milliseconds after which the decision about a job that waits for a slot is made again. Making it for all of them each
 * time a slot is free took most of the daemon's time while a hundred jobs were due together.
 */
const decisionHolds = 1_000

/**
 * The requests of all due jobs: first those that only skip, which need no free slot, then the runs, the job that has
 * waited longest first.
 */
function dueRequests({registry, trouble, workerPool, mayClaimAhead}: ClaimDueOptions, now: number): ClaimRequest[] {
  const requests: ClaimRequest[] = []
  const runs: RegistryEntry[] = []
  /** @returns whether the job is to be run; what is only skipped is requested */
  const isRun = (entry: RegistryEntry): boolean => {
    const {decision} = registry.reckon(entry, now)
    if (decision === null || decision.run !== null) return decision !== null
    requests.push({job: entry.job, state: entry.state!, decision})
    return false
  }
  for (const entry of registry.entries()) {
    if (entry.due.wakeAt === null || entry.due.wakeAt > now || trouble.wait(entry.job.name) > 0) continue
    // Until the result is recorded, the job counts as running: its next due time would be skipped.
    if (workerPool.hasResult(entry.job.name)) continue
    if (waitsForSlot(entry, now) || isRun(entry)) runs.push(entry)
  }
  const order = new Map(runs.map((entry) => [entry, waitsSince(entry)]))
  runs.sort((a, b) => order.get(a)! - order.get(b)!)
  const next = runs.slice(0, claimBatch)
  const ahead = mayClaimAhead() ? next.map(({job}) => job.name) : []
  const first = next.slice(0, workerPool.reserve(next.length, ahead))
  for (const entry of first)
    if (entry.reckonedAt === now || isRun(entry))
      requests.push({job: entry.job, state: entry.state!, decision: entry.due.decision!})
  return requests
}

/** Whether it was decided a short time ago that the job is to be run, and nothing but a slot was missing. */
function waitsForSlot({due: {decision}, reckonedAt}: RegistryEntry, now: number): boolean {
  const age = now - reckonedAt
  return decision !== null && decision.run !== null && age >= 0 && age < decisionHolds
}

/**
 * Since when a job could have been run. The time of its previous run does not count: otherwise the backlog of one job
 * would always be older than what all others wait for, and with few slots no other job would ever run.
 */
function waitsSince({due, state}: RegistryEntry): number {
  return Math.max(due.waitingSince ?? -Infinity, state?.freeAt ?? -Infinity)
}

/**
 * Claims the due jobs and starts them; results of finished runs are recorded in the same transaction. If it fails, the
 * results are recorded alone, and each job is claimed alone.
 */
async function claimDue(options: ClaimDueOptions, requests: readonly ClaimRequest[]): Promise<void> {
  try {
    await advance(options, requests)
  } catch (error) {
    if (isGone(error)) throw error
    await options.workerPool.write()
    await advanceEach(options, requests)
  } finally {
    options.workerPool.releaseReserved()
  }
}

async function advance(options: ClaimDueOptions, requests: readonly ClaimRequest[]): Promise<void> {
  const {registry, workerPool, trouble, emit} = options
  const {advanced} = await workerPool.claim(requests)
  const byJob = new Map(advanced.map((one) => [one.job, one]))
  for (const {job, state, decision} of requests) {
    const one = byJob.get(job.name)
    if (one === undefined) {
      options.onStale(job.name)
      continue
    }
    registry.advanced(job.name, decision.to, one.claim !== null || state.running)
    for (const [reason, instants] of byReason(decision.skips))
      emit({
        event: 'instants_skipped',
        job: job.name,
        reason,
        count: instants.length,
        first: instants[0]!,
        last: instants.at(-1)!,
      })
    if (one.claim) workerPool.take(one.claim)
    trouble.worked(job.name, !trouble.fails(null))
  }
  if (advanced.length > 0) trouble.worked(null, true)
}

/** One failing job must not stop the others. If all of them fail, the ledger itself is at fault. */
async function advanceEach(options: ClaimDueOptions, requests: readonly ClaimRequest[]): Promise<void> {
  const {trouble} = options
  const failures: {job: string; error: unknown}[] = []
  for (const request of requests) {
    try {
      await advance(options, [request])
    } catch (error) {
      if (isGone(error)) throw error
      failures.push({job: request.job.name, error})
    }
  }
  if (requests.length > 1 && failures.length === requests.length) trouble.failed(null, failures[0]!.error)
  for (const {job, error} of failures) trouble.failed(job, error, !trouble.fails(null))
}

/** The connection is lost, or the server is read-only: an error that affects every job. */
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
