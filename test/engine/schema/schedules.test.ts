import {expect, it} from 'vitest'
import {claimNow} from '../../../src/jobs/store/claims.js'
import {unregisterDaemon, heartbeat} from '../../../src/jobs/store/daemons.js'
import {declare, readJobs, setState} from '../../../src/jobs/store/ledger-jobs.js'
import type {Identity} from '../../../src/jobs/store/ledger.js'
import {connect} from '../../../src/db/connect.js'
import {loadSql} from '../../../src/db/load-sql.js'
import {statement} from '../../../src/db/sql.js'
import {identity, job} from '../../helpers/daemon-jobs.js'
import {daysAgo, monthsAhead, thisHour} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {targetOf, writing} from '../../helpers/server.js'
import {replay} from '../../helpers/schema-replay.js'

const me: Identity = identity('me')
const withSchema = async (database: TestDatabase) => {
  await replay(database)
  await database.db.probe()
  return database
}

/** Runs a command as pg_cron does, with its application name. */
const asCron = ({autocommit}: TestDatabase, command: string) =>
  autocommit(`do $do$ begin perform set_config('application_name', 'pg_cron', false); ${command}; end $do$`)
const log = ({run}: TestDatabase, name: string) =>
  run<{status: string; reason: string | null; error: string | null; application: string}>(
    `select status, reason, error, application from qicore.maintenance_log where job = '${name}' order by id`,
  )

/** As `cron install` records it. */
const givenToCron = (
  {run}: TestDatabase,
  name: string,
  commands: Record<string, string> = {'': 'call x()'},
  kind = 'sql',
) =>
  run(
    statement(loadSql('jobs/declare-new'), [
      JSON.stringify([{name, kind, schedule: '* * * * *', timezone: 'UTC', runner: 'pg_cron', commands}]),
      'ada',
    ]),
  )

