/** The ledger of occurrences: what a daemon says to the tables of sql/migrations/core/0010_occurrences.sql. */
import type {Job} from '../../config/jobs.js'
import type {Backend, Database, Db, TransactionSettings} from '../../db/database.js'
import {loadSql, prepared} from '../../db/load-sql.js'
import {statement, type Statement, type Value} from '../../db/sql.js'
import {ExitCode, OpsError} from '../../errors.js'
import {assertStillHeld} from '../../run/guard.js'
import type {Instant} from '../../units/instant.js'
import type {Decision, Epoch, JobState} from '../../schedule/due.js'
import {command} from '../../units/command.js'

/** Who claims. */
export interface Identity {
  id: string
  host: string
  pid: number
  version: string
  actor: string
  targetHost: string
}

/** A job as the ledger has it. `lastAt` and `revision` are what a claim is checked against. */
export interface LedgerJob extends JobState {
  name: string
  kind: string
  revision: number
  /** To the microsecond. */
  lastAtExact: Instant
  /** Seconds until the claim of the run at work may be taken over. */
  leaseSeconds: number | null
  startedAt: number | null
  claimedBy: string | null
}

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
  state: Epoch['state']
}

export type Ending = 'done' | 'late-done' | 'failed' | 'skipped'

/** A question to the ledger takes milliseconds: where none is answered for so long, the server is given up. */
export const ledgerWrite = (db: Database): TransactionSettings => ({
  readOnly: false,
  lockTimeout: 5_000,
  statementTimeout: 10_000,
  role: db.target.role,
})

const ask = <Row extends object>(db: Database, name: string, values: readonly Value[] = []) =>
  db.query<Row>(prepared(`daemon/${name}`, values), ledgerWrite(db))

interface JobRow {
  name: string
  kind: string
  revision: number
  last_at: Instant
  running: number | null
  free_at: Instant | null
  lease_seconds: number | null
  started_at: Instant | null
  claimed_by: string | null
  calendars: (Omit<Epoch, 'validFrom'> & {validFrom: string})[]
}

const ms = (instant: Instant | null): number | null => (instant === null ? null : Date.parse(instant))

/** The jobs of the ledger: all, or those named. */
export async function readJobs(db: Database, names: readonly string[] | null = null): Promise<LedgerJob[]> {
  const rows = await db.query<JobRow>(statement(loadSql('daemon/jobs'), [names]))
  return rows.map((row) => ({
    name: row.name,
    kind: row.kind,
    revision: row.revision,
    lastAtExact: row.last_at,
    lastAt: Date.parse(row.last_at),
    running: row.running !== null,
    freeAt: ms(row.free_at),
    leaseSeconds: row.lease_seconds,
    startedAt: ms(row.started_at),
    claimedBy: row.claimed_by,
    epochs: row.calendars.map((epoch) => ({...epoch, validFrom: Date.parse(epoch.validFrom)})),
  }))
}

/** Jobs as they are declared to the ledger: a runner only where one is named, so that `auto` leaves what `cron install` did. */
export function claimRequestOf(jobs: readonly Job[]): string {
  return JSON.stringify(
    jobs.map(({name, kind, schedule, timezone, runner}) => ({
      name,
      kind,
      schedule,
      timezone,
      runner: runner === 'auto' ? null : runner,
      commands: null,
      told: runner !== 'auto',
    })),
  )
}

/** Makes what is declared known: new calendars, changed ones, ones that ended. Says in words what it did. */
export async function declare(db: Database, jobs: readonly Job[], actor: string): Promise<string[]> {
  const request = claimRequestOf(jobs)
  const settings = {readOnly: false, lockTimeout: 10_000, statementTimeout: 60_000, role: db.target.role}
  return db.transaction(settings, async (tx) => {
    const run = (name: string, values: readonly Value[]) =>
      tx.query<{job: string; reason?: string}>(statement(loadSql(`daemon/${name}`), values))
    const changed = await run('declare-changed', [request, actor])
    const made = await run('declare-new', [request, actor])
    const gone = await run('declare-gone', [jobs.map(({name}) => name), actor])
    return [
      ...made.map(({job}) => `${job}: new`),
      ...changed.map(({job, reason}) => `${job}: ${reason}`),
      ...gone.map(({job}) => `${job}: not declared any more`),
    ]
  })
}

