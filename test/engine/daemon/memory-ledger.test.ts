import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import type {Job} from '../../../src/config/jobs.js'
import {sqlJobStore, type JobStore} from '../../../src/daemon/job-store.js'
import type {Claim, ClaimRequest} from '../../../src/jobs/store/claims.js'
import type {GivenBack} from '../../../src/jobs/store/results.js'
import {declare, readJobs, setState, type LedgerJob} from '../../../src/jobs/store/ledger-jobs.js'
import {fenceOf} from '../../../src/jobs/store/claims.js'
import {ledgerWrite} from '../../../src/jobs/store/ledger.js'
import {evaluateDue} from '../../../src/schedule/due.js'
import {identity, job, withCore} from '../../helpers/daemon-jobs.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {MemoryLedger, type LedgerObserver} from '../../simulation/memory-ledger.js'
import {simulate} from '../../simulation/simulate.js'

/** The first second of the test, by the clock that evaluates schedules. Leases end long ago or in an hour. */
const start = Date.UTC(2027, 0, 1)
const longLease = 3_600
const expired = -3_600

/** One step of a sequence; `which` chooses among the claims or jobs that exist. */
type Action =
  | {do: 'pass'; seconds: number}
  /** `ends`: the claim whose result is recorded in the same transaction. */
  | {do: 'claim'; daemon: number; lease: number; stale: boolean; ends: number | null}
  | {do: 'reclaim'; daemon: number; lease: number}
  | {do: 'renew' | 'fence'; which: number; lease: number}
  | {do: 'finish'; which: number; status: 'done' | 'failed'; waited: number; ago: number}
  | {do: 'release'; which: number; seconds: number; counts: boolean}
  | {do: 'declare'; jobs: number; schedule: number}
  | {do: 'state'; which: number; state: 'active' | 'paused'}

const number = fc.nat({max: 50})
const lease = fc.constantFrom(longLease, expired)
const actions = fc.array(
  fc.oneof(
    {weight: 3, arbitrary: fc.record({do: fc.constant('pass' as const), seconds: fc.integer({min: 1, max: 40})})},
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('claim' as const),
        daemon: fc.nat(2),
        lease,
        stale: fc.boolean(),
        ends: fc.option(number),
      }),
    },
    {weight: 3, arbitrary: fc.record({do: fc.constant('reclaim' as const), daemon: fc.nat(2), lease})},
    {weight: 2, arbitrary: fc.record({do: fc.constantFrom('renew' as const, 'fence' as const), which: number, lease})},
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('finish' as const),
        which: number,
        status: fc.constantFrom('done' as const, 'failed' as const),
        waited: fc.constantFrom(0, 0.5),
        ago: fc.constantFrom(0, 0.25, 3_600),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('release' as const),
        which: number,
        seconds: fc.constantFrom(longLease, expired),
        counts: fc.boolean(),
      }),
    },
    {weight: 1, arbitrary: fc.record({do: fc.constant('declare' as const), jobs: fc.nat(3), schedule: fc.nat(2)})},
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('state' as const),
        which: number,
        state: fc.constantFrom('active' as const, 'paused' as const),
      }),
    },
  ),
  {minLength: 5, maxLength: 40},
)

const schedules = ['*/5 * * * * *', '*/10 * * * * *', '*/30 * * * * *']
const jobsOf = (count: number, schedule: number): Job[] =>
  ['a', 'b', 'c'].slice(0, count).map((name, n) => ({
    ...job(name, {schedule: schedules[(schedule + n) % 3], catchUp: ['all', 'once', 'none'][n], overlap: 'skip'}),
    retries: 1,
  }))

type Recorded =
  | {do: 'declare'; jobs: readonly Job[]}
  | {do: 'claim'; requests: readonly ClaimRequest[]; me: string; claims: (Claim | null)[]}
  | {do: 'reclaim'; known: readonly string[]; me: string; claims: Claim[]}
  | {do: 'renew'; claims: readonly Claim[]}
  | {do: 'finish'; ended: Parameters<MemoryLedger['finishAll']>[0]}
  | {do: 'release'; claim: Claim; given: GivenBack}