forEachEngine({}, (engine) => {
  it("runs a user's statements for pg_cron, and records a failure with the server's message", async () => {
    const database = await withSchema(await engine.database())
    await asCron(
      database,
      "call qicore.run_sql('report', 'create table public.made (for_job text); insert into made values (current_setting(''qicore.job''))')",
    )
    await expect(asCron(database, "call qicore.run_sql('report', 'insert into made values (1/0)')")).rejects.toThrow(
      /division by zero/,
    )
    expect(await log(database, 'report')).toEqual([
      {status: 'done', reason: null, error: null, application: 'pg_cron'},
      {status: 'failed', reason: null, error: 'division by zero [22012]', application: 'pg_cron'},
    ])
    expect(await database.run('select * from public.made')).toEqual([{for_job: 'report'}])
  })

  it('does nothing if pg_cron calls a job that is paused, running, or run by a live daemon; a call by hand always runs', async () => {
    const database = await withSchema(await engine.database())
    const {db} = database
    const call = "call qicore.run_sql('j', 'select 1')"
    await givenToCron(database, 'j')
    await setState(db, 'j', 'paused', 'ada', 'release')
    await asCron(database, call)
    await setState(db, 'j', 'active', 'ada', null)
    await claimNow(db, job('j'), me, 60)
    await asCron(database, call)
    await database.run('update qicore.job set running = null')
    await declare(db, [job('j', {runner: 'daemon'})], 'ada')
    await heartbeat(db, me)
    await asCron(database, call)
    await unregisterDaemon(db, me)
    await asCron(database, call)
    await database.autocommit(call)
    const rows = await log(database, 'j')
    expect(
      rows.filter(({application}) => application === 'pg_cron').map(({status, reason}) => `${status} ${reason}`),
    ).toEqual(['skipped paused', 'skipped overlap', 'skipped enforced by daemon', 'done null'])
    expect(rows.at(-1)).toMatchObject({status: 'done', application: 'qicore-db/test'})
  })

  it('leaves maintenance to pg_cron, unless the configuration gives it to a daemon', async () => {
    const database = await withSchema(await engine.database())
    const {db} = database
    const maintain = (runner: string) => ({...job('j', {runner}), name: 'maintain', kind: 'maintain' as const})
    await declare(db, [maintain('auto')], 'ada')
    await heartbeat(db, me)
    await asCron(database, 'call public.maintain_hypertables()')
    await declare(db, [maintain('daemon')], 'ada')
    await asCron(database, 'call public.maintain_hypertables()')
    expect((await log(database, 'maintain')).map(({status, reason}) => [status, reason])).toEqual([
      ['done', null],
      ['skipped', 'enforced by daemon'],
    ])
  })

  it("keeps pg_cron's schedule when a daemon starts, unless the configuration gives the job to the daemon", async () => {
    const database = await withSchema(await engine.database())
    const {db} = database
    await givenToCron(database, 'j', {'public.a': 'call a()'})
    const current = async () => (await readJobs(db, ['j']))[0]!.versions.at(-1)!
    expect(await declare(db, [job('j', {schedule: '@hourly'})], 'bob')).toEqual([])
    expect(await declare(db, [], 'bob')).toEqual([])
    expect(await current()).toMatchObject({
      runner: 'pg_cron',
      schedule: '* * * * *',
      state: 'active',
      commands: {'public.a': 'call a()'},
    })
    await setState(db, 'j', 'paused', 'ada', null)
    expect(await current()).toMatchObject({state: 'paused', commands: {'public.a': 'call a()'}})
    expect(await declare(db, [job('j', {schedule: '@hourly', runner: 'daemon'})], 'bob')).toEqual([
      'j: was run by pg_cron',
    ])
    expect(await current()).toMatchObject({runner: 'daemon', schedule: '@hourly', state: 'paused', commands: null})
  })

  it('ends every run whose session is gone', async () => {
    const database = await withSchema(await engine.database())
    const {run} = database
    await run(`insert into qicore.maintenance_log (operation, job, status, started_at, application, detail)
      select 'refresh ' || part, 'refresh', 'running', '2026-01-01', 'pg_cron', jsonb_build_object('pid', 999999, 'part', part) from unnest(array['public.a', 'public.b']) part`)
    await run("select qicore.begin_job('refresh', 'refresh public.a', 'public.a')")
    const rows = await run<{part: string; status: string; error: string | null}>(
      "select detail ->> 'part' as part, status, error from qicore.maintenance_log where job = 'refresh' order by id",
    )
    expect(rows.slice(0, 2)).toEqual([
      {part: 'public.a', status: 'failed', error: expect.stringContaining('cron.job_run_details')},
      {part: 'public.b', status: 'failed', error: expect.stringContaining('cron.job_run_details')},
    ])
  })

  it('runs nothing in restore mode, and records why', async (context) => {
    const database = await withSchema(await engine.database())
    const {db, autocommit} = database
    if (db.server.timescaledb === null || !engine.native)
      return context.skip(
        "restore mode is TimescaleDB's, and the embedded engine has no second session that could see it",
      )
    await autocommit(`alter database ${db.server.database} set timescaledb.restoring = on`)
    const restoring = await connect(targetOf(database.url), {applicationName: 'pg_cron'})
    try {
      for (const call of [
        "qicore.maintain(array['public.ohlcv_data'])",
        "qicore.prune_history('90 days')",
        "qicore.run_sql('count', 'create table public.counted ()')",
        `qicore.retain(0, '{"object": "public.level1_data", "job": "retain"}')`,
      ])
        await restoring.autocommit(writing, statement(`call ${call}`))
      await expect(
        restoring.autocommit(writing, statement(`call qicore.retain(0, '{"object": "public.level1_data"}')`)),
      ).rejects.toThrow(/restore mode/)
    } finally {
      await restoring.close()
      await autocommit(`alter database ${db.server.database} reset timescaledb.restoring`)
    }
    const rows = await database.run('select job, status, reason from qicore.maintenance_log order by job')
    expect(rows).toEqual(
      ['count', 'maintain', 'prune-history', 'retain'].map((job) => ({job, status: 'skipped', reason: 'restoring'})),
    )
    expect(await database.run("select to_regclass('public.counted') as made")).toEqual([{made: null}])
  })

  it('deletes runs that ended long ago, and records from when on an audit is complete', async () => {
    const database = await withSchema(await engine.database())
    const {run} = database
    await givenToCron(database, 'j')
    await run(`insert into qicore.maintenance_log (operation, job, status, started_at, completed_at, application)
      select 'sql', 'j', 'done', at, at, 'pg_cron' from unnest(array[${daysAgo(100)}, ${daysAgo(95)}, ${daysAgo(1)}]) at`)
    await asCron(database, "call qicore.prune_history('90 days')")
    expect(await run("select count(*)::int as n from qicore.maintenance_log where job = 'j'")).toEqual([{n: 1}])
    expect(await run(`select pruned_until = ${daysAgo(95)} as so from qicore.job where name = 'j'`)).toEqual([
      {so: true},
    ])
    expect((await log(database, 'prune-history')).map(({status}) => status)).toEqual(['done'])
  })

  it('refreshes an aggregate by the window of its policy', async () => {
    const database = await withSchema(await engine.database())
    const {run, db} = database
    const ours = db.server.engine !== 'timescaledb'
    if (ours && db.server.timescaledb === null)
      await run(
        `select qicore.create_partition('public.crypto_prices', 'month', ${thisHour} - i * interval '1 day') from generate_series(0, 1) i`,
      )
    await run(`set local qicore.price_guard = 'off'; insert into crypto_prices (coin_id, symbol, name, exchange_id, usd_price, time, last_updated, source, attribution)
      select 'a', 'S', 'N', 'kraken', 100, ${thisHour} - n * interval '30 minutes', ${thisHour}, 'test', '' from generate_series(1, 8) n`)
    if (ours)
      await run(
        `insert into qicore.policies (object, kind, config) values ('public.hourly_price_averages', 'refresh', '{"startOffset": "3 hours", "endOffset": "1 hour"}')`,
      )
    await asCron(
      database,
      `call qicore.refresh('public.hourly_price_averages', 'refresh'${ours ? '' : ", '3 hours', '1 hour'"})`,
    )
    expect((await log(database, 'refresh')).map(({status, error}) => [status, error])).toEqual([['done', null]])
    expect(await run(`select count(*)::int as n from hourly_price_averages`)).toEqual([
      {n: expect.toSatisfy((n: number) => n === 1 || n === 2)},
    ])
    await expect(asCron(database, "call qicore.refresh('public.nowhere')")).rejects.toThrow(
      /aggregate public.nowhere does not exist/,
    )
  })

  it('records why a scheduled retention was refused, and does not record a call by hand', async () => {
    const database = await withSchema(await engine.database())
    await expect(
      asCron(database, `call qicore.retain(0, '{"object": "public.level1_data", "job": "retain"}')`),
    ).rejects.toThrow(/qicore.policies declares no retention/)
    await expect(database.autocommit(`call qicore.retain(0, '{"object": "public.level1_data"}')`)).rejects.toThrow(
      /qicore.policies declares no retention/,
    )
    expect(await log(database, 'retain')).toEqual([
      {
        status: 'failed',
        reason: null,
        error: 'public.level1_data: qicore.policies declares no retention',
        application: 'pg_cron',
      },
    ])
  })
})

