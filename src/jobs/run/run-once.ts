import {randomBytes} from 'node:crypto'
import {hostname} from 'node:os'
import {setTimeout as sleep} from 'node:timers/promises'
import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import type {JobContext} from '../kind.js'
import type {LockWait} from '../../run/lock-wait.js'
import type {Progress} from '../../run/run-step.js'
import {systemClock} from '../../units/process-clock.js'
import {claimNow, reclaimNow, renew, type Claim, type TakenOver} from '../store/claims.js'
import {declareRequest, declareStatement} from '../store/ledger-jobs.js'
import type {Identity} from '../store/ledger.js'
import {finish, release} from '../store/results.js'
import {outcomeWithoutRetry, type FinalOutcome, type Unsettled} from './outcome.js'
import {attempt} from './attempt.js'
import {runOccurrence} from './run-occurrence.js'
import {settle, settleStore} from './settle.js'

export interface ByHandOptions {
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  actor: string
  version: string
  now: number
  skewed: boolean
  stop: AbortSignal
  cancel: AbortSignal
  /** How long the run waits for the lock of another run; 10 s by default. */
  lockWait?: LockWait | undefined
  onProgress(progress: Progress): void
  /** The run continues an occurrence that had failed, or whose daemon stopped. */
  onContinue?(claim: TakenOver): void
}

const lease = 60

/**
 * Claims the job. A run that no process holds any more is continued if a daemon would try it again, and is otherwise
 * recorded as failed.
 * @throws OpsError RUNNING (exit 5)
 */
async function claimByHand(db: Database, job: Job, me: Identity): Promise<Claim | TakenOver> {
  const left = await reclaimNow(db, job, me, lease)
  const ended = left === null ? null : outcomeWithoutRetry(left)
  if (left !== null && ended === null) return left
  if (left !== null && ended?.kind === 'ended') await finish(db, left, ended)
  return claimNow(db, job, me, lease)
}

/**
 * Runs a job once, now, recorded in the ledger without a due time; an occurrence that waits for its next attempt is
 * continued instead. Refused while the job is running.
 * @throws OpsError RUNNING (exit 5)
 */
export async function runByHand(
  db: Database,
  job: Job,
  options: ByHandOptions,
): Promise<{outcome: FinalOutcome; id: number}> {
  const {actor, version} = options
  const me: Identity = {
    id: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`,
    host: hostname(),
    pid: process.pid,
    version,
    actor,
    targetHost: db.server.host ?? hostname(),
  }
  await db.query(declareStatement(db, declareRequest([job]), actor), {
    readOnly: false,
    lockTimeout: 5_000,
    statementTimeout: 30_000,
    role: db.target.role,
  })
  const claim = await claimByHand(db, job, me)
  if ('claimedBefore' in claim) options.onContinue?.(claim)
  const began = performance.now()
  const lost = new AbortController()
  const worker = db.server.embedded ? db : await db.openSession()
  const heartbeat = setInterval(
    () => {
      renew(db, [claim], lease).then(
        (ours) => ours.size === 0 && lost.abort(),
        () => {},
      )
    },
    (lease * 1000) / 3,
  )
  try {
    const tried = await runOccurrence(
      {
        get backend() {
          return worker.backend
        },
        attempt: (...[, , run, at]) => attempt(worker, job, claim, {...run, context: options.context}, at),
      },
      job,
      claim,
      {
        clock: systemClock,
        silence: lease,
        holder: `${actor}, pid ${process.pid}, jobs run ${job.name}`,
        now: () => options.now + (performance.now() - began),
        skewed: () => options.skewed,
        lockWait: options.lockWait,
        stop: options.stop,
        cancel: options.cancel,
        lost: lost.signal,
        onProgress: options.onProgress,
      },
      () => worker.abort(),
    )
    const outcome = tried.kind === 'unsettled' ? await settleNow(db, job, claim, tried) : tried
    if (outcome === null) return {outcome: stillAtWork(tried as Unsettled), id: claim.id}
    // No daemon continues a run by hand that was interrupted, unless it continues an occurrence.
    const ending: FinalOutcome =
      outcome.kind === 'retry'
        ? {kind: 'ended', status: 'failed', reason: null, error: outcome.error ?? 'interrupted', detail: null}
        : outcome
    if (outcome.kind === 'retry' && claim.scheduledAt !== null) await release(db, claim, outcome)
    else if (ending.kind === 'ended') await finish(db, claim, ending)
    return {outcome: outcome.kind === 'retry' && outcome.error === null ? outcome : ending, id: claim.id}
  } finally {
    clearInterval(heartbeat)
    if (worker !== db) await worker.close().catch(() => {})
  }
}

/** Waits up to 10 s until the server has ended an abandoned step; null if it has not. */
async function settleNow(db: Database, job: Job, claim: Claim, unsettled: Unsettled): Promise<FinalOutcome | null> {
  for (let tries = 1; tries <= 20; tries += 1) {
    const settled = await settle(settleStore(db), job, claim, unsettled)
    if (settled.state === 'lost') return {kind: 'lost'}
    if (settled.state === 'written') return settled.outcome
    await sleep(500)
  }
  return null
}

/** The ledger keeps "running" until the claim expires: it must not record "failed" for a step that may still commit. */
function stillAtWork({backend}: Unsettled): FinalOutcome {
  const where = backend === null ? 'the server' : `server process ${backend.pid}`
  return {
    kind: 'ended',
    status: 'failed',
    reason: null,
    error: `its step is still running in ${where} and may still take effect`,
    detail: null,
  }
}
