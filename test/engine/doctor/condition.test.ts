import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {loadSql} from '../../../src/db/load-sql.js'
import {statement} from '../../../src/db/sql.js'
import {
  databasesFindings,
  launcherFindings,
  togetherFindings,
  type WorkersRow,
} from '../../../src/doctor/checks/workers.js'
import {updatePending} from '../../../src/doctor/checks/condition.js'
import {askDoctor, expectLaw, expectPassed} from '../../helpers/doctor.js'
import {forEachEngine} from '../../helpers/engines.js'
import {applicationName, targetOf} from '../../helpers/server.js'

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('reports the states that a session finds when it opens, and their fixes end them', async () => {
    const {db, ...rest} = await engine.database()
    const database = {db, ...rest}
    const {autocommit} = database
    const name = db.server.database
    const set = async (text: string) => {
      await autocommit(text)
      await db.probe()
    }
    // The fix takes effect for the next session: this one reads again what a session reads at its start.
    const follow = async (fixes: readonly {text: string}[]) => {
      for (const {text} of fixes) await set(text)
    }
    for (const [id, setting] of [
      ['condition.loader_disabled', 'timescaledb.disable_load'],
      ['condition.compressed_rows_hidden', 'timescaledb.enable_transparent_decompression'],
    ] as const) {
      const value = id === 'condition.loader_disabled' ? 'on' : 'off'
      const [found] = await expectLaw(database, id, () => set(`alter database ${name} set ${setting} = ${value}`), {
        follow,
      })
      expect(found).toMatchObject({severity: 'critical', fix: {kind: 'sql'}})
    }
    await expectLaw(
      database,
      'condition.restoring',
      () => set(`alter database ${name} set timescaledb.restoring = on`),
      {
        follow: () => set(`alter database ${name} reset timescaledb.restoring`),
      },
    )
  }, 120_000)

  it('workers.together: finds more jobs in one minute than workers, and passes when they start apart', async () => {
    const database = await engine.database()
    const {run} = database
    await run("create procedure nothing(job_id int, config jsonb) language sql as 'select 1'")
    const [{most} = {most: 0}] = await run<{most: number}>(
      "select current_setting('timescaledb.max_background_workers')::int as most",
    )
    const [found] = await expectLaw(
      database,
      'workers.together',
      () =>
        run(
          `select add_job('nothing', interval '1 year', initial_start => timestamptz '2100-01-01 00:00+00') from generate_series(1, ${most})`,
        ),
      {
        follow: () =>
          run(
            "select alter_job(job_id, next_start => timestamptz '2100-01-01 00:00+00' + job_id * interval '1 hour') from timescaledb_information.jobs where proc_name = 'nothing'",
          ),
      },
    )
    expect(found).toMatchObject({data: {together: most, limit: most}})
  })

  it('workers.together: counts the worker of a subscription', async (context) => {
    const {run, autocommit, url, db} = await engine.database()
    if ((await run<{wal_level: string}>('show wal_level'))[0]!.wal_level !== 'logical')
      return context.skip('wal_level of this server is not logical')
    const read = async () => (await db.query<WorkersRow>(statement(loadSql('doctor/workers'))))[0]!
    const before = await read()
    const slot = `${db.server.database}_slot`
    await run('create table public.fed (id int primary key)')
    await autocommit('create publication feed for table public.fed')
    await run(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
    await autocommit(
      `create subscription ${slot} connection '${url}' publication feed with (create_slot = false, slot_name = '${slot}', copy_data = false)`,
    )
    try {
      await expect.poll(async () => (await read()).replication, {timeout: 20_000}).toBe(before.replication + 1)
      expect((await read()).others).toBe(before.others)
    } finally {
      await autocommit(`drop subscription ${slot}`)
    }
  })

  it('workers.databases: counts the scheduler of a second database, also as a role without rights', async () => {
    const first = await engine.database()
    const second = await engine.database()
    const role = `${first.db.server.database}_plain`
    await first.autocommit(`create role ${role} login`)
    const db = await connect(targetOf(first.url.replace(/\/\/[^@/]*@/, `//${role}@`)), {applicationName})
    try {
      const names = [first, second].map(({db: {server}}) => server.database)
      const schedulers = () =>
        first.run<{datname: string}>(
          "select datname from pg_stat_activity where application_name like 'TimescaleDB Background Worker Scheduler%'",
        )
      const seen = async () => (await schedulers()).map(({datname}) => datname)
      await expect.poll(seen, {timeout: 20_000}).toEqual(expect.arrayContaining(names))
      const [row] = await db.query<WorkersRow>(statement(loadSql('doctor/workers')))
      expect(row!.schedulers).toBeGreaterThanOrEqual(2)
      // With the limit that this server would have if it were one less than the sum.
      const limit = row!.schedulers * 2
      expect(databasesFindings({...row!, max_background_workers: limit + 1})).toEqual([])
      expect(databasesFindings({...row!, max_background_workers: limit})).toMatchObject([
        {data: {schedulers: row!.schedulers, needed: limit + 1, limit}},
      ])
      // What other extensions take is not visible, so enough workers are not certain.
      expect(await askDoctor({db}, 'workers.databases')).toMatchObject({
        status: 'unknown',
        missingFix: {kind: 'sql', text: `grant pg_monitor to "${role}"`},
      })
    } finally {
      await db.close()
      await first.autocommit(`drop role ${role}`)
    }
  })

  it('workers: reports a stopped scheduler, and the fix starts it', async () => {
    const database = await engine.database()
    const {autocommit} = database
    await expectPassed(database, 'workers.launcher')
    await expectPassed(database, 'workers.together')
    const status = async () => (await askDoctor(database, 'workers.scheduler')).status
    await expect.poll(status, {timeout: 20_000}).toBe('passed')
    await autocommit('select _timescaledb_functions.stop_background_workers()')
    await expect.poll(status, {timeout: 20_000}).toBe('critical')
    const {findings} = await askDoctor(database, 'workers.scheduler')
    await autocommit(findings[0]!.fix.text)
    await expect.poll(status, {timeout: 20_000}).toBe('passed')
  }, 120_000)
})