forEachEngine({kinds: ['postgres']}, (engine) => {
  it('creates the current partitions and those ahead, continues after one that fails, and creates nothing twice', async () => {
    const database = await withSchema(await engine.database())
    const {run} = database
    await run(
      'create table public.kept (time timestamptz not null) partition by range (time); create table public.other (time timestamptz not null)',
    )
    const sets = JSON.stringify(
      ['kept', 'other'].map((table) => ({table: `public.${table}`, every: 'month', ahead: 2, timezone: 'UTC'})),
    )
    const ensure = `call qicore.ensure_partitions('${sets}')`
    await asCron(database, ensure)
    const children = () =>
      run<{n: number}>("select count(*)::int as n from pg_inherits where inhparent = 'public.kept'::regclass")
    expect(await children()).toEqual([{n: 3}])
    const [first] = await log(database, 'partitions')
    expect(first).toMatchObject({
      status: 'partial',
      error: expect.stringContaining(
        '3 of 6 partitions could not be created: public.other is not partitioned by range of one column',
      ),
    })
    await asCron(database, ensure.replace(/,\{"table":"public.other.*?\}/, ''))
    expect(await children()).toEqual([{n: 3}])
    expect(await log(database, 'partitions')).toMatchObject([{}, {status: 'done'}])
  })

  it('compares ranges of partitions as the program does: another name is accepted, a larger range is enough, an overlap names both', async () => {
    const database = await withSchema(await engine.database())
    const {run} = database
    await run('create table public.named (time timestamptz not null) partition by range (time)')
    const [month] = await run<{first: string; second: string; third: string; tenth: string}>(`
      select ${monthsAhead(0)}::text as first, ${monthsAhead(1)}::text as second, ${monthsAhead(2)}::text as third, (${monthsAhead(2)} + interval '9 days')::text as tenth`)
    const {first, second, third, tenth} = month!
    await run(`create table public.other_name partition of public.named for values from ('${first}') to ('${second}')`)
    const ensure = (ahead: number) =>
      asCron(
        database,
        `call qicore.ensure_partitions('${JSON.stringify([{table: 'public.named', every: 'month', ahead, timezone: 'UTC'}])}')`,
      )
    const children = async () =>
      (
        await run<{name: string}>(
          "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'public.named'::regclass order by 1",
        )
      ).map(({name}) => name)
    await ensure(0)
    expect(await children()).toEqual(['other_name'])
    expect(await log(database, 'partitions')).toMatchObject([{status: 'done', error: null}])
    expect(await run(`select qicore.create_partition('public.named', 'month', '${first}')::text as name`)).toEqual([
      {name: 'other_name'},
    ])

    await run(
      `alter table public.named detach partition public.other_name; drop table public.other_name; create table public.quarter partition of public.named for values from (minvalue) to ('${third}')`,
    )
    await ensure(1)
    expect(await children()).toEqual(['quarter'])
    await expect(run(`select qicore.create_partition('public.named', 'month', '${first}')`)).rejects.toMatchObject({
      code: 'QC001',
      message: expect.stringContaining(`public.quarter (-infinity to ${third}) covers ${first} to ${second}`) as string,
    })

    // Where a partition covers a part of a period, the rest of it is created.
    await run(`create table public.part partition of public.named for values from ('${tenth}') to (maxvalue)`)
    await ensure(2)
    const made = (await children()).filter((name) => name.startsWith('named_y'))
    expect(made).toHaveLength(1)
    expect((await log(database, 'partitions')).at(-1)).toMatchObject({status: 'done', error: null})
    expect(
      await run(`select pg_get_expr(relpartbound, 0) as bound from pg_class where relname = '${made[0]}'`),
    ).toEqual([{bound: `FOR VALUES FROM ('${third}') TO ('${tenth}')`}])
    await expect(run(`select qicore.create_partition('public.named', 'quarter', '${tenth}')`)).rejects.toMatchObject({
      message: expect.stringMatching(/overlaps|covers/) as string,
    })
  })
})
