import {readFileSync} from 'node:fs'
import {beforeEach, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {execute} from '../../../src/run/execute.js'
import {openLedger} from '../../../src/run/run-log.js'
import {takeRunLock} from '../../../src/run/run-lock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {insertStep, planOf, quick, workTable} from '../../helpers/run-steps.js'

const qicoreSchema = ['0001_core', '0002_run_lock', '0014_status_names'].map((name) =>
  readFileSync(new URL(`../../../sql/migrations/core/${name}.sql`, import.meta.url), 'utf8'),
)
const writing = {readOnly: false, lockTimeout: 1_000, statementTimeout: 0}

async function withCore(database: TestDatabase): Promise<Database> {
  for (const text of qicoreSchema) await database.run(text)
  await database.db.probe()
  return database.db
}

forEachEngine({}, (engine) => {
  let database: TestDatabase
  let db: Database
  beforeEach(async () => {
    database = await engine.database()
    db = await withCore(database)
  })

  it('refuses another run and names the holder, until it is released', async () => {
    const lock = await takeRunLock(db, ['b', 'a'], 'first run')
    if (engine.native) {
      const other = await connect(database.target, {applicationName: 'qicore-db/other'})
      await expect(takeRunLock(other, ['a'], 'second run')).rejects.toMatchObject({
        code: 'LOCKED',
        exitCode: 5,
        message: expect.stringContaining('first run') as string,
      })
      // All or none: the locks that it got before the refusal are free again.
      await expect(takeRunLock(other, ['0', 'a'], 'second run')).rejects.toMatchObject({code: 'LOCKED'})
      await (await takeRunLock(other, ['0'], 'third run')).release()
      await lock.release()
      await (await takeRunLock(other, ['a', 'b'], 'fourth run')).release()
      await other.close()
    } else {
      await lock.release()
      await (await takeRunLock(db, ['a', 'b'], 'again')).release()
    }
  })

  it('records a run and its steps, done ones in their own transaction', async () => {
    await database.run(workTable)
    const ledger = await openLedger(
      db,
      {operation: 'test', actor: 'me', targetHost: 'here', detail: {why: 'a test'}},
      quick,
    )
    await execute(
      db,
      planOf(insertStep('a'), insertStep('bad', {statements: [statement('select 1/0')], doneCheck: null})),
      {limits: quick, ledger},
    )
    expect(
      await database.run(
        'select operation, status, actor, completed_at is not null as ended from qicore.maintenance_log',
      ),
    ).toEqual([{operation: 'test', status: 'partial', actor: 'me', ended: true}])
    const steps = await database.run<{step: string; status: string; error: string | null}>(
      'select step, status, error from qicore.maintenance_step order by position',
    )
    expect(steps).toMatchObject([
      {step: 'insert a', status: 'done', error: null},
      {step: 'insert bad', status: 'failed'},
    ])
    expect(steps[1]!.error).toContain('division by zero')
  })

  it('rolls a step back whose record cannot be written', async () => {
    await database.run(workTable)
    const ledger = await openLedger(db, {operation: 'test', actor: 'me', targetHost: 'here', detail: {}}, quick)
    await database.run('drop table qicore.maintenance_step')
    const {steps} = await execute(db, planOf(insertStep('a')), {limits: quick, ledger})
    expect(steps[0]!.status).toBe('failed')
    expect(await database.run('select * from work')).toEqual([])
  })
})

forEachEngine({native: true}, (engine) => {
  it('is free at once if its holder was killed', async () => {
    const database = await engine.database()
    const db = await withCore(database)
    const dead = await connect(database.target, {applicationName: 'qicore-db/dead'})
    await takeRunLock(dead, ['a'], 'a run that dies')
    const [pid] = await dead.query<{pid: number}>(statement('select pg_backend_pid() as pid'))
    await database.run('select pg_terminate_backend($1::int)', [pid!.pid])
    await expect.poll(() => database.run('select from pg_stat_activity where pid = $1', [pid!.pid])).toHaveLength(0)
    await (await takeRunLock(db, ['a'], 'the next run')).release()
    await dead.close()
  })

  it('stops a run that lost its lock before it changes anything', async () => {
    const database = await engine.database()
    const db = await withCore(database)
    await database.run(workTable)
    const lock = await takeRunLock(db, ['a'], 'first run')
    await database.run("update qicore.run_lock set token = token + 1, holder = 'a usurper'")
    const {steps} = await execute(db, planOf(insertStep('a')), {limits: quick, ledger: null, fence: lock.fence})
    expect(steps[0]).toMatchObject({status: 'failed', error: expect.stringContaining('lost its lock')})
    expect(await database.run('select * from work')).toEqual([])
    await lock.release()
    expect(await database.run('select holder, released_at from qicore.run_lock')).toEqual([
      {holder: 'a usurper', released_at: null},
    ])
  })

  it('is not reclaimed while a step runs, however old its lease is', async () => {
    const database = await engine.database()
    const db = await withCore(database)
    const holder = await connect(database.target, {applicationName: 'qicore-db/holder'})
    const lock = await takeRunLock(holder, ['a'], 'a slow run')
    await database.run("update qicore.run_lock set lease_until = '2020-01-01', backend_pid = null")
    let end = () => {}
    const step = holder.transaction(writing, async (tx) => {
      await lock.fence(tx)
      await new Promise<void>((resolve) => (end = resolve))
    })
    await expect
      .poll(() =>
        database.run("select from pg_locks where relation = 'qicore.run_lock'::regclass and mode = 'RowShareLock'"),
      )
      .not.toHaveLength(0)
    await expect(takeRunLock(db, ['a'], 'impatient')).rejects.toMatchObject({code: 'LOCKED'})
    end()
    await step
    await (await takeRunLock(db, ['a'], 'patient')).release()
    await Promise.all([lock.release(), holder.close()])
  })

  it('is granted to exactly one of many concurrent requests', async () => {
    const database = await engine.database()
    await withCore(database)
    const crowd = await Promise.all(
      Array.from({length: 6}, () => connect(database.target, {applicationName: 'qicore-db/crowd'})),
    )
    for (let round = 0; round < 20; round += 1) {
      const outcomes = await Promise.allSettled(crowd.map((db, index) => takeRunLock(db, ['a'], `run ${index}`)))
      const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      expect(winners).toHaveLength(1)
      await winners[0]!.value.release()
    }
    await Promise.all(crowd.map((db) => db.close()))
  })
})
