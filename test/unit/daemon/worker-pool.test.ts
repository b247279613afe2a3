import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {databaseClock} from '../../../src/daemon/database-clock.js'
import {createJobRegistry} from '../../../src/daemon/job-registry.js'
import type {JobStore} from '../../../src/daemon/job-store.js'
import {WorkerPool} from '../../../src/daemon/worker-pool.js'
import {WorkerSlots} from '../../../src/daemon/worker-slots.js'
import {systemClock} from '../../../src/units/process-clock.js'
import {identity} from '../../helpers/daemon-jobs.js'

it('many runs at the same time cause no warning of a leak, which an operator would see on stderr', async () => {
  const warnings: string[] = []
  const onWarning = ({name}: Error) => void warnings.push(name)
  process.on('warning', onWarning)
  const runs = 20
  const sessions = {
    acquire: async () => ({
      backend: null,
      attempt: () => Promise.reject(new Error('the end of the test')),
      give() {},
      discard() {},
      abort() {},
    }),
    close: async () => {},
  }
  const written: number[] = []
  const store = {
    server: {embedded: false},
    finishAll: async (ended: readonly {claim: {id: number}}[]) => {
      written.push(...ended.map(({claim}) => claim.id))
      return new Set(ended.map(({claim}) => claim.id))
    },
  } as unknown as JobStore
  const pool = new WorkerPool({
    dependencies: {clock: systemClock, random: Math.random, store, sessions},
    me: identity('me'),
    databaseClock: databaseClock(systemClock),
    slots: new WorkerSlots(runs),
    lease: 60,
    registry: createJobRegistry(
      [],
      () => {},
      () => false,
    ),
    emit() {},
    skewed: () => false,
    onFree: () => false,
    onRetry() {},
  })
  expect(pool.reserve(runs)).toBe(runs)
  for (let id = 1; id <= runs; id += 1)
    pool.take({id, token: id, job: `job ${id}`, scheduledAt: null, startedAt: 0, attempts: 1, late: 0})
  expect(pool.runningCount()).toBe(runs)
  pool.stop(0)
  await pool.drain()
  // Node emits a warning in a later turn of the event loop.
  await sleep(10)
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
  expect(new Set(written).size).toBe(runs)
})
