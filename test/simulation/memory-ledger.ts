/**
 * The ledger in memory, with the semantics of the statements in sql/jobs. Each function is one statement, which runs at
 * once and alone; what a transaction of several statements keeps until its end are the locks of {@link LogRow}.
 * memory-ledger.test.ts runs the same statements here and on a server and compares every answer and the ledger.
 */
import type {Job} from '../../src/config/jobs.js'
import type {Advanced, Claim, ClaimRequest, TakenOver} from '../../src/jobs/store/claims.js'
import type {LedgerJob} from '../../src/jobs/store/ledger-jobs.js'
import type {EndedClaim, GivenBack} from '../../src/jobs/store/results.js'
import type {ScheduleVersion} from '../../src/schedule/due.js'

export interface LogRow {
  id: number
  job: string
  scheduledAt: number | null
  status: string
  reason: string | null
  attempts: number
  token: number | null
  claimedBy: string | null
  leaseUntil: number | null
  startedAt: number | null
  completedAt: number | null
  error: string | null
  /** The steps that are done. */
  steps: readonly string[]
  /** Set for a run of pg_cron. */
  part: string | null
  /** How often it was granted: the simulator's own count, which no statement compares. */
  grant: number
  /** Number of transactions that hold FOR KEY SHARE. */
  keyShare: number
  /** A transaction holds FOR UPDATE. */
  forUpdate: boolean
}

export interface JobRow {
  name: string
  kind: string
  revision: number
  lastAt: number
  running: number | null
  freeAt: number | null
  versions: readonly (ScheduleVersion & {explicit: boolean})[]
}

/** What invariants are checked by. */
export interface LedgerObserver {
  /** A job was advanced: these rows were inserted. */
  advanced(job: JobRow, from: number, to: number, rows: readonly LogRow[]): void
  granted(row: LogRow): void
  /** A statement took effect for the holder of a claim. */
  accepted(statement: string, row: LogRow, grant: number | null): void
  /** A step and its work were committed. */
  worked(row: LogRow, step: string): void
  versionAdded(job: JobRow): void
}

/** A claim and its copies know the grant from which they come. Not part of the daemon's data. */
const grant = Symbol('grant')
export const grantOf = (claim: object): number | null => (claim as {[grant]?: number})[grant] ?? null

export function sqlError(code: string, message = code): Error {
  return Object.assign(new Error(message), {code})
}

/** A sequence: after a crash or a failover it continues after the last value that was logged, which is 32 ahead. */
interface Sequence {
  value: number
  logged: number
}

interface Change {
  at: number
  revert(): void
}

export class MemoryLedger {
  readonly jobs = new Map<string, JobRow>()
  readonly log = new Map<number, LogRow>()
  readonly daemons = new Map<string, {seenAt: number; stoppedAt: number | null}>()
  timelines: readonly number[] = []
  timeline = 1
  private readonly instants = new Map<string, Set<number>>()
  readonly running = new Set<LogRow>()
  private readonly ids: Sequence = {value: 0, logged: 0}
  private readonly tokens: Sequence = {value: 0, logged: 0}
  private grant = 0
  private changes: Change[] = []

  /**
   * @param now the clock of the server, in milliseconds since 1970
   * @param elapsed a clock that never jumps, for what a failover reverts; null if there is none
   */
  constructor(
    private readonly now: () => number,
    private readonly observer: LedgerObserver | null = null,
    private readonly elapsed: (() => number) | null = null,
  ) {}

  // The conditions of the statements. A mutant of a test overrides one of them.

  protected holds(row: LogRow, token: number): boolean {
    return row.status === 'running' && row.token === token
  }

  protected isExpired(row: LogRow): boolean {
    return row.leaseUntil !== null && row.leaseUntil < this.now()
  }

  protected isUnchanged(job: JobRow, {state}: ClaimRequest): boolean {
    return job.revision === state.revision && job.lastAt === Date.parse(state.lastAtExact)
  }

  protected isDue({decision}: ClaimRequest): boolean {
    return decision.dueAt <= this.now()
  }

  protected isIdle(job: JobRow): boolean {
    return job.running === null
  }

  protected isLocked(row: LogRow): boolean {
    return row.forUpdate || row.keyShare > 0
  }

  protected isStepNew(row: LogRow, step: string): boolean {
    return !row.steps.includes(step)
  }