forEachEngine({kinds: ['timescaledb'], native: false}, (engine) => {
  it('condition.stale_names: reports names of hypertables and chunks that PostgreSQL does not have', async () => {
    const database = await engine.database()
    const {run} = database
    await run('create table public.t (time timestamptz not null, v int)')
    await run("select create_hypertable('public.t', by_range('time', interval '1 day'))")
    await run("insert into public.t values ('2026-11-01 00:00+00', 1)")
    const rename = (from: string, to: string) => async () => {
      await run(`update _timescaledb_catalog.chunk set table_name = '${to}' where table_name = '${from}'`)
    }
    const [{name}] = (await run<{name: string}>('select table_name as name from _timescaledb_catalog.chunk')) as [
      {name: string},
    ]
    const [chunk] = await expectLaw(database, 'condition.stale_names', rename(name, 'gone'), {
      follow: rename('gone', name),
    })
    expect(chunk).toMatchObject({object: {table: 't'}, data: {chunks: 1}})
    const table = (from: string, to: string) => async () => {
      await run(`update _timescaledb_catalog.hypertable set table_name = '${to}' where table_name = '${from}'`)
    }
    await expectLaw(database, 'condition.stale_names', table('t', 'lost'), {follow: table('lost', 't')})
  })

  it('condition.update_pending: reports another version on the server; the embedded engine has only one', async () => {
    const {db} = await engine.database()
    const server = {...db.server, embedded: false, timescaledbAvailable: '99.1.0'}
    expect(updatePending(server)).toMatchObject([{severity: 'warning', data: {available: '99.1.0'}}])
    expect(updatePending({...server, timescaledbAvailable: server.timescaledb})).toEqual([])
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('condition.read_only: reports a database whose sessions are read only, and the fix makes it writable', async () => {
    const database = await engine.database()
    const {db} = database
    const [found] = await expectLaw(database, 'condition.read_only', () =>
      database.autocommit(`alter database ${db.server.database} set default_transaction_read_only = on`),
    )
    expect(found).toMatchObject({severity: 'critical', data: {cause: 'database'}})
  })
})

// What takes a restart to create. The rows are those of real servers.
const row = {
  launchers: 1,
  schedulers: 3,
  here: 1,
  max_background_workers: 16,
  max_worker_processes: 16,
  max_parallel_workers: 8,
  replication: 1,
  pg_cron: 1,
  others: 2,
  together: 8,
}

it('workers.together: adds up what each limit counts, and not what parallel queries may take', () => {
  expect(togetherFindings(row)).toEqual([])
  expect(togetherFindings({...row, max_parallel_workers: 16})).toEqual([])
  const processes = {needed: 17, limit: 16, setting: 'max_worker_processes', parallel: 8}
  for (const more of [{together: 9}, {replication: 2}, {pg_cron: 2}, {others: 3}])
    expect(togetherFindings({...row, ...more}), JSON.stringify(more)).toMatchObject([
      {severity: 'warning', data: processes},
    ])
  expect(togetherFindings({...row, others: 3})[0]!.message).toBe(
    '1 launcher + 3 schedulers + 8 jobs of this database that start in the same minute + 1 for logical replication + 1 for pg_cron + 3 of other extensions are 17, more than max_worker_processes = 16: jobs that find no worker wait.',
  )
  expect(togetherFindings({...row, max_background_workers: 11})).toMatchObject([
    {data: {needed: 12, limit: 11, setting: 'timescaledb.max_background_workers'}},
  ])
  expect(togetherFindings({...row, max_worker_processes: 8, together: 0})).toEqual([])
})

it("workers: PostgreSQL's and TimescaleDB's default settings are enough for one database with a few jobs", () => {
  const defaults = {
    ...row,
    schedulers: 1,
    max_worker_processes: 8,
    replication: 1,
    pg_cron: 0,
    others: 0,
  }
  for (const together of [1, 5]) expect(togetherFindings({...defaults, together})).toEqual([])
  expect(togetherFindings({...defaults, together: 6})).toMatchObject([{data: {needed: 9, limit: 8}}])
  expect(databasesFindings(defaults)).toEqual([])
})

it('workers.databases: counts a scheduler and a job for each database of the server', () => {
  expect(databasesFindings(row)).toEqual([])
  expect(databasesFindings({...row, max_background_workers: 7})).toEqual([])
  expect(databasesFindings({...row, max_background_workers: 6})).toMatchObject([
    {severity: 'warning', data: {schedulers: 3, needed: 7, limit: 6, setting: 'timescaledb.max_background_workers'}},
  ])
  expect(databasesFindings({...row, schedulers: 4, max_worker_processes: 12})).toMatchObject([
    {
      message:
        '1 launcher + 4 schedulers + 4 jobs (one for each database with a scheduler) + 1 for logical replication + 1 for pg_cron + 2 of other extensions are 13, more than max_worker_processes = 12: jobs that find no worker wait.',
    },
  ])
  expect(databasesFindings({...row, schedulers: 1, max_background_workers: 2})).toEqual([])
})

it('workers.launcher: reports a missing launcher', () => {
  expect(launcherFindings(row)).toEqual([])
  expect(launcherFindings({...row, launchers: 0, max_background_workers: 0})).toMatchObject([
    {severity: 'critical', message: expect.stringContaining('is 0')},
  ])
})