export interface ClaimRequest {
  job: Job
  state: LedgerJob
  decision: Decision
}

export interface Moved {
  job: string
  /** Null where the instants were only skipped. */
  claim: Claim | null
}

const iso = (instant: number) => new Date(instant).toISOString()

/** Accounts for what was decided and claims what is to be run; a job that is not in the answer was not ours to move. */
export async function claim(
  db: Database,
  claimRequests: readonly ClaimRequest[],
  me: Identity,
  lease: number,
): Promise<{advanced: Moved[]; now: number | null}> {
  const asked = claimRequests.map(({job, state, decision}) => ({
    job: job.name,
    operation: job.kind,
    revision: state.revision,
    last_at: state.lastAtExact,
    to_at: iso(decision.to),
    due_at: iso(decision.dueAt),
    run_at: decision.run === null ? null : iso(decision.run),
    skips: decision.skips.map(({at, reason}) => ({at: iso(at), reason})),
  }))
  const rows = await ask<{
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
  return {advanced, now: ms(rows[0]?.now ?? null)}
}

/** Claims a job for a run by hand. @throws OpsError RUNNING where it runs already, NO_SUCH_JOB where it is not declared */
export async function claimNow(db: Database, job: Job, me: Identity, lease: number): Promise<Claim> {
  const [row] = await ask<{id: number; token: number; started_at: Instant}>(db, 'claim-now', [
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
    `${job.name} runs already, claimed by ${known?.claimedBy ?? 'a daemon that is gone'} since ${known?.startedAt ? iso(known.startedAt) : 'an unknown time'}.`,
    {
      exit: ExitCode.lockHeld,
      suggestions: [
        `Wait for it to end: ${command('jobs list')}`,
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
  interface Row {
    id: number
    token: number
    job: string
    scheduled_at: Instant | null
    started_at: Instant
    attempts: number
    claimed_before: string | null
    error: string | null
    state: Epoch['state']
  }
  const rows = await ask<Row>(db, 'take-over', [known, me.id, lease, atMost, db.server.embedded])
  return rows.map((row) => ({
    id: row.id,
    token: row.token,
    job: row.job,
    scheduledAt: ms(row.scheduled_at),
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
  const rows = await ask<{id: number}>(db, 'renew', [claims.map(({id}) => id), claims.map(({token}) => token), lease])
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
    prepared('daemon/silent-backends', [
      backends.map(({pid}) => pid),
      backends.map(({startedAt}) => startedAt),
      seconds,
    ]),
  )
  return new Set(rows.map(({pid}) => pid))
}

/** How an occurrence ended. */
export interface Ended {
  status: Ending
  reason?: string | null
  error?: string | null
  detail?: object | null
}

/** Ends several at once, in one commit. Ids of those that were still ours. */
export async function finishAll(
  db: Database,
  all: readonly (Ended & {claim: Pick<Claim, 'id' | 'token'>})[],
): Promise<Set<number>> {
  if (all.length === 0) return new Set()
  const rows = await db.query<{id: number}>(finishStatement(all), ledgerWrite(db))
  return new Set(rows.map(({id}) => id))
}

export function finishStatement(all: readonly (Ended & {claim: Pick<Claim, 'id' | 'token'>})[]): Statement {
  const asked = all.map(({claim: {id, token}, status, reason = null, error = null, detail = null}) => ({
    id,
    token,
    status,
    reason,
    error,
    detail,
  }))
  return prepared('daemon/finish', [JSON.stringify(asked)])
}

/** False where another daemon has taken the claim over. */
export async function finish(db: Database, claim: Claim, ending: Ended): Promise<boolean> {
  return (await finishAll(db, [{...ending, claim}])).has(claim.id)
}

/** What is given back: to be taken by any daemon after so many seconds. `uncounted`: this try does not count. */
export interface GivenBack {
  seconds: number
  error: string | null
  countsAsAttempt: boolean
}

/** False where the claim was not ours any more. */
export async function release(db: Database, claim: Claim, given: GivenBack): Promise<boolean> {
  return (await db.query(releaseStatement(claim, given), ledgerWrite(db))).length > 0
}

export function releaseStatement({id, token}: Claim, {seconds, error, countsAsAttempt}: GivenBack): Statement {
  return prepared('daemon/release', [id, token, seconds, error, countsAsAttempt ? 0 : 1])
}

/** First in every transaction of a step. @throws OpsError CLAIM_LOST */
export function fenceOf({id, token}: Claim, silence: number): (tx: Db) => Promise<void> {
  const held = prepared('daemon/fence', [id, token, String(Math.round(silence * 1000))])
  return assertStillHeld(
    held,
    () => new OpsError('CLAIM_LOST', 'Another daemon has taken this occurrence over.', {exit: ExitCode.lockHeld}),
  )
}

export interface Heartbeat {
  /** The clock that calendars are read by. */
  now: number
  /** Milliseconds that this machine's clock is ahead of the server's, as far as the way there and back lets it be known. */
  skew: number
  /** Daemons beside this one. */
  others: number
}

export async function heartbeat(db: Database, {id, host, pid, version, actor}: Identity): Promise<Heartbeat> {
  const asked = Date.now()
  const [row] = await ask<{now: Instant; clock: Instant; others: number}>(db, 'hello', [id, host, pid, version, actor])
  return {
    now: Date.parse(row!.now),
    skew: skewOf(asked, Date.parse(row!.clock), Date.now()),
    others: db.server.embedded ? 0 : row!.others,
  }
}

/** What the two clocks show, asked now: a time that was read before a person answered a question says nothing any more. */
export async function readClocks(db: Database): Promise<Pick<Heartbeat, 'now' | 'skew'>> {
  const asked = Date.now()
  const [row] = await db.query<{now: Instant; clock: Instant}>(prepared('daemon/clocks', []))
  return {now: Date.parse(row!.now), skew: skewOf(asked, Date.parse(row!.clock), Date.now())}
}

/** More than this between the two clocks, in milliseconds, and nothing is dropped. */
export const largestSkew = 1_000

/** Somewhere between question and answer the server looked at its clock: what lies between them says nothing. */
export function skewOf(asked: number, server: number, answered: number): number {
  return asked > server ? asked - server : answered < server ? answered - server : 0
}

export async function unregisterDaemon(db: Database, {id}: Identity): Promise<void> {
  await ask(db, 'goodbye', [id])
}

/** In words what changed since a daemon last looked: a fail-over, a restore; null where nothing did. */
export async function noteTimeline(db: Database, {id}: Identity): Promise<string | null> {
  interface Row {
    system_identifier: string
    timeline: number
    old_identifier: string | null
    old_timeline: number | null
  }
  const [row] = await ask<Row>(db, 'timeline', [id])
  if (!row || row.old_timeline === null) return null
  if (row.old_identifier !== row.system_identifier)
    return `this is another server than before (system ${row.system_identifier}, was ${row.old_identifier})`
  return `the server is on timeline ${row.timeline} now (was ${row.old_timeline}): a fail-over or a restore`
}

/** Pauses or resumes; null where there is no such job in the ledger. */
export async function setState(
  db: Database,
  job: string,
  state: 'active' | 'paused',
  actor: string,
  reason: string | null,
): Promise<{state: string; since: Instant; actor: string; changed: boolean} | null> {
  const [row] = await ask<{state: string; since: Instant; actor: string; changed: boolean}>(db, 'set-state', [
    job,
    state,
    actor,
    reason,
  ])
  return row ?? null
}