/** A ledger that keeps the statements that simulated daemons sent, with their time. */
class RecordingLedger extends MemoryLedger {
  readonly statements: (Recorded & {at: number})[] = []

  constructor(
    private readonly time: () => number,
    ...rest: [LedgerObserver, () => number]
  ) {
    super(time, ...rest)
  }

  private record(statement: Recorded): void {
    this.statements.push({...statement, at: this.time()})
  }

  override declare(jobs: readonly Job[], actor: string): string[] {
    this.record({do: 'declare', jobs})
    return super.declare(jobs, actor)
  }

  override claim(requests: readonly ClaimRequest[], me: string, lease: number) {
    const advanced = super.claim(requests, me, lease)
    this.record({do: 'claim', requests, me, claims: advanced.map(({claim}) => claim)})
    return advanced
  }

  override reclaimExpired(known: readonly string[], me: string, lease: number, atMost: number) {
    const claims = super.reclaimExpired(known, me, lease, atMost)
    this.record({do: 'reclaim', known, me, claims})
    return claims
  }

  override renew(claims: readonly Claim[], lease: number) {
    this.record({do: 'renew', claims})
    return super.renew(claims, lease)
  }

  override finishAll(ended: Parameters<MemoryLedger['finishAll']>[0]) {
    this.record({do: 'finish', ended})
    return super.finishAll(ended)
  }

  override release(claim: Claim, given: GivenBack) {
    this.record({do: 'release', claim, given})
    return super.release(claim, given)
  }
}

async function expire(database: TestDatabase, jobs: readonly string[]): Promise<void> {
  await database.run(
    `update qicore.maintenance_log set lease_until = '2000-01-01' where status = 'running' and job = any ($1::text[])`,
    [jobs],
  )
}

/** Sends recorded statements to a server, with the claims that the server granted. */
async function replay(database: TestDatabase, statements: RecordingLedger['statements']): Promise<void> {
  const store = sqlJobStore(database.db)
  const claims = new Map<string, Claim>()
  const key = ({id, token}: Pick<Claim, 'id' | 'token'>) => `${id} ${token}`
  const real = <T extends Pick<Claim, 'id' | 'token'>>(claim: T) => claims.get(key(claim))!
  for (const one of statements) {
    await setTime(database, one.at)
    if (one.do === 'declare') await declare(database.db, one.jobs, 'daemon')
    else if (one.do === 'renew') await store.renew(one.claims.map(real), longLease)
    else if (one.do === 'release') await store.release(real(one.claim), {...one.given, seconds: longLease})
    else if (one.do === 'finish') await store.finishAll(one.ended.map((end) => ({...end, claim: real(end.claim)})))
    else {
      const me = identity(one.me)
      if (one.do === 'reclaim')
        await expire(
          database,
          one.claims.map(({job}) => job),
        )
      const granted =
        one.do === 'claim'
          ? (await store.claim(one.requests, me, longLease, [])).advanced.flatMap(({claim}) => claim ?? [])
          : await store.reclaimExpired(one.known, me, longLease, 100)
      for (const claim of one.claims) {
        if (claim === null) continue
        const answer = granted.find(({job}) => job === claim.job)
        expect(answer && claimed(answer)).toEqual(claimed(claim))
        claims.set(key(claim), answer!)
      }
    }
  }
}

/** Both ledgers, with the claims of each under the same index. */
interface Pair {
  database: TestDatabase
  store: JobStore
  memory: MemoryLedger
  time: {now: number}
  claims: {real: Claim; simulated: Claim}[]
  jobs: readonly Job[]
  /** What a daemon read before the last claim. */
  stale: [LedgerJob[], LedgerJob[]]
}

/** Without what the two ledgers number differently or measure by the real clock. */
function comparable({
  name,
  revision,
  lastAt,
  running,
  freeAt,
  leaseSeconds,
  claimedBy,
  versions,
  startedAt,
}: LedgerJob) {
  return {
    ...{name, revision, lastAt, running, freeAt, claimedBy, startedAt},
    lease: leaseSeconds === null ? null : leaseSeconds > 0,
    versions: versions.map(({revision, validFrom, state, runner, schedule, reason}) => ({
      ...{revision, validFrom, state, runner, schedule, reason},
    })),
  }
}

