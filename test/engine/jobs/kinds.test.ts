import {randomBytes} from 'node:crypto'
import {expect, it} from 'vitest'
import type {JobKindName, OptionsOf} from '../../../src/config/jobs.js'
import {jobKind} from '../../../src/jobs/registry.js'
import type {JobContext, JobWork} from '../../../src/jobs/kind.js'
import {execute} from '../../../src/run/execute.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {statement} from '../../../src/db/sql.js'
import {daysAgo, notDuringTheTest, today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'
import {replay} from '../../helpers/schema-replay.js'

const sections = {tables: {'public.crypto_prices': {}, 'public.ohlcv_data': {}}, aggregates: {}}
const context = (over: Partial<JobContext> = {}): JobContext => ({
  job: 'test',
  now: '2026-01-01T00:00:00Z',
  limits: defaultLimits,
  sections,
  leaveToCron: false,
  partitions: () => [],
  ...over,
})

async function work<Kind extends JobKindName>(
  {db}: TestDatabase,
  kind: Kind,
  options: OptionsOf<Kind>,
  over: Partial<JobContext> = {},
): Promise<JobWork> {
  return (await jobKind(kind)).plan(db, options, context(over))
}

async function run({db}: TestDatabase, {plans}: JobWork) {
  const ended = []
  for (const plan of plans) ended.push(...(await execute(db, plan, {limits: defaultLimits, ledger: null})).steps)
  return ended.map(({id, status, error}) => ({id, status, error}))
}

const steps = ({plans}: JobWork) => plans.flatMap((plan) => plan.steps.map(({id}) => id))

forEachEngine({}, (engine) => {
  it('every kind of job does nothing on a database in which nothing is declared', async () => {
    const database = await engine.database()
    await database.run('create table public.theirs (time timestamptz not null)')
    if (engine.hypertables) await database.run("select create_hypertable('public.theirs', 'time')")
    await database.db.probe()
    const bare = {sections: {tables: {}, aggregates: {}}}
    for (const kind of ['compress', 'maintain', 'analyze', 'refresh', 'retain', 'partitions', 'prune-history'] as const)
      expect([kind, steps(await work(database, kind, {}, bare))]).toEqual([kind, []])
  })

  it('analyze covers the declared tables that exist, and names the one that does not', async () => {
    const database = await engine.database()
    await database.run('create table public.crypto_prices (time timestamptz not null)')
    await database.db.probe()
    const analyze = await work(database, 'analyze', {})
    expect([steps(analyze), analyze.notes]).toEqual([
      ['analyze public.crypto_prices'],
      [expect.stringContaining('There is no table public.ohlcv_data in this database')],
    ])
    expect(await run(database, analyze)).toEqual([{id: 'analyze public.crypto_prices', status: 'done', error: null}])
    expect(
      await database.run(
        "select last_analyze is not null as done from pg_stat_user_tables where relname = 'crypto_prices'",
      ),
    ).toHaveLength(1)
  })

  it('prune-history deletes old runs and records from when on an audit is complete', async () => {
    const database = await engine.database()
    await replay(database, ['core'])
    await database.db.probe()
    await database.run(`insert into qicore.job (name, kind, revision, last_at) values ('j', 'sql', 1, ${today});
      insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, actor) values ('j', 1, ${daysAgo(100)}, 'active', 'daemon', '@daily', 'UTC', 'x');
      insert into qicore.maintenance_log (operation, job, scheduled_at, status) select 'sql', 'j', ${today} - n * interval '1 day', 'done' from generate_series(0, 99) n;
      insert into qicore.maintenance_log (operation, job, scheduled_at, status) values ('sql', 'j', ${daysAgo(200)}, 'running')`)
    const prune = await work(database, 'prune-history', {keep: {months: 0, days: 30, seconds: 0}})
    expect(steps(prune)).toEqual(['prune 1 of 1'])
    expect(await run(database, prune)).toMatchObject([{status: 'done'}])
    const [left] = await database.run<{rows: number; running: number; days: number}>(
      `select count(*) as rows, count(*) filter (where status = 'running') as running, (select extract(day from ${today} - pruned_until)::int from qicore.job) as days from qicore.maintenance_log`,
    )
    expect(left).toEqual({rows: 31, running: 1, days: 30})
    expect(steps(await work(database, 'prune-history', {keep: {months: 0, days: 30, seconds: 0}}))).toEqual([])
  })

  it('sql refuses transaction control, and several statements without a transaction, before anything is done', async () => {
    const database = await engine.database()
    const options = {transaction: 'own', repeatable: false, searchPath: 'public'} as const
    for (const control of ['commit', 'deallocate all', 'discard plans'])
      await expect(work(database, 'sql', {...options, statement: `select 1;\n${control}`})).rejects.toMatchObject({
        code: 'TRANSACTION_CONTROL',
        message: expect.stringContaining('jobs.test.statement:2'),
      })
    await expect(
      work(database, 'sql', {...options, transaction: 'none', statement: 'select 1; select 2'}),
    ).rejects.toMatchObject({code: 'ONE_STATEMENT'})
    await expect(work(database, 'sql', {...options, statement: '-- nothing'})).rejects.toMatchObject({
      code: 'NO_STATEMENT',
    })
    await database.run('create table t (x int)')
    expect(
      await run(
        database,
        await work(database, 'sql', {...options, statement: 'insert into t values (1); insert into t values (2)'}),
      ),
    ).toMatchObject([{status: 'done'}])
    expect(await database.run('select count(*) as n from t')).toEqual([{n: 2}])
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('compress does what a policy makes due if no worker of TimescaleDB runs, and leaves it to the workers otherwise', async () => {
    const database = await engine.database()
    await replay(database)
    await database.run(`insert into crypto_prices (time, coin_id, symbol, name, usd_price, exchange_id, last_updated, source, attribution)
      select ${today} - n * interval '1 day', 'btc', 'BTC', 'Bitcoin', 100, 'binance', ${today}, 'test', 'test' from generate_series(1, 40) n`)
    await database.run(
      `select add_compression_policy('crypto_prices', interval '7 days', initial_start => ${notDuringTheTest})`,
    )
    await database.db.probe()
    const maintain = await work(database, 'maintain', {})
    if (database.db.server.workers === 'alive') {
      expect(maintain.enforced).toEqual([{what: 'compression of public.crypto_prices', by: 'timescaledb'}])
      expect(steps(maintain)).toEqual(['analyze public.crypto_prices', 'analyze public.ohlcv_data'])
      return
    }
    expect(maintain.enforced).toEqual([])
    const compressing = steps(maintain).filter((id) => id.startsWith('compress'))
    expect(compressing.length).toBeGreaterThan(3)
    expect((await run(database, maintain)).filter(({status}) => status !== 'done')).toEqual([])
    expect(steps(await work(database, 'compress', {}))).toEqual([])
  })
})

forEachEngine({native: true}, (engine) => {
  it('a table that the role may not analyze fails with the reason no_privilege, by the job and by the routine, and never counts as done', async () => {
    const database = await engine.database()
    await replay(database, ['core'])
    const {db} = database
    await db.probe()
    const role = `qicore_test_${randomBytes(6).toString('hex')}`
    await database.run(`create table public.crypto_prices (time timestamptz not null); create role ${role};
      grant usage on schema qicore to ${role}; grant all on all tables in schema qicore to ${role}; grant all on all sequences in schema qicore to ${role}`)
    try {
      const asRole = Object.create(db, {target: {value: {...db.target, role}}}) as typeof db
      const analyze = await work(database, 'analyze', {})
      const {
        steps: [refused],
      } = await execute(asRole, analyze.plans[0]!, {limits: defaultLimits, ledger: null})
      expect(refused).toMatchObject({
        status: 'failed',
        reason: {code: 'no_privilege'},
        error: expect.stringContaining('only the owner of'),
      })
      await db.autocommit(
        {...writing, role},
        statement("call qicore.maintain(array['public.crypto_prices'], 'maintain', 'analyze')"),
      )
      expect(
        await database.run(
          'select l.status, s.status as step, s.error from qicore.maintenance_log l join qicore.maintenance_step s on s.log_id = l.id',
        ),
      ).toEqual([
        {
          status: 'failed',
          step: 'failed',
          error: expect.stringMatching(/only the owner of .*crypto_prices.* \[42501\]$/),
        },
      ])
      if (db.server.versionNum >= 170_000) {
        await database.run(`grant maintain on public.crypto_prices to ${role}`)
        const {
          steps: [done],
        } = await execute(asRole, analyze.plans[0]!, {limits: defaultLimits, ledger: null})
        expect(done).toMatchObject({status: 'done', reason: null, note: null})
      }
    } finally {
      await database.run(`drop owned by ${role}; drop role ${role}`)
    }
  })
})
