import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {createJobRegistry} from '../../../src/daemon/job-registry.js'
import {databaseClock} from '../../../src/daemon/database-clock.js'
import {dependenciesOf} from '../../../src/daemon/dependencies.js'
import {WorkerPool} from '../../../src/daemon/worker-pool.js'
import {WorkerSlots} from '../../../src/daemon/worker-slots.js'
import {evaluateDue} from '../../../src/schedule/due.js'
import type {DaemonEvent} from '../../../src/jobs/events.js'
import {claim, reclaimExpired} from '../../../src/jobs/store/claims.js'
import {declare, readJobs} from '../../../src/jobs/store/ledger-jobs.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {systemClock} from '../../../src/units/process-clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {identity, job, withCore} from '../../helpers/daemon-jobs.js'

const me = identity('me')

forEachEngine({native: true, kinds: ['postgres', 'timescaledb']}, (engine) => {
  it('keeps the lease of a claim that expired and returned to the same daemon while its first attempt still runs', async () => {
    const {db, run} = await withCore(await engine.database())
    const jobs = [
      job('a', {schedule: '* * * * * *', statement: 'select pg_sleep(2)', transaction: 'none', repeatable: true}),
    ]
    await declare(db, jobs, 'ada')
    await sleep(1_500)
    const events: DaemonEvent[] = []
    const registry = createJobRegistry(
      jobs,
      () => {},
      () => false,
    )
    const [state] = await readJobs(db)
    registry.read([state!], true)
    const {decision} = evaluateDue(jobs[0]!, state!, Date.now())
    const {
      advanced: [{claim: mine}],
    } = (await claim(db, [{job: jobs[0]!, state: state!, decision: decision!}], me, 30)) as unknown as {
      advanced: [{claim: NonNullable<Awaited<ReturnType<typeof claim>>['advanced'][number]['claim']>}]
    }
    const workerPool = new WorkerPool({
      dependencies: dependenciesOf(db, {
        limits: defaultLimits,
        sections: {tables: {}, aggregates: {}},
        partitions: () => [],
      }),
      me,
      databaseClock: databaseClock(systemClock),
      slots: new WorkerSlots(4),
      lease: 1.5,
      registry,
      emit: (event) => events.push(event),
      skewed: () => false,
      onFree: () => false,
      onRetry() {},
    })
    expect(workerPool.reserve(2)).toBe(2)
    workerPool.take(mine)
    await sleep(500)
    await run(
      "update qicore.maintenance_log set lease_until = clock_timestamp() - interval '1 s' where status = 'running'",
    )
    const [again] = await reclaimExpired(db, ['a'], me, 1.5, 4)
    workerPool.take(again!)
    const until = async (event: DaemonEvent['event']) => {
      for (let n = 0; n < 400 && !events.some((one) => one.event === event); n += 1) await sleep(50)
    }
    await until('claim_lost')
    // The first attempt has ended; the second is still known, and its lease renewed.
    expect([workerPool.runningCount(), workerPool.isRunning('a')]).toEqual([1, true])
    await until('occurrence_ended')
    workerPool.stop(10_000)
    await workerPool.drain()
    expect(events.filter(({event}) => event === 'occurrence_ended')).toMatchObject([
      {outcome: {kind: 'ended'}, claim: {token: again!.token}},
    ])
    expect(
      await run(
        "select attempts, status in ('done', 'done_late') as done from qicore.maintenance_log where started_at is not null",
      ),
    ).toEqual([{attempts: 2, done: true}])
  }, 60_000)
})
