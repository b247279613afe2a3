import {expect, it} from 'vitest'
import {refuseInHalfState} from '../../../src/db/condition.js'
import {conditionWatch} from '../../../src/daemon/condition-watch.js'
import {readinessOf, type HealthState} from '../../../src/daemon/health.js'
import {runByHand} from '../../../src/jobs/run/run-once.js'
import {checkedJobs} from '../../../src/jobs/run/check.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {execute} from '../../../src/run/execute.js'
import {planInstall} from '../../../src/schema/migrate/run.js'
import {forEachEngine} from '../../helpers/engines.js'

const health = (deadRunners: readonly string[]): HealthState => ({
  failure: null,
  connected: true,
  blockedReason: null,
  msSincePoll: 0,
  sinceTurn: 0,
  refusals: [],
  timeoutMs: 1_000,
  stopping: false,
  now: 0,
  registry: null,
  deadRunners,
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('becomes ready and not ready as the condition of the database changes, and logs each change once', async () => {
    const {db, autocommit} = await engine.database()
    const said: string[] = []
    const watch = conditionWatch(
      () => db,
      (message) => said.push(message),
    )
    const isReady = () =>
      readinessOf(health(watch.problems().filter((problem) => !problem.includes('background_workers')))).ready
    watch.start(50)
    try {
      expect(isReady()).toBe(true)
      await autocommit(`alter database ${db.server.database} set timescaledb.restoring = on`)
      await expect.poll(isReady, {timeout: 10_000}).toBe(false)
      expect(watch.problems().join()).toContain('restore mode')
      await autocommit(`alter database ${db.server.database} reset timescaledb.restoring`)
      await expect.poll(isReady, {timeout: 10_000}).toBe(true)
      expect(said.filter((message) => message.includes('restore mode'))).toHaveLength(1)
    } finally {
      watch.stop()
    }
  })

  it('records a job that is due in restore mode as skipped, with the state as its reason', async () => {
    const {db, autocommit, run} = await engine.database()
    await execute(db, await planInstall(db), {limits: defaultLimits, ledger: null})
    await db.probe()
    const at = Date.parse('2026-01-01T00:00:00Z')
    const job = checkedJobs(null, at).find(({name}) => name === 'retain')!
    await autocommit(`alter database ${db.server.database} set timescaledb.restoring = on`)
    const never = new AbortController().signal
    const {outcome} = await runByHand(db, job, {
      context: {limits: defaultLimits, sections: {tables: {}, aggregates: {}}, partitions: () => []},
      actor: 'test',
      version: '0',
      now: at,
      skewed: false,
      stop: never,
      cancel: never,
      onProgress() {},
    })
    expect(outcome).toMatchObject({kind: 'ended', status: 'skipped', reason: 'restoring'})
    expect(await run("select status, reason from qicore.maintenance_log where job = 'retain'")).toEqual([
      {status: 'skipped', reason: 'restoring'},
    ])
    await db.probe()
    expect(() => refuseInHalfState(db.server)).toThrow(expect.objectContaining({exitCode: 7}))
  })
})