  protected nextToken(): number {
    return this.nextValue(this.tokens)
  }

  // Jobs and schedules

  /** declare-changed, declare-new and declare-removed, in one transaction. */
  declare(jobs: readonly Job[], actor: string): string[] {
    const clauses: string[] = []
    for (const {name, kind, schedule, timezone, runner} of jobs) {
      const job = this.jobs.get(name)
      const explicit = runner !== 'auto'
      if (job === undefined) continue
      const current = job.versions.at(-1)!
      const automatic = current.state === 'removed' ? ('daemon' as const) : current.runner
      const wanted = explicit ? (runner as 'daemon' | 'pg_cron') : automatic
      if (!explicit && current.runner === 'pg_cron' && current.state !== 'removed') continue
      const commands = runner === 'daemon' ? null : (current.commands ?? null)
      const reason = changeReason(current, {schedule, timezone, runner: wanted, explicit, commands})
      if (reason === null) continue
      const state = current.state === 'removed' ? 'active' : current.state
      this.touchJob(job)
      job.kind = kind
      this.addVersion(job, {state, runner: wanted, schedule, timezone, commands, explicit, actor, reason})
      clauses.push(`${name}: ${reason}`)
    }
    const made = jobs.filter(({name}) => !this.jobs.has(name))
    for (const {name, kind, schedule, timezone, runner} of made) {
      const job: JobRow = {name, kind, revision: 0, lastAt: this.now(), running: null, freeAt: null, versions: []}
      this.jobs.set(name, job)
      this.changed(() => this.jobs.delete(name))
      const explicit = runner !== 'auto'
      const by = explicit ? (runner as 'daemon' | 'pg_cron') : 'daemon'
      const version = {schedule, timezone, runner: by, commands: null, explicit, actor, reason: 'declared'}
      this.addVersion(job, {state: 'active', ...version})
    }
    const names = new Set(jobs.map(({name}) => name))
    const gone = [...this.jobs.values()].filter(({name, versions}) => {
      const {state, runner} = versions.at(-1)!
      return !names.has(name) && state !== 'removed' && runner === 'daemon'
    })
    for (const job of gone) {
      const {schedule, timezone, runner} = job.versions.at(-1)!
      this.touchJob(job)
      const version = {schedule, timezone, runner, commands: null, explicit: false, actor}
      this.addVersion(job, {state: 'removed', ...version, reason: 'not declared any more'})
    }
    return [
      ...made.map(({name}) => `${name}: new`),
      ...clauses,
      ...gone.map(({name}) => `${name}: not declared any more`),
    ]
  }

  /** set-state */
  setState(name: string, state: 'active' | 'paused', actor: string): boolean {
    const job = this.jobs.get(name)
    if (job === undefined) return false
    const current = job.versions.at(-1)!
    if (current.state === state || current.state === 'removed') return false
    const {schedule, timezone, runner, commands, explicit} = current
    this.touchJob(job)
    const version = {schedule, timezone, runner, commands: commands ?? null, explicit, actor, reason: null}
    this.addVersion(job, {state, ...version})
    return true
  }

  private addVersion(job: JobRow, version: Omit<JobRow['versions'][number], 'revision' | 'validFrom'>): void {
    const before = job.versions.at(-1)?.validFrom ?? -Infinity
    const validFrom = Math.max(this.now(), job.lastAt, before)
    job.revision += 1
    job.versions = [...job.versions, {...version, revision: job.revision, validFrom}]
    this.observer?.versionAdded(job)
  }

