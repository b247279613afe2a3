import {describe, expect, it} from 'vitest'
import {conditionsOf, refuseInHalfState, type ConditionFacts} from '../../../src/db/condition.js'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {forEachEngine} from '../../helpers/engines.js'
import {applicationName, targetOf} from '../../helpers/server.js'

const well: ConditionFacts = {
  database: 'market',
  timescaledb: '2.22.1',
  embedded: false,
  license: 'timescale',
  restoring: false,
  loaderDisabled: false,
  hiding: [],
  resets: {},
  inRecovery: false,
  launcherSeen: true,
  schedulerHere: true,
  schedulers: 1,
  maxBackgroundWorkers: 16,
  workerProcessesLeft: 32,
  rowsInRoot: [],
  brokenGates: [],
}

describe('the workers of TimescaleDB', () => {
  it.each([
    ['are enough', {}, false],
    ['have none left for jobs: launcher and scheduler hold both', {maxBackgroundWorkers: 2}, true],
    ['have none left for this database', {maxBackgroundWorkers: 2, schedulerHere: false}, true],
    ['are exactly enough', {maxBackgroundWorkers: 3}, false],
    ['share the processes of the server', {workerProcessesLeft: 4, schedulers: 3}, true],
    ['are elsewhere: a replica has none', {maxBackgroundWorkers: 2, inRecovery: true}, false],
    ['are not seen, so nothing is counted', {maxBackgroundWorkers: 2, launcherSeen: false}, false],
  ])('%s', (_, facts, expected) => {
    const found = conditionsOf({...well, ...facts})
    expect(found.map(({code}) => code)).toEqual(expected ? ['no_worker_slots'] : [])
    expect(() => refuseInHalfState({condition: found, citus: null}), 'nothing is refused for it').not.toThrow()
  })

  it.each([
    [
      {schedulers: 3, schedulerHere: false, maxBackgroundWorkers: 4},
      '1 launcher + 3 schedulers + 1 for this database + 1 job are more than timescaledb.max_background_workers = 4.',
      'Raise timescaledb.max_background_workers to 8 or more, and restart the server',
    ],
    [
      {schedulers: 2, workerProcessesLeft: 3},
      '1 launcher + 2 schedulers + 1 job are more than the 3 that max_worker_processes leaves to TimescaleDB.',
      'Raise max_worker_processes by 3 or more, and restart the server',
    ],
    [
      {maxBackgroundWorkers: 2, workerProcessesLeft: 4},
      '1 launcher + 1 scheduler + 1 job are more than timescaledb.max_background_workers = 2.',
      'Raise timescaledb.max_background_workers to 5 or more and max_worker_processes by 1 or more, and restart the server',
    ],
  ])('state the sum and every setting that is too small: %o', (facts, message, fix) => {
    const [found] = conditionsOf({...well, ...facts})
    expect(found).toMatchObject({message: `TimescaleDB's jobs cannot run here: ${message}`, fix})
  })
})

interface Slots {
  here: boolean
  needed: number
  limit: number
}

// Counted by the type of the process, which only privileged roles see.
const slots = statement(`
  select
    count(*) filter (where backend_type like 'TimescaleDB%Scheduler' and datname = current_database()) > 0 as here,
    (count(*) filter (where backend_type like 'TimescaleDB%Scheduler')
      + (count(*) filter (where backend_type like 'TimescaleDB%Scheduler' and datname = current_database()) = 0)::int
      + 2)::int as needed,
    least(
      current_setting('timescaledb.max_background_workers')::int,
      current_setting('max_worker_processes')::int
        - count(*) filter (where backend_type like 'logical replication%' or backend_type like 'pg_cron%')
    )::int as limit
  from pg_stat_activity`)

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it('are alive exactly if a worker is left for a job', async (context) => {
    const {url, run} = await engine.database()
    // Databases come and go on a test server: only a session between two equal counts is compared.
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const [before] = await run<Slots & object>(slots)
      const session = await connect(targetOf(url), {applicationName})
      const {condition, workers} = session.server
      await session.close()
      const [after] = await run<Slots & object>(slots)
      if (JSON.stringify(before) !== JSON.stringify(after)) continue
      const {here, needed, limit} = before!
      expect(condition.map(({code}) => code)).toEqual(needed > limit ? ['no_worker_slots'] : [])
      expect(workers).toBe(here && needed <= limit ? 'alive' : 'dead')
      return
    }
    context.skip('the number of databases did not stay the same for one session')
  })
})

describe('an extension without a license', () => {
  it('is reported as not loaded, not as the Apache edition', () =>
    expect(conditionsOf({...well, license: null})).toMatchObject([{code: 'library_not_loaded', refuses: 'database'}]))
})
