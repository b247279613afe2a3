import {expect, it} from 'vitest'
import type {Job} from '../../../../src/config/jobs.js'
import {evaluateDue} from '../../../../src/schedule/due.js'
import {
  claim,
  claimNow,
  fenceOf,
  renew,
  reclaimExpired,
  type Claim,
  type ClaimRequest,
} from '../../../../src/jobs/store/claims.js'
import {heartbeat, noteTimeline} from '../../../../src/jobs/store/daemons.js'
import {declare, readJobs, setState} from '../../../../src/jobs/store/ledger-jobs.js'
import type {Identity} from '../../../../src/jobs/store/ledger.js'
import {finish, release} from '../../../../src/jobs/store/results.js'
import {readAudit} from '../../../../src/jobs/store/read-audit.js'
import type {Database} from '../../../../src/db/database.js'
import {statement} from '../../../../src/db/sql.js'
import {isConnectionLost, sqlState} from '../../../../src/db/sqlstate.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../../helpers/engines.js'
import {writing} from '../../../helpers/server.js'
import {identity, job, withCore} from '../../../helpers/daemon-jobs.js'

const everySecond = (name: string, given: Record<string, unknown> = {}) =>
  job(name, {schedule: '* * * * * *', ...given})
const me = identity('me')

/** The ledger's clock, the given seconds after the real one. */
const toMinute = new WeakMap<TestDatabase, number>()

/** Sets the database's clock, which shows second 5 when it is set first: no minute begins in the middle of a test. */
async function clockAhead(database: TestDatabase, seconds: number): Promise<void> {
  if (!toMinute.has(database)) {
    const [row] = await database.run<{second: number}>('select extract(second from clock_timestamp())::int as second')
    toMinute.set(database, 65 - row!.second)
  }
  await database.run(
    `create or replace function qicore.now() returns timestamptz language sql volatile return pg_catalog.clock_timestamp() + interval '${toMinute.get(database)! + seconds} seconds'`,
  )
}

async function withClock(engine: Engine): Promise<TestDatabase> {
  const database = await withCore(await engine.database())
  await clockAhead(database, 0)
  return database
}

async function claimRequests(db: Database, jobs: readonly Job[]): Promise<ClaimRequest[]> {
  const [{now}] = (await db.query<{now: string}>(statement('select qicore.now() as now'))) as [{now: string}]
  const known = await readJobs(db)
  return jobs.flatMap((one) => {
    const state = known.find(({name}) => name === one.name)!
    const {decision} = evaluateDue(one, state, Date.parse(now))
    return decision === null ? [] : [{job: one, state, decision}]
  })
}

const claimDue = async (db: Database, jobs: readonly Job[], who: Identity = me, lease = 30): Promise<Claim[]> =>
  (await claim(db, await claimRequests(db, jobs), who, lease)).advanced.flatMap(({claim: one}) => one ?? [])

const rows = ({run}: TestDatabase) =>
  run<{job: string; status: string; reason: string | null; attempts: number}>(
    'select job, status, reason, attempts from qicore.maintenance_log order by job, scheduled_at, id',
  )

