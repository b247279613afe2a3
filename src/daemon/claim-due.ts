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
  /** Called if another daemon has advanced the job, so that it must be read again. */
  onStale(job: string): void
}

/**
 * The requests of all due jobs: first those that only skip, which need no free slot, then the runs, the job that has
 * waited longest first.
 */
export function dueRequests({registry, trouble, workerPool}: ClaimDueOptions, now: number): ClaimRequest[] {
  const due: (ClaimRequest & {since: number})[] = []
  for (const entry of registry.entries()) {
    if (entry.due.wakeAt === null || entry.due.wakeAt > now || trouble.wait(entry.job.name) > 0) continue
    // Until the result is recorded, the job counts as running: its next due time would be skipped.
    if (workerPool.hasResult(entry.job.name)) continue
    const {decision} = registry.reckon(entry, now)
    if (decision !== null) due.push({job: entry.job, state: entry.state!, decision, since: waitsSince(entry)})
  }
  const runs = due.filter(({decision}) => decision.run !== null).sort((a, b) => a.since - b.since)
  return [...due.filter(({decision}) => decision.run === null), ...runs.slice(0, workerPool.reserve(runs.length))]
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
export async function claimDue(options: ClaimDueOptions, requests: readonly ClaimRequest[]): Promise<void> {
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