const claimed = ({job, scheduledAt, startedAt, attempts}: Claim, extra: object = {}) => ({
  ...{job, scheduledAt, startedAt, attempts},
  ...extra,
})

async function act(pair: Pair, action: Action): Promise<void> {
  const {store, memory, claims, database, time} = pair
  const chosen = 'which' in action ? claims[action.which % Math.max(1, claims.length)] : undefined
  switch (action.do) {
    case 'pass': {
      time.now += action.seconds * 1_000
      await setTime(database, time.now)
      return
    }
    case 'claim': {
      const fresh: [LedgerJob[], LedgerJob[]] = [await readJobs(database.db), memory.readJobs(null)]
      const [real, simulated] = (action.stale ? pair.stale : fresh).map((states) =>
        states.flatMap((state) => {
          const declared = pair.jobs.find(({name}) => name === state.name)
          const decision = declared && evaluateDue(declared, state, time.now).decision
          return declared && decision ? [{job: declared, state, decision}] : []
        }),
      )
      pair.stale = fresh
      const me = identity(`d${action.daemon}`)
      const ended = action.ends === null ? undefined : claims[action.ends % Math.max(1, claims.length)]
      const answer = await store.claim(
        real!,
        me,
        action.lease,
        ended === undefined ? [] : [{status: 'done', claim: ended.real}],
      )
      const finished = memory.finishAll(ended === undefined ? [] : [{status: 'done', claim: ended.simulated}])
      expect(answer.finished.size).toBe(finished.size)
      const one = answer.advanced.sort(byJob)
      const other = memory.claim(simulated!, me.id, action.lease).sort(byJob)
      expect(one.map(({job, claim}) => ({job, claim: claim && claimed(claim, {late: claim.late})}))).toEqual(
        other.map(({job, claim}) => ({job, claim: claim && claimed(claim, {late: claim.late})})),
      )
      for (const [n, {claim}] of one.entries()) if (claim) claims.push({real: claim, simulated: other[n]!.claim!})
      return
    }
    case 'reclaim': {
      const names = pair.jobs.map(({name}) => name)
      const me = identity(`d${action.daemon}`)
      const one = (await store.reclaimExpired(names, me, action.lease, 10)).sort(byJob)
      const other = memory.reclaimExpired(names, me.id, action.lease, 10).sort(byJob)
      const shown = (all: typeof one) =>
        all.map((claim) => claimed(claim, {before: claim.claimedBefore, error: claim.error, state: claim.state}))
      expect(shown(one)).toEqual(shown(other))
      for (const [n, claim] of one.entries()) claims.push({real: claim, simulated: other[n]!})
      return
    }
    case 'renew': {
      if (chosen === undefined) return
      const kept = await store.renew([chosen.real], action.lease)
      expect(kept.size).toBe(memory.renew([chosen.simulated], action.lease).size)
      return
    }
    case 'fence': {
      if (chosen === undefined) return
      const fence = fenceOf(chosen.real, 60)
      const held = await database.db
        .transaction(ledgerWrite(database.db), (tx) => fence(tx))
        .then(
          () => true,
          (error: {code?: string}) => (error.code === 'CLAIM_LOST' ? false : Promise.reject(error)),
        )
      const row = memory.fence(chosen.simulated)
      if (row !== null) row.keyShare -= 1
      expect(held).toBe(row !== null)
      return
    }
    case 'finish': {
      if (chosen === undefined) return
      const {status, waited, ago} = action
      const ended = {status, waited, ago, error: status === 'failed' ? 'it failed' : null}
      const kept = await store.finishAll([{...ended, claim: chosen.real}])
      expect(kept.size).toBe(memory.finishAll([{...ended, claim: chosen.simulated}]).size)
      return
    }
    case 'release': {
      if (chosen === undefined) return
      const given = {seconds: action.seconds, error: 'released', countsAsAttempt: action.counts}
      expect(await store.release(chosen.real, given)).toBe(memory.release(chosen.simulated, given))
      return
    }
    case 'declare': {
      pair.jobs = jobsOf(action.jobs, action.schedule)
      expect((await declare(database.db, pair.jobs, 'ada')).sort()).toEqual(memory.declare(pair.jobs, 'ada').sort())
      return
    }
    case 'state': {
      const {name} = pair.jobs[action.which % Math.max(1, pair.jobs.length)] ?? {name: 'a'}
      const changed = await setState(database.db, name, action.state, 'ada', null)
      expect(changed?.changed ?? false).toBe(memory.setState(name, action.state, 'ada'))
      return
    }
  }
}

