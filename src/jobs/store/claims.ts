/** Claims of occurrences: taken, renewed, reclaimed from a daemon that stopped, and checked in every step. */
import type {Job} from '../../config/jobs.js'
import type {Backend, Database, Db} from '../../db/database.js'
import {preparedQicore} from '../../db/load-qicore-sql.js'
import {prepared} from '../../db/load-sql.js'
import {pipelined} from '../../db/transaction.js'
import {ExitCode, OpsError} from '../../errors.js'
import {assertStillHeld} from '../../run/guard.js'
import type {Decision, ScheduleVersion} from '../../schedule/due.js'
import {command} from '../../units/command.js'
import {instantFromMillis, type Instant} from '../../units/instant.js'
import {readJobs, type LedgerJob} from './ledger-jobs.js'
import {askLedger, ledgerWrite, millisOf, type Identity} from './ledger.js'
import {finishStatement, type EndedClaim} from './results.js'

/** An occurrence that this process has claimed. Times are milliseconds since 1970. */
export interface Claim {
  id: number
  token: number
  job: string
  /** Null for a run by hand. */
  scheduledAt: number | null
  startedAt: number
  attempts: number
  /** Seconds from the due time to the start. */
  late: number
}

export interface TakenOver extends Claim {
  /** The daemon whose lease expired; null if the claim was released. */
  claimedBefore: string | null
  /** The error of the previous attempt. */
  error: string | null
  state: ScheduleVersion['state']
}

export interface ClaimRequest {
  job: Job
  state: LedgerJob
  decision: Decision
}

export interface Advanced {
  job: string
  /** Null if the due times were only skipped. */
  claim: Claim | null
}

/** A row of sql/jobs/claim.sql. */
interface ClaimedRow {
  job: string
  id: number | null
  token: number
  started_at: Instant
  late: number
  now: Instant
}

/**
 * Records results, then the decisions, and claims the runs: all in one transaction and one message, because a free slot
 * usually means that a run has just ended. A job that another daemon has advanced is missing in `advanced`.
 * @param lease seconds
 * @returns `finished`: the ids of the ended claims that this process still held
 */
export async function claim(
  db: Database,
  claimRequests: readonly ClaimRequest[],
  me: Identity,
  lease: number,
  ended: readonly EndedClaim[] = [],
): Promise<{advanced: Advanced[]; finished: Set<number>; now: number | null}> {
  const asked = claimRequests.map(({job, state, decision}) => ({
    job: job.name,
    operation: job.kind,
    revision: state.revision,
    last_at: state.lastAtExact,
    to_at: instantFromMillis(decision.to),
    due_at: instantFromMillis(decision.dueAt),
    scheduled_at: decision.run === null ? null : instantFromMillis(decision.run),
    skips: decision.skips.map(({at, reason}) => ({at: instantFromMillis(at), reason})),
  }))
  const values = [JSON.stringify(asked), me.id, lease, me.actor, me.targetHost]
  const [finished, rows] = await pipelined(db, ledgerWrite(db), (tx) => [
    ended.length > 0 ? tx.query<{id: number}>(finishStatement(ended)) : [],
    tx.query<ClaimedRow>(preparedQicore(db.server, 'jobs/claim', values)),
  ])
  const runAt = new Map(claimRequests.map(({job, decision}) => [job.name, decision.run]))
  const advanced = rows.map(({job, id, token, started_at, late}) => ({
    job,
    claim:
      id === null
        ? null
        : {id, token, job, scheduledAt: runAt.get(job) ?? null, startedAt: Date.parse(started_at), attempts: 1, late},
  }))
  return {advanced, finished: new Set(finished.map(({id}) => id)), now: millisOf(rows[0]?.now ?? null)}
}

/** Claims a job for a run by hand. @throws OpsError RUNNING if it is already running */
export async function claimNow(db: Database, job: Job, me: Identity, lease: number): Promise<Claim> {
  const [row] = await askLedger<{id: number; token: number; started_at: Instant}>(db, 'claim-now', [
    job.name,
    job.kind,
    me.id,
    lease,
    me.actor,
    me.targetHost,
  ])
  if (row)
    return {
      id: row.id,
      token: row.token,
      job: job.name,
      scheduledAt: null,
      startedAt: Date.parse(row.started_at),
      attempts: 1,
      late: 0,
    }
  throw isRunning(job, (await readJobs(db, [job.name]))[0])
}

