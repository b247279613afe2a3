import {randomBytes} from 'node:crypto'
import {hostname} from 'node:os'
import {setTimeout as sleep} from 'node:timers/promises'
import type {Job} from '../../config/jobs.js'
import type {Database} from '../../db/database.js'
import type {JobContext} from '../kind.js'
import type {LockWait} from '../../run/lock-wait.js'
import type {Progress} from '../../run/run-step.js'
import {systemClock} from '../../units/process-clock.js'
import {claimNow, renew, type Claim} from '../store/claims.js'
import {declareRequest, declareStatement} from '../store/ledger-jobs.js'
import type {Identity} from '../store/ledger.js'
import {finish} from '../store/results.js'
import type {FinalOutcome, Unsettled} from './outcome.js'
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
}

const lease = 60

/**
 * Runs a job once, now, recorded in the ledger without a due time. Refused while the job is running.
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
  const claim = await claimNow(db, job, me, lease)
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
    // No daemon continues a run by hand that was interrupted.
    const ending: FinalOutcome =
      outcome.kind === 'retry'
        ? {kind: 'ended', status: 'failed', reason: null, error: outcome.error ?? 'interrupted', detail: null}
        : outcome
    if (ending.kind === 'ended') await finish(db, claim, ending)
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