forEachEngine({}, (engine) => {
  it('starts a schedule at its declaration, and records who changes, ends and renews it', async () => {
    const database = await withClock(engine)
    const {db, run} = database
    expect(await declare(db, [job('a'), job('b')], 'ada')).toEqual(['a: new', 'b: new'])
    expect(await declare(db, [job('a'), job('b')], 'ada')).toEqual([])
    expect(await declare(db, [job('a', {schedule: '@hourly', timezone: 'Europe/Berlin'})], 'bob')).toEqual([
      'a: was * * * * * UTC',
      'b: not declared any more',
    ])
    expect(await declare(db, [job('a', {schedule: '@hourly', timezone: 'Europe/Berlin'}), job('b')], 'ada')).toEqual([
      'b: declared again',
    ])
    const versions = await run(
      'select job, revision, state, schedule, timezone, actor from qicore.job_schedule order by job, revision',
    )
    expect(versions).toEqual([
      {job: 'a', revision: 1, state: 'active', schedule: '* * * * *', timezone: 'UTC', actor: 'ada'},
      {job: 'a', revision: 2, state: 'active', schedule: '@hourly', timezone: 'Europe/Berlin', actor: 'bob'},
      {job: 'b', revision: 1, state: 'active', schedule: '* * * * *', timezone: 'UTC', actor: 'ada'},
      {job: 'b', revision: 2, state: 'removed', schedule: '* * * * *', timezone: 'UTC', actor: 'bob'},
      {job: 'b', revision: 3, state: 'active', schedule: '* * * * *', timezone: 'UTC', actor: 'ada'},
    ])
    expect(
      (await readJobs(db)).map(({name, revision, running, versions}) => [
        name,
        revision,
        running,
        versions.at(-1)!.state,
      ]),
    ).toEqual([
      ['a', 2, false, 'active'],
      ['b', 3, false, 'active'],
    ])
  })

  it('claims a due time once, records what it skips together with it, and frees the job at the end', async () => {
    const database = await withClock(engine)
    const {db} = database
    const jobs = [job('a', {catchUp: 'once'})]
    await declare(db, jobs, 'ada')
    expect(await claimDue(db, jobs)).toEqual([])
    await clockAhead(database, 180)
    const early = await claimRequests(db, jobs)
    const [mine] = await claimDue(db, jobs)
    expect(mine).toMatchObject({job: 'a', attempts: 1})
    // Decisions from before the claim have no effect any more.
    expect((await claim(db, early, identity('other'), 30)).advanced).toEqual([])
    expect((await readJobs(db))[0]).toMatchObject({running: true, claimedBy: 'me'})
    expect(await finish(db, mine!, {status: 'done', detail: {steps: 1}})).toBe(true)
    expect(await finish(db, mine!, {status: 'failed'})).toBe(false)
    expect((await readJobs(db))[0]).toMatchObject({running: false, claimedBy: null})
    expect(await rows(database)).toEqual([
      {job: 'a', status: 'skipped', reason: 'superseded', attempts: 0},
      {job: 'a', status: 'skipped', reason: 'superseded', attempts: 0},
      {job: 'a', status: 'done', reason: null, attempts: 1},
    ])
  })

  it("claims nothing before its time by the database's clock, by a schedule that has changed, or while paused", async () => {
    const database = await withClock(engine)
    const {db} = database
    const jobs = [job('a')]
    await declare(db, jobs, 'ada')
    await clockAhead(database, 120)
    const due = await claimRequests(db, jobs)
    await clockAhead(database, -120)
    expect((await claim(db, due, me, 30)).advanced).toEqual([])
    await clockAhead(database, 120)
    expect(await setState(db, 'a', 'paused', 'ada', 'release')).toMatchObject({
      state: 'paused',
      changed: true,
      actor: 'ada',
    })
    expect(await setState(db, 'a', 'paused', 'bob', null)).toMatchObject({
      state: 'paused',
      changed: false,
      actor: 'ada',
    })
    expect((await claim(db, due, me, 30)).advanced).toEqual([])
    expect((await claim(db, await claimRequests(db, jobs), me, 30)).advanced).toEqual([{job: 'a', claim: null}])
    await setState(db, 'a', 'active', 'ada', null)
    expect(await setState(db, 'nobody', 'paused', 'ada', null)).toBeNull()
    await clockAhead(database, 240)
    expect(await claimDue(db, jobs)).toHaveLength(1)
    expect((await rows(database)).map(({status, reason}) => reason ?? status)).toEqual(
      ['paused', 'paused', 'superseded', 'running'].slice(-(await rows(database)).length),
    )
  })

  it('lets a claim be reclaimed when its lease expires, and fences off the daemon that had it', async () => {
    const database = await withClock(engine)
    const {db} = database
    const jobs = [everySecond('a')]
    await declare(db, jobs, 'ada')
    await clockAhead(database, 10)
    const [mine] = await claimDue(db, jobs, me, 0.05)
    if (engine.native) {
      const [renewed] = [await renew(db, [mine!], 30)]
      expect([...renewed]).toEqual([mine!.id])
      expect(await reclaimExpired(db, ['a'], identity('other'), 30, 5)).toEqual([])
      await renew(db, [mine!], 0)
    }
    const [theirs] = await reclaimExpired(db, ['a'], identity('other'), 30, 5)
    expect(theirs).toMatchObject({
      id: mine!.id,
      attempts: 2,
      claimedBefore: 'me',
      state: 'active',
      scheduledAt: mine!.scheduledAt,
    })
    expect(theirs!.token).toBeGreaterThan(mine!.token)
    expect([...(await renew(db, [mine!], 30))]).toEqual([])
    await expect(db.transaction(writing, fenceOf(mine!, 30))).rejects.toMatchObject({code: 'CLAIM_LOST'})
    expect(await finish(db, mine!, {status: 'done'})).toBe(false)
    expect(await release(db, mine!, {seconds: 0, error: null, countsAsAttempt: false})).toBe(false)
    await db.transaction(writing, fenceOf(theirs!, 30))
    expect(await finish(db, theirs!, {status: 'done_late'})).toBe(true)
    expect((await readJobs(db))[0]!.running).toBe(false)
  })

  it('releases a claim for a later retry, and lets any daemon claim what a paused job released', async () => {
    const database = await withClock(engine)
    const {db} = database
    const jobs = [everySecond('a')]
    await declare(db, jobs, 'ada')
    await clockAhead(database, 10)
    const [first] = await claimDue(db, jobs)
    expect(await release(db, first!, {seconds: 3_600, error: 'it broke', countsAsAttempt: true})).toBe(true)
    expect(await reclaimExpired(db, ['a'], me, 30, 5)).toEqual([])
    expect((await readJobs(db))[0]).toMatchObject({running: true, claimedBy: null})
    await database.run(
      "update qicore.maintenance_log set lease_until = clock_timestamp() - interval '1 s' where status = 'running'",
    )
    const [second] = await reclaimExpired(db, ['a'], me, 30, 5)
    expect(second).toMatchObject({attempts: 2, error: 'it broke', claimedBefore: null})
    await release(db, second!, {seconds: 0, error: null, countsAsAttempt: false})
    expect(await reclaimExpired(db, ['b'], me, 30, 5)).toEqual([])
    await setState(db, 'a', 'paused', 'ada', null)
    expect(await reclaimExpired(db, ['b'], me, 30, 5)).toMatchObject([{job: 'a', attempts: 2, state: 'paused'}])
  })

  it('audits a released occurrence as released, and a failed one as failed', async () => {
    const database = await withClock(engine)
    const {db} = database
    await declare(db, [everySecond('fails'), everySecond('stops')], 'ada')
    await clockAhead(database, 10)
    const claims = await claimDue(db, [everySecond('fails'), everySecond('stops')])
    for (const [index, mine] of claims.entries())
      await release(db, mine, {seconds: 60, error: index === 0 ? 'it broke' : null, countsAsAttempt: index === 0})
    const {jobs} = await readAudit(db, null, null, 0)
    expect(jobs.map(({job, retrying, released}) => [job, retrying.length, released.length])).toEqual([
      ['fails', 1, 0],
      ['stops', 0, 1],
    ])
  })

  it('runs a job by hand in addition to its due times, never two at once', async () => {
    const database = await withClock(engine)
    const {db} = database
    const jobs = [everySecond('a')]
    await declare(db, jobs, 'ada')
    const hand = await claimNow(db, jobs[0]!, me, 30)
    await expect(claimNow(db, jobs[0]!, identity('other'), 30)).rejects.toMatchObject({
      code: 'RUNNING',
      exitCode: 5,
      message: expect.stringContaining('claimed by me'),
    })
    await clockAhead(database, 3)
    expect(await claimDue(db, jobs)).toEqual([])
    expect((await rows(database)).filter(({reason}) => reason === 'overlap').length).toBeGreaterThan(0)
    await finish(db, hand, {status: 'done'})
    await clockAhead(database, 5)
    expect(await claimDue(db, jobs)).toHaveLength(1)
  })

  it('knows which daemons are alive, and detects another server', async () => {
    const {db, run} = await withCore(await engine.database())
    expect(await heartbeat(db, me)).toMatchObject({others: 0})
    const {now, skew, others} = await heartbeat(db, identity('second'))
    // Two processes cannot share an embedded directory.
    expect(others).toBe(engine.native ? 1 : 0)
    expect(Math.abs(now - Date.now())).toBeLessThan(5_000)
    expect(Math.abs(skew)).toBeLessThan(1_000)
    expect(await noteTimeline(db, me)).toBeNull()
    expect(await noteTimeline(db, me)).toBeNull()
    await run('update qicore.timeline set timeline = 7')
    const token = async () => (await run<{token: number}>("select nextval('qicore.claim_token') as token"))[0]!.token
    const before = await token()
    expect(await noteTimeline(db, me)).toMatch(/now on timeline 1 \(was 7\)/)
    // The new server may lack the transactions that took the last tokens: it must not issue those again.
    expect((await token()) - before).toBeGreaterThan(100_000)
    await run("delete from qicore.timeline; insert into qicore.timeline values ('1', 1, '2026-01-01', 'x')")
    expect(await noteTimeline(db, me)).toMatch(/a different server/)
  })
})

