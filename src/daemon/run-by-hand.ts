import {randomBytes} from 'node:crypto'
import {hostname} from 'node:os'
import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {JobContext} from '../jobs/kind.js'
import type {Progress} from '../plan/run-step.js'
import {claimNow, finish, renew, wishOf, type Identity} from './ledger.js'
import type {Outcome} from './outcome.js'
import {runOccurrence} from './run-occurrence.js'

export interface ByHandOptions {
  context: Omit<JobContext, 'now' | 'job' | 'leaveToCron'>
  actor: string
  version: string
  now: number
  skewed: boolean
  stop: AbortSignal
  cancel: AbortSignal
  onProgress(progress: Progress): void
}

const lease = 60

/**
 * Runs a job once, now, in the ledger like an occurrence but without an instant. Never beside a run that is at work.
 * @throws OpsError RUNNING (exit 5)
 */
export async function runByHand(db: Database, job: Job, options: ByHandOptions): Promise<{outcome: Outcome; id: number}> {
  const {actor, version} = options
  const me: Identity = {id: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`, host: hostname(), pid: process.pid, version, actor, targetHost: db.server.host ?? hostname()}
  await db.query(statement(loadSql('daemon/declare-new'), [wishOf([job]), actor]), {readOnly: false, lockTimeout: 5_000, statementTimeout: 30_000, role: db.target.role})
  const claim = await claimNow(db, job, me, lease)
  const began = performance.now()
  const lost = new AbortController()
  const worker = db.server.embedded ? db : await db.another()
  const heartbeat = setInterval(() => {
    renew(db, [claim], lease).then((ours) => ours.size === 0 && lost.abort(), () => {})
  }, (lease * 1000) / 3)
  try {
    const outcome = await runOccurrence(worker, job, claim, {
      context: options.context,
      silence: lease,
      holder: `${actor}, pid ${process.pid}, jobs run ${job.name}`,
      now: () => options.now + (performance.now() - began),
      skewed: () => options.skewed,
      stop: options.stop,
      cancel: options.cancel,
      lost: lost.signal,
      onProgress: options.onProgress,
    }, () => void worker.close().catch(() => {}))
    // Nobody takes up what a person has broken off.
    const ending: Outcome = outcome.kind === 'again' ? {kind: 'ended', status: 'failed', reason: null, error: outcome.error ?? 'interrupted', detail: null} : outcome
    if (ending.kind === 'ended') await finish(db, claim, ending)
    return {outcome: outcome.kind === 'again' && outcome.error === null ? outcome : ending, id: claim.id}
  } finally {
    clearInterval(heartbeat)
    if (worker !== db) await worker.close().catch(() => {})
  }
}