function isRunning({name}: Job, known: LedgerJob | undefined): OpsError {
  const since = known?.startedAt ? instantFromMillis(known.startedAt) : 'an unknown time'
  const left = known?.leaseSeconds ?? null
  return new OpsError('RUNNING', `${name} is already running, claimed by ${known?.claimedBy ?? '-'} since ${since}.`, {
    exit: ExitCode.lockHeld,
    suggestions: [
      `Wait for it to end (--wait 10min): ${command('jobs list')}`,
      left !== null && left > 0
        ? `If its process was killed, run it again in ${Math.ceil(left)} s, when its claim expires.`
        : `Its claim has expired, but its last statement is still running in the server: ${command('activity')}`,
    ],
  })
}

export async function reclaimExpired(
  db: Database,
  known: readonly string[],
  me: Identity,
  lease: number,
  atMost: number,
): Promise<TakenOver[]> {
  const values = [known, me.id, lease, atMost, db.server.embedded, false]
  return (await askLedger<ReclaimedRow>(db, 'reclaim', values)).map(takenOver)
}

/**
 * Reclaims a job for a run by hand, if its claim has expired or was released: a run that waits for its retry is not
 * running, and no daemon may ever come for it. Null if there is no such claim.
 */
export async function reclaimNow(db: Database, job: Job, me: Identity, lease: number): Promise<TakenOver | null> {
  const values = [[job.name], me.id, lease, 1, db.server.embedded, true]
  const [row] = await askLedger<ReclaimedRow>(db, 'reclaim', values)
  return row === undefined ? null : takenOver(row)
}

/** A row of sql/jobs/reclaim.sql. */
interface ReclaimedRow {
  id: number
  token: number
  job: string
  scheduled_at: Instant | null
  started_at: Instant
  attempts: number
  claimed_before: string | null
  error: string | null
  state: ScheduleVersion['state']
}

function takenOver(row: ReclaimedRow): TakenOver {
  return {
    id: row.id,
    token: row.token,
    job: row.job,
    scheduledAt: millisOf(row.scheduled_at),
    startedAt: Date.parse(row.started_at),
    attempts: row.attempts,
    late: row.scheduled_at === null ? 0 : (Date.parse(row.started_at) - Date.parse(row.scheduled_at)) / 1000,
    claimedBefore: row.claimed_before,
    error: row.error,
    state: row.state,
  }
}

/** Renews the leases. Returns the ids of the claims that this process still holds. */
export async function renew(db: Database, claims: readonly Claim[], lease: number): Promise<Set<number>> {
  const rows = await askLedger<{id: number}>(db, 'renew', [
    claims.map(({id}) => id),
    claims.map(({token}) => token),
    lease,
  ])
  return new Set(rows.map(({id}) => id))
}

/** The pids of those server processes that will not answer any more, as far as the login role can see. */
export async function silentBackends(
  db: Database,
  backends: readonly Backend[],
  seconds: number,
): Promise<Set<number>> {
  if (backends.length === 0) return new Set()
  const rows = await db.query<{pid: number}>(
    prepared('jobs/silent-backends', [backends.map(({pid}) => pid), backends.map(({startedAt}) => startedAt), seconds]),
  )
  return new Set(rows.map(({pid}) => pid))
}

/** Checks the claim; sent first in every transaction of a step. @throws OpsError CLAIM_LOST */
export function fenceOf({id, token}: Claim, silence: number): (tx: Db) => Promise<void> {
  const held = prepared('jobs/fence', [id, token, String(Math.round(silence * 1000))])
  return assertStillHeld(
    held,
    () => new OpsError('CLAIM_LOST', 'Another daemon has reclaimed this occurrence.', {exit: ExitCode.lockHeld}),
  )
}