  /** jobs */
  readJobs(names: readonly string[] | null): LedgerJob[] {
    const jobs = [...this.jobs.values()].filter(({name}) => names === null || names.includes(name))
    const holders = new Map<string, LogRow>()
    for (const row of this.running) if (row.token === this.jobs.get(row.job)?.running) holders.set(row.job, row)
    return jobs
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({name, kind, revision, lastAt, running, freeAt, versions}) => {
        const holder = running === null ? undefined : holders.get(name)
        const leaseUntil = holder?.leaseUntil ?? null
        return {
          name,
          kind,
          revision,
          lastAtExact: new Date(lastAt).toISOString(),
          lastAt,
          running: running !== null,
          freeAt,
          leaseSeconds: leaseUntil === null ? null : (leaseUntil - this.now()) / 1000,
          startedAt: holder?.startedAt ?? null,
          claimedBy: holder?.claimedBy ?? null,
          versions: versions.filter((_, n) => versions[n + 1] === undefined || versions[n + 1]!.validFrom > lastAt),
        }
      })
  }

  // Daemons

  /** heartbeat: the number of other live daemons */
  heartbeat(id: string): number {
    const now = this.now()
    const known = this.daemons.get(id)
    this.changed(() => (known === undefined ? this.daemons.delete(id) : this.daemons.set(id, known)))
    this.daemons.set(id, {seenAt: now, stoppedAt: null})
    return [...this.daemons].filter(
      ([other, {seenAt, stoppedAt}]) => other !== id && stoppedAt === null && seenAt > now - 120_000,
    ).length
  }

  /** unregister-daemon */
  unregister(id: string): void {
    const known = this.daemons.get(id)
    if (known === undefined) return
    this.changed(() => this.daemons.set(id, known))
    this.daemons.set(id, {seenAt: this.now(), stoppedAt: this.now()})
  }

  /** timeline: the previous timeline if this one is new */
  noteTimeline(): number | null {
    const {timelines, timeline} = this
    if (timelines.includes(timeline)) return null
    this.changed(() => (this.timelines = timelines))
    this.timelines = [...timelines, timeline]
    this.skipTokens(100_000 + ((this.elapsed?.() ?? 0) % 100_000))
    return timelines.at(-1) ?? null
  }

  // Claims

  /** claim. @throws 23505 if a due time has a row already */
  claim(requests: readonly ClaimRequest[], me: string, lease: number): Advanced[] {
    const now = this.now()
    const taken = requests.filter((request) => {
      const job = this.jobs.get(request.job.name)
      if (job === undefined || !this.isUnchanged(job, request) || !this.isDue(request)) return false
      return request.decision.run === null || this.isIdle(job)
    })
    for (const {job, decision} of taken)
      for (const at of instantsOf(decision))
        if (this.instants.get(job.name)?.has(at) === true) throw sqlError('23505', `${job.name} has ${at} already`)
    return taken.map(({job: {name}, decision}) => {
      const job = this.jobs.get(name)!
      const from = job.lastAt
      this.touchJob(job)
      job.lastAt = decision.to
      if (decision.run !== null) job.running = this.nextToken()
      const rows = decision.skips.map(({at, reason}) =>
        this.insert({job: name, scheduledAt: at, status: 'skipped', reason, completedAt: now, claimedBy: me}),
      )
      if (decision.run === null) {
        this.observer?.advanced(job, from, job.lastAt, rows)
        return {job: name, claim: null}
      }
      const row = this.insert({
        job: name,
        scheduledAt: decision.run,
        status: 'running',
        attempts: 1,
        token: job.running,
        claimedBy: me,
        leaseUntil: now + lease * 1000,
        startedAt: now,
      })
      this.observer?.advanced(job, from, job.lastAt, [...rows, row])
      return {job: name, claim: this.granted(row, {late: (now - decision.dueAt) / 1000})}
    })
  }

  /** claim-now */
  claimNow(name: string, me: string, lease: number): Claim | null {
    const job = this.jobs.get(name)
    if (job === undefined || !this.isIdle(job)) return null
    const now = this.now()
    this.touchJob(job)
    job.running = this.nextToken()
    const row = this.insert({
      job: name,
      status: 'running',
      attempts: 1,
      token: job.running,
      claimedBy: me,
      leaseUntil: now + lease * 1000,
      startedAt: now,
    })
    return this.granted(row, {late: 0})
  }

  /** reclaim */
  reclaimExpired(known: readonly string[], me: string, lease: number, atMost: number): TakenOver[] {
    const free = [...this.running]
      .filter((row) => {
        const job = this.jobs.get(row.job)
        if (job === undefined || row.token === null || job.running !== row.token || !this.isExpired(row)) return false
        return !this.isLocked(row) && (known.includes(row.job) || job.versions.at(-1)!.state !== 'active')
      })
      .sort((a, b) => a.leaseUntil! - b.leaseUntil! || a.id - b.id)
      .slice(0, atMost)
    return free.map((row) => {
      const job = this.jobs.get(row.job)!
      const claimedBefore = row.claimedBy
      this.touchJob(job)
      this.touchRow(row)
      row.token = this.nextToken()
      row.claimedBy = me
      row.attempts += 1
      row.leaseUntil = this.now() + lease * 1000
      job.running = row.token
      const late = row.scheduledAt === null ? 0 : (row.startedAt! - row.scheduledAt) / 1000
      return this.granted(row, {late, claimedBefore, error: row.error, state: job.versions.at(-1)!.state})
    })
  }

  private granted<Extra extends object>(row: LogRow, extra: Extra): Claim & Extra & {late: number} {
    row.grant = this.grant += 1
    this.observer?.granted(row)
    const claim = {
      id: row.id,
      token: row.token!,
      job: row.job,
      scheduledAt: row.scheduledAt,
      startedAt: row.startedAt!,
      attempts: row.attempts,
      late: 0,
      ...extra,
    }
    return Object.assign(claim, {[grant]: row.grant})
  }

  /** The row of a claim that is still held. */
  private held(statement: string, claim: Pick<Claim, 'id' | 'token'>): LogRow | null {
    const row = this.log.get(claim.id)
    if (row === undefined || !this.holds(row, claim.token)) return null
    this.observer?.accepted(statement, row, grantOf(claim))
    return row
  }

  /** renew */
  renew(claims: readonly Claim[], lease: number): Set<number> {
    const kept = new Set<number>()
    for (const claim of claims) {
      const row = this.held('renew', claim)
      if (row === null) continue
      this.touchRow(row)
      row.leaseUntil = this.now() + lease * 1000
      kept.add(row.id)
    }
    return kept
  }

  /** finish */
  finishAll(all: readonly EndedClaim[]): Set<number> {
    const kept = new Set<number>()
    for (const {claim, status, reason = null, error = null, waited = 0, ago = 0} of all) {
      const row = this.held('finish', claim)
      if (row === null) continue
      this.touchRow(row)
      const startedAt = row.startedAt! + waited * 1000
      const completedAt = Math.max(this.now() - ago * 1000, startedAt)
      Object.assign(row, {status, reason, error, startedAt, completedAt, leaseUntil: null})
      this.running.delete(row)
      const job = this.jobs.get(row.job)
      if (job?.running === row.token) {
        this.touchJob(job)
        job.running = null
        job.freeAt = this.now()
      }
      kept.add(row.id)
    }
    return kept
  }

  /** release */
  release(claim: Claim, {seconds, error, countsAsAttempt}: GivenBack): boolean {
    const row = this.held('release', claim)
    if (row === null) return false
    this.touchRow(row)
    const before = row.token
    row.token = this.nextToken()
    row.claimedBy = null
    row.attempts -= countsAsAttempt ? 0 : 1
    row.error = error ?? row.error
    row.leaseUntil = this.now() + seconds * 1000
    row.grant = this.grant += 1
    this.observer?.granted(row)
    const job = this.jobs.get(row.job)
    if (job !== undefined && job.running === before) {
      this.touchJob(job)
      job.running = row.token
    }
    return true
  }

  // Steps

  /** fence: the row, locked FOR KEY SHARE; null if the claim is lost. */
  fence(claim: Claim): LogRow | null {
    const row = this.held('fence', claim)
    if (row !== null) row.keyShare += 1
    return row
  }

  /** step-complete with the commit of the step's transaction. @throws 22012 if the step was done before */
  completeStep(row: LogRow, step: string): void {
    if (!this.isStepNew(row, step)) throw sqlError('22012')
    this.touchRow(row)
    row.steps = [...row.steps, step]
    this.observer?.worked(row, step)
  }

  /** step-done */
  stepDone({id}: Pick<Claim, 'id'>, step: string): boolean {
    return this.log.get(id)?.steps.includes(step) === true
  }

  /** is-over, without the server process. The lock FOR UPDATE is kept: the caller sets `forUpdate` to false at the end. */
  isOver(claim: Pick<Claim, 'id' | 'token'>): {locked: LogRow | null; ours: boolean} {
    const row = this.log.get(claim.id)
    if (row === undefined || !this.holds(row, claim.token)) return {locked: null, ours: false}
    if (this.isLocked(row)) return {locked: null, ours: true}
    row.forUpdate = true
    return {locked: row, ours: true}
  }

  // pg_cron

  /** begin_job, called by pg_cron: null if it does not run; the record of the run otherwise. */
  beginJob(name: string): LogRow | null {
    const now = this.now()
    const job = this.jobs.get(name)
    const current = job?.versions.at(-1)
    let reason: string | null = null
    if (current?.state === 'paused') reason = 'paused'
    else if (job !== undefined && job.running !== null) reason = 'overlap'
    else if (current?.state === 'active' && current.runner === 'daemon') {
      const alive = [...this.daemons.values()].some(
        ({seenAt, stoppedAt}) => stoppedAt === null && seenAt > now - 120_000,
      )
      if (alive) reason = 'enforced by daemon'
    }
    const status = reason === null ? 'running' : 'skipped'
    const completedAt = reason === null ? null : now
    const row = this.insert({job: name, status, reason, startedAt: now, completedAt, part: ''})
    return reason === null ? row : null
  }

  /** The end of a run of pg_cron. */
  endJob(row: LogRow, status: 'done' | 'failed'): void {
    if (this.log.get(row.id) !== row || row.status !== 'running') return
    this.touchRow(row)
    row.status = status
    row.completedAt = this.now()
    this.running.delete(row)
  }

  // Storage

  private insert(given: Partial<LogRow> & {job: string}): LogRow {
    const row: LogRow = {
      id: this.nextValue(this.ids),
      scheduledAt: null,
      status: 'running',
      reason: null,
      attempts: 0,
      token: null,
      claimedBy: null,
      leaseUntil: null,
      startedAt: null,
      completedAt: null,
      error: null,
      steps: [],
      part: null,
      grant: 0,
      keyShare: 0,
      forUpdate: false,
      ...given,
    }
    this.log.set(row.id, row)
    if (row.status === 'running') this.running.add(row)
    const {scheduledAt, job} = row
    if (scheduledAt !== null) {
      const known = this.instants.get(job) ?? new Set()
      this.instants.set(job, known.add(scheduledAt))
    }
    this.changed(() => {
      this.log.delete(row.id)
      this.running.delete(row)
      if (scheduledAt !== null) this.instants.get(job)!.delete(scheduledAt)
    })
    return row
  }

  private touchRow(row: LogRow): void {
    if (this.elapsed === null) return
    const {keyShare: _, forUpdate: __, ...before} = row
    this.changed(() => {
      Object.assign(row, before)
      if (row.status === 'running') this.running.add(row)
    })
  }

  private touchJob(job: JobRow): void {
    if (this.elapsed === null) return
    const before = {...job}
    this.changed(() => Object.assign(job, before))
  }

  private changed(revert: () => void): void {
    if (this.elapsed === null) return
    this.changes.push({at: this.elapsed(), revert})
    if (this.changes.length > 50_000) this.changes = this.changes.slice(25_000)
  }

  private nextValue(sequence: Sequence): number {
    sequence.value += 1
    if (sequence.value <= sequence.logged) return sequence.value
    const before = sequence.logged
    sequence.logged = sequence.value + 32
    this.changed(() => (sequence.logged = before))
    return sequence.value
  }

  protected skipTokens(count: number): void {
    const {tokens} = this
    const before = tokens.logged
    tokens.value += count
    tokens.logged = tokens.value + 32
    this.changed(() => (tokens.logged = before))
  }

  /** The server becomes a replica of it that lacks the transactions since then. Every lock is gone. */
  failOver(since: number): void {
    while (this.changes.length > 0 && this.changes.at(-1)!.at >= since) this.changes.pop()!.revert()
    for (const sequence of [this.ids, this.tokens]) sequence.value = sequence.logged
    for (const row of this.running) Object.assign(row, {keyShare: 0, forUpdate: false})
    this.timeline += 1
  }
}

function instantsOf({skips, run}: ClaimRequest['decision']): number[] {
  return [...skips.map(({at}) => at), ...(run === null ? [] : [run])]
}

/** Why declare-changed adds a version; null if nothing has changed. */
function changeReason(
  current: JobRow['versions'][number],
  wanted: Pick<JobRow['versions'][number], 'schedule' | 'timezone' | 'runner' | 'explicit'> & {commands: object | null},
): string | null {
  if (current.state === 'removed') return 'declared again'
  if (wanted.runner !== current.runner) return `was run by ${current.runner}`
  if (wanted.schedule !== current.schedule || wanted.timezone !== current.timezone)
    return `was ${current.schedule} ${current.timezone}`
  if (wanted.explicit !== current.explicit) return `the runner is ${wanted.explicit ? 'named' : 'not named any more'}`
  return wanted.commands === (current.commands ?? null) ? null : 'what pg_cron runs was changed'
}