forEachEngine({native: true}, (engine) => {
  it('gives every due time to one of eight daemons that claim it at the same moment', async () => {
    const database = await withClock(engine)
    const jobs = Array.from({length: 20}, (_, index) => everySecond(`j${index}`, {catchUp: 'all', overlap: 'queue'}))
    await declare(database.db, jobs, 'ada')
    await clockAhead(database, 15)
    const daemons = await Promise.all(Array.from({length: 8}, () => database.db.openSession()))
    const claims: Claim[] = []
    // Not a speed test: it ends after enough claims, and the deadline only prevents a hang.
    const deadline = Date.now() + 45_000
    await Promise.all(
      daemons.map(async (db, index) => {
        while (claims.length < 300 && Date.now() < deadline) {
          const got = await claimDue(db, jobs, identity(`d${index}`))
          claims.push(...got)
          for (const one of got) expect(await finish(db, one, {status: 'done'})).toBe(true)
        }
        await db.close()
      }),
    )
    const keys = claims.map(({job: name, scheduledAt}) => `${name} ${scheduledAt}`)
    expect(new Set(keys).size).toBe(keys.length)
    const [{gaps}] = (await database.run<{gaps: number}>(`select count(*) as gaps from (
      select scheduled_at - lag(scheduled_at) over (partition by job order by scheduled_at) as step from qicore.maintenance_log) s where step <> interval '1 second'`)) as [
      {gaps: number},
    ]
    expect(gaps).toBe(0)
    expect(keys.length).toBeGreaterThanOrEqual(100)
  })

  it('does not let a step be reclaimed while it runs on the server, and the heartbeat does not wait for it', async () => {
    const database = await withClock(engine)
    const jobs = [everySecond('a')]
    await declare(database.db, jobs, 'ada')
    await clockAhead(database, 5)
    const [mine] = await claimDue(database.db, jobs, me, 0)
    const working = await database.db.openSession()
    let through!: () => void
    const held = new Promise<void>((resolve) => (through = resolve))
    let begun!: () => void
    const fenced = new Promise<void>((resolve) => (begun = resolve))
    const step = working.transaction(writing, async (tx) => {
      await fenceOf(mine!, 30)(tx)
      begun()
      await held
    })
    await fenced
    expect(await reclaimExpired(database.db, ['a'], identity('other'), 30, 5)).toEqual([])
    expect([...(await renew(database.db, [mine!], 0))]).toEqual([mine!.id])
    through()
    await step
    expect(await reclaimExpired(database.db, ['a'], identity('other'), 30, 5)).toHaveLength(1)
    await working.close()
  })

  it('aborts a transaction whose daemon stopped responding in the middle of it', async () => {
    const database = await withClock(engine)
    const jobs = [everySecond('a')]
    await declare(database.db, jobs, 'ada')
    await clockAhead(database, 5)
    const [mine] = await claimDue(database.db, jobs, me, 0)
    const working = await database.db.openSession()
    const step = working.transaction(writing, async (tx) => {
      await fenceOf(mine!, 0.3)(tx)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      await tx.query(statement('select 1'))
    })
    await expect(step).rejects.toSatisfy((error) => sqlState(error) === '25P03' || isConnectionLost(error))
    expect(await reclaimExpired(database.db, ['a'], identity('other'), 30, 5)).toHaveLength(1)
    await working.close()
  })
})
