/** Claims of occurrences: taken, renewed, reclaimed from a daemon that stopped, and checked in every step. */
import type {Job} from '../../config/jobs.js'
import type {Backend, Database, Db} from '../../db/database.js'
import {prepared} from '../../db/load-sql.js'
import {ExitCode, OpsError} from '../../errors.js'
import {assertStillHeld} from '../../run/guard.js'
import type {Decision, ScheduleVersion} from '../../schedule/due.js'
import {command} from '../../units/command.js'
import {instantFromMillis, type Instant} from '../../units/instant.js'
import {readJobs, type LedgerJob} from './ledger-jobs.js'
import {askLedger, millisOf, type Identity} from './ledger.js'

/** An occurrence that is ours to run. */
export interface Claim {
  id: number
  token: number
  job: string
  /** Null for a run by hand. */
  scheduledAt: number | null
  startedAt: number
  attempts: number
  /** Seconds from when it was due to when it was begun. */
  late: number
}

export interface TakenOver extends Claim {
  /** The daemon that fell silent; null where the claim was given back. */
  claimedBefore: string | null
  /** Why the try before failed. */
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
  /** Null where the instants were only skipped. */
  claim: Claim | null
}

/** Accounts for what was decided and claims what is to be run; a job that is not in the answer was not ours to move. */
export async function claim(
  db: Database,
  claimRequests: readonly ClaimRequest[],
  me: Identity,
  lease: number,
): Promise<{advanced: Advanced[]; now: number | null}> {
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
  const rows = await askLedger<{
    job: string
    id: number | null
    token: number
    started_at: Instant
    late: number
    now: Instant
  }>(db, 'claim', [JSON.stringify(asked), me.id, lease, me.actor, me.targetHost])
  const runAt = new Map(claimRequests.map(({job, decision}) => [job.name, decision.run]))
  const advanced = rows.map(({job, id, token, started_at, late}) => ({
    job,
    claim:
      id === null
        ? null
        : {id, token, job, scheduledAt: runAt.get(job) ?? null, startedAt: Date.parse(started_at), attempts: 1, late},
  }))
  return {advanced, now: millisOf(rows[0]?.now ?? null)}
}

/**
 * Claims a job for a run by hand. @throws OpsError RUNNING where it runs already, NO_SUCH_JOB where it is not declared
 */
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
  const known = (await readJobs(db, [job.name]))[0]
  throw new OpsError(
    'RUNNING',
    `${job.name} runs already, claimed by ${known?.claimedBy ?? 'a daemon that is gone'} since ${known?.startedAt ? instantFromMillis(known.startedAt) : 'an unknown time'}.`,
    {
      exit: ExitCode.lockHeld,
      suggestions: [
        `Wait for it to end (--wait 10min): ${command('jobs list')}`,
        'A run whose process was killed frees its job within two minutes.',
      ],
    },
  )
}

export async function reclaimExpired(
  db: Database,
  known: readonly string[],
  me: Identity,
  lease: number,
  atMost: number,
): Promise<TakenOver[]> {
  interface ClaimRow {
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
  const rows = await askLedger<ClaimRow>(db, 'reclaim', [known, me.id, lease, atMost, db.server.embedded])
  return rows.map((row) => ({
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
  }))
}

/** The heartbeat. Ids of the claims that are still ours. */
export async function renew(db: Database, claims: readonly Claim[], lease: number): Promise<Set<number>> {
  const rows = await askLedger<{id: number}>(db, 'renew', [
    claims.map(({id}) => id),
    claims.map(({token}) => token),
    lease,
  ])
  return new Set(rows.map(({id}) => id))
}

/** Pids of those server processes, as the login role sees them, that will not answer any more. */
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

/** First in every transaction of a step. @throws OpsError CLAIM_LOST */
export function fenceOf({id, token}: Claim, silence: number): (tx: Db) => Promise<void> {
  const held = prepared('jobs/fence', [id, token, String(Math.round(silence * 1000))])
  return assertStillHeld(
    held,
    () => new OpsError('CLAIM_LOST', 'Another daemon has taken this occurrence over.', {exit: ExitCode.lockHeld}),
  )
}
