import {expect, it} from 'vitest'
import type {Job} from '../../../src/config/jobs.js'
import type {Database} from '../../../src/db/database.js'
import {runByHand} from '../../../src/jobs/run/run-once.js'
import {claim, claimNow, type TakenOver} from '../../../src/jobs/store/claims.js'
import {declare, readJobs} from '../../../src/jobs/store/ledger-jobs.js'
import {release} from '../../../src/jobs/store/results.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {evaluateDue} from '../../../src/schedule/due.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {identity, job, withCore} from '../../helpers/daemon-jobs.js'

async function byHand(db: Database, given: Job): Promise<{status: string; continued: TakenOver[]}> {
  const continued: TakenOver[] = []
  const {outcome} = await runByHand(db, given, {
    context: {limits: defaultLimits, sections: {tables: {}, aggregates: {}}, partitions: () => []},
    actor: 'ada',
    version: '0',
    now: Date.now(),
    skewed: false,
    stop: new AbortController().signal,
    cancel: new AbortController().signal,
    onProgress() {},
    onContinue: (taken) => continued.push(taken),
  })
  return {status: outcome.kind === 'ended' ? outcome.status : outcome.kind, continued}
}

const runsOf = ({run}: TestDatabase) =>
  run<{status: string; error: string | null; attempts: number; waits: boolean}>(
    `select status, error, attempts, coalesce(status = 'running' and claimed_by is null and lease_until > now(), false) as waits
    from qicore.maintenance_log where job is not null and status <> 'skipped' order by id`,
  )

/** Claims a due time of the job, fails, and releases it for another attempt in ten minutes. */
async function failOnce({db, run}: TestDatabase, given: Job): Promise<number> {
  await declare(db, [given], 'ada')
  await run(
    "create or replace function qicore.now() returns timestamptz language sql volatile return pg_catalog.clock_timestamp() + interval '10 s'",
  )
  const state = (await readJobs(db, [given.name]))[0]!
  const {decision} = evaluateDue(given, state, state.lastAt + 3_000)
  const {advanced} = await claim(db, [{job: given, state, decision: decision!}], identity('me'), 60)
  const mine = advanced[0]!.claim!
  await release(db, mine, {seconds: 600, error: 'it broke', countsAsAttempt: true})
  return mine.scheduledAt!
}

forEachEngine({}, (engine) => {
  it('a run whose process is gone does not keep the job from being run by hand', async () => {
    const database = await withCore(await engine.database())
    const nap = job('nap')
    await declare(database.db, [nap], 'ada')
    await claimNow(database.db, nap, identity('killed'), -1)
    expect(await byHand(database.db, nap)).toEqual({status: 'done', continued: []})
    expect(await runsOf(database)).toMatchObject([
      {status: 'failed', error: 'killed stopped sending heartbeats while it ran this by hand'},
      {status: 'done', error: null},
    ])
    expect(await byHand(database.db, nap)).toMatchObject({status: 'done'})
  })

  it('a run by hand continues an occurrence that waits for its next attempt', async () => {
    const database = await withCore(await engine.database())
    const {db} = database
    const mended = job('mended', {schedule: '* * * * * *', retries: 3})
    const due = await failOnce(database, mended)
    expect(await byHand(db, mended)).toMatchObject({continued: [{scheduledAt: due, attempts: 2}]})
    expect(await runsOf(database)).toMatchObject([{status: expect.stringMatching(/^done/), attempts: 2}])
    expect((await readJobs(db, ['mended']))[0]!.running).toBe(false)
  })

  it('an occurrence that fails again by hand keeps waiting for a daemon, as long as it has attempts left', async () => {
    const database = await withCore(await engine.database())
    const {db} = database
    const bad = job('bad', {schedule: '* * * * * *', statement: 'select 1 / 0', retries: 2, backoff: '10min'})
    await failOnce(database, bad)
    expect(await byHand(db, bad)).toMatchObject({status: 'failed'})
    expect(await runsOf(database)).toMatchObject([{waits: true, attempts: 2}])
    expect(await byHand(db, bad)).toMatchObject({status: 'failed'})
    expect(await runsOf(database)).toMatchObject([{status: 'failed', attempts: 3}])
  })
})

forEachEngine({native: true}, (engine) => {
  it('a job that another process runs is refused, until the claim has expired', async () => {
    const {db} = await withCore(await engine.database())
    const nap = job('nap')
    await declare(db, [nap], 'ada')
    await claimNow(db, nap, identity('other'), 60)
    await expect(byHand(db, nap)).rejects.toMatchObject({
      code: 'RUNNING',
      suggestions: [expect.stringContaining('--wait'), expect.stringMatching(/killed, run it again in [56]\d s/)],
    })
  })

  it('pg_cron skips a job that runs, but not one whose claim has expired', async () => {
    const database = await withCore(await engine.database())
    const {db, run} = database
    const nap = job('nap', {runner: 'pg_cron'})
    await declare(db, [nap], 'ada')
    const begin = async () => {
      const [row] = await run<{id: number | null}>(
        "set application_name = 'pg_cron'; select qicore.begin_job('nap', 'sql') as id",
      )
      return row!.id
    }
    await claimNow(db, nap, identity('other'), 60)
    expect(await begin()).toBeNull()
    await run(
      `update qicore.maintenance_log set lease_until = clock_timestamp() - interval '1 s' where token is not null`,
    )
    expect(await begin()).not.toBeNull()
  })
})