const byJob = (one: {job: string}, other: {job: string}) => (one.job < other.job ? -1 : 1)

const setTime = ({run}: TestDatabase, now: number) =>
  run(
    `create or replace function qicore.now() returns timestamptz language sql volatile return timestamptz 'epoch' + interval '${now} ms'`,
  )

/** Every row of both ledgers, and whether the job that is running is that of the row. */
async function expectEqual({database, memory}: Pick<Pair, 'database' | 'memory'>): Promise<void> {
  expect((await readJobs(database.db)).map(comparable)).toEqual(memory.readJobs(null).map(comparable))
  const rows = await database.run<Record<string, unknown>>(
    `select l.job, (extract(epoch from l.scheduled_at) * 1000)::float8 as scheduled, l.status, l.reason, l.attempts, l.claimed_by, l.error,
      (extract(epoch from l.started_at) * 1000)::float8 as started,
      (extract(epoch from l.completed_at) * 1000)::float8 as completed, coalesce(l.token = j.running, false) as current
    from qicore.maintenance_log l join qicore.job j on j.name = l.job where l.scheduled_at is not null order by 1, 2`,
  )
  const simulated = [...memory.log.values()]
    .sort((a, b) => byJob(a, b) || a.scheduledAt! - b.scheduledAt!)
    .sort((a, b) => (a.job === b.job ? a.scheduledAt! - b.scheduledAt! : 0))
    .map(({job, scheduledAt, status, reason, attempts, claimedBy, error, startedAt, completedAt, token}) => ({
      ...{job, scheduled: scheduledAt, status, reason, attempts, claimed_by: claimedBy, error},
      ...{started: startedAt, completed: completedAt},
      current: token !== null && token === memory.jobs.get(job)?.running,
    }))
  expect(rows).toEqual(simulated)
}

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await withCore(await engine.database())
  })
  afterAll(async () => {
    await database.run('truncate qicore.maintenance_log, qicore.job cascade')
  })

  it('the ledger of the simulator answers like the server, and holds the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (sequence) => {
        await database.run('truncate qicore.maintenance_log, qicore.job cascade')
        const time = {now: start}
        await setTime(database, start)
        const memory = new MemoryLedger(() => time.now)
        const pair: Pair = {
          ...{database, memory, time, claims: [], jobs: [], stale: [[], []]},
          store: sqlJobStore(database.db),
        }
        await act(pair, {do: 'declare', jobs: 3, schedule: 0})
        for (const action of sequence) {
          await act(pair, action)
          await expectEqual(pair)
        }
      }),
      {numRuns: 40},
    )
  }, 120_000)

  it('the statements of simulated daemons leave the same ledger on a server', async () => {
    await database.run('truncate qicore.maintenance_log, qicore.job cascade')
    let memory: RecordingLedger | null = null
    const {violation, instants} = await simulate({
      ...{seed: 7, instants: 150, calm: true},
      ledger: (...given) => (memory = new RecordingLedger(...given)),
    })
    expect(violation).toBeNull()
    expect(instants).toBeGreaterThan(150)
    // Some claims have waited for a slot.
    const ended = memory!.statements.flatMap((one) => (one.do === 'finish' ? one.ended : []))
    expect(ended.some(({waited}) => waited !== undefined && waited > 0)).toBe(true)
    await replay(database, memory!.statements)
    // On the server a released claim has a long lease, so that only a recorded statement reclaims it.
    const released = memory!.readJobs(null).filter(({leaseSeconds}) => leaseSeconds !== null && leaseSeconds <= 0)
    await expire(
      database,
      released.map(({name}) => name),
    )
    await expectEqual({database, memory: memory!})
  }, 120_000)
})
