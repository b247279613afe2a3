import {expect, it} from 'vitest'
import {askDoctor, expectLaw, expectPassed} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {apply, days, declare, request} from '../../helpers/policies.js'
import {replay} from '../../helpers/schema-replay.js'

const never = "initial_start => timestamptz '2100-01-01 00:00+00'"
/** Ten days of November 2026, which no policy of these tests reaches. */
const november = "generate_series(timestamptz '2026-11-01 00:00+00', '2026-11-10 00:00+00', interval '6 hours') as at"

async function ticks({run}: TestDatabase): Promise<void> {
  await run('create table public.ticks (time timestamptz not null, v int)')
  await run("select create_hypertable('public.ticks', by_range('time', interval '1 day'))")
  await run(`insert into public.ticks select at, 1 from ${november}`)
  await run('alter table public.ticks set (timescaledb.compress)')
}

async function daily({autocommit}: TestDatabase): Promise<void> {
  await autocommit(
    "create materialized view public.daily with (timescaledb.continuous) as select time_bucket('1 day', time) as day, count(*) as n from public.ticks group by 1 with no data",
  )
}

/** A hypertable on double precision. */
async function measured({run}: TestDatabase): Promise<void> {
  await run('create table public.measured (at double precision not null, v int)')
  await run(
    "create function public.as_time(double precision) returns timestamptz language sql immutable as 'select to_timestamp($1)'",
  )
  await run(
    "select create_hypertable('public.measured', by_range('at', interval '1 day', partition_func => 'public.as_time'))",
  )
}

const compress = `select add_compression_policy('public.ticks', interval '100 years', ${never})`

forEachEngine({kinds: ['timescaledb'], native: false}, (engine) => {
  it('policies.paused: reports a paused policy of an undeclared table, and the fix resumes it', async () => {
    const database = await engine.database()
    await ticks(database)
    const [found] = await expectLaw(database, 'policies.paused', async () => {
      await database.run(compress)
      await database.run(
        'select alter_job(job_id, scheduled => false) from timescaledb_information.jobs where job_id >= 1000',
      )
    })
    expect(found).toMatchObject({severity: 'warning', object: {schema: 'public', table: 'ticks'}, fix: {kind: 'sql'}})
  })

  it('policies.never_run: reports a policy on integers without integer_now, and the function makes it run', async () => {
    const database = await engine.database()
    const {run} = database
    await run('create table public.counted (clock bigint not null, v int)')
    await run("select create_hypertable('public.counted', by_range('clock', 86400))")
    await run('alter table public.counted set (timescaledb.compress)')
    const [found] = await expectLaw(
      database,
      'policies.never_run',
      () => run(`select add_compression_policy('public.counted', 864000::bigint, ${never})`),
      {request: {timeUnits: new Map([['public.counted', 's']])}},
    )
    expect(found).toMatchObject({severity: 'critical', data: {code: 'no_clock', kind: 'compression'}})
  })

  it('policies.never_run: reports an owner without LOGIN, and the fix grants it', async () => {
    const database = await engine.database()
    const {run} = database
    await ticks(database)
    await run('create role doctor_owner login')
    try {
      await run('alter table public.ticks owner to doctor_owner')
      const [found] = await expectLaw(database, 'policies.never_run', async () => {
        await run(compress)
        await run('alter role doctor_owner nologin')
      })
      expect(found).toMatchObject({
        data: {code: 'owner_cannot_login'},
        message: expect.stringContaining('doctor_owner'),
      })
    } finally {
      await run('drop owned by doctor_owner cascade')
      await run('drop role doctor_owner')
    }
  })

  it('policies.missing: reports a declared policy that is not in the database until it is applied', async () => {
    const database = await engine.database()
    await ticks(database)
    const declared = [declare('public.ticks', {compression: {after: days(36_500), segmentBy: null, orderBy: null}})]
    await expectPassed(database, 'policies.missing')
    const {findings} = await askDoctor(database, 'policies.missing', {declared})
    expect(findings).toMatchObject([
      {object: {table: 'ticks'}, data: {kind: 'compression'}, fix: {kind: 'command', text: 'qicore-db policies apply'}},
    ])
    await apply(database.db, request(declared))
    await expectPassed(database, 'policies.missing', {declared})
  })

  it('policies.job_missing and policies.not_confirmed: report a gated retention without its job or its consent', async () => {
    const database = await engine.database()
    const {run, db} = database
    await ticks(database)
    await replay(database, ['core'])
    await db.probe()
    const declared = [declare('public.ticks', {retention: {after: days(36_500), native: false}})]
    const again = {request: {declared}, follow: () => apply(db, request(declared))}
    await apply(db, request(declared))
    const [lost] = await expectLaw(
      database,
      'policies.job_missing',
      () => run("select delete_job(job_id) from timescaledb_information.jobs where proc_name = 'retain'"),
      again,
    )
    expect(lost).toMatchObject({
      severity: 'critical',
      object: {table: 'ticks'},
      fix: {text: 'qicore-db policies apply'},
    })
    await expectLaw(
      database,
      'policies.not_confirmed',
      () => run(`update qicore.policies set config = config || '{"after": "3 days"}'`),
      again,
    )
  })

  it('policies.job_procedure_gone: reports a job whose procedure was dropped, and the fix deletes it', async () => {
    const database = await engine.database()
    const {run} = database
    const [found] = await expectLaw(database, 'policies.job_procedure_gone', async () => {
      await run("create procedure public.nightly(job_id int, config jsonb) language sql as 'select 1'")
      await run("select add_job('public.nightly', interval '1 day')")
      // TimescaleDB would refuse to drop it by its qualified name.
      await run('drop procedure nightly')
    })
    expect(found!.message).toContain('public.nightly, which no longer exists')
  })

  it('policies.job_failures: reports a failed job with its SQLSTATE and advice', async () => {
    const database = await engine.database()
    const {run} = database
    const [found] = await expectLaw(
      database,
      'policies.job_failures',
      async () => {
        await run("create procedure public.nightly(job_id int, config jsonb) language sql as 'select 1'")
        await run("select add_job('public.nightly', interval '1 day')")
        await run('delete from _timescaledb_internal.bgw_job_stat')
        // The row that the scheduler writes: the embedded engine has no scheduler.
        await run(
          `insert into _timescaledb_internal.bgw_job_stat
           select job_id, timestamptz '2026-11-01 00:00+00', '2026-11-01 00:00:01+00', '2026-11-01 01:00+00', '-infinity', false,
             4, interval '4 seconds', interval '4 seconds', 0, 4, 0, 4, 0, 0
           from timescaledb_information.jobs where job_id >= 1000`,
        )
        await run(
          `insert into _timescaledb_internal.bgw_job_stat_history (job_id, pid, execution_start, execution_finish, succeeded, data)
           select job_id, 1, timestamptz '2026-11-01 00:00+00', '2026-11-01 00:00:01+00', false,
             '{"job": {"proc_schema": "public", "proc_name": "nightly"}, "error_data": {"sqlerrcode": "42501", "message": "permission denied for table prices"}}'
           from timescaledb_information.jobs where job_id >= 1000`,
        )
      },
      {follow: () => run('update _timescaledb_internal.bgw_job_stat set consecutive_failures = 0')},
    )
    expect(found).toMatchObject({
      severity: 'critical',
      data: {state: '42501', failures: 4, proc: 'public.nightly'},
      message: expect.stringContaining('permission denied for table prices [42501]'),
      fix: {kind: 'advice', text: expect.stringMatching(/^Grant .*select "public"\."alter_job"\(\d+/)},
    })
  })

  it('policies.job_failures: has one warning for all jobs that fail after their COMMIT', async () => {
    const database = await engine.database()
    await ticks(database)
    const {run} = database
    await run(compress)
    await run("create procedure public.nightly(job_id int, config jsonb) language sql as 'select 1'")
    await run(`select add_job('public.nightly', interval '1 day', ${never})`)
    await run('delete from _timescaledb_internal.bgw_job_stat')
    await run(
      `insert into _timescaledb_internal.bgw_job_stat
       select job_id, timestamptz '2026-11-01 00:00+00', '2026-11-01 00:00:01+00', '2100-01-01 01:00+00', '-infinity', false,
         4, interval '4 seconds', interval '4 seconds', 0, 4, 0, 4, 0, 0
       from timescaledb_information.jobs where job_id >= 1000`,
    )
    await run(
      `insert into _timescaledb_internal.bgw_job_stat_history (job_id, pid, execution_start, execution_finish, succeeded, data)
       select job_id, 1, timestamptz '2026-11-01 00:00+00', '2026-11-01 00:00:01+00', false,
         jsonb_build_object('job', jsonb_build_object('proc_schema', proc_schema, 'proc_name', proc_name), 'error_data',
           '{"sqlerrcode": "24000", "message": "cannot drop portal \\"\\" while it is being set up"}'::jsonb)
       from timescaledb_information.jobs where job_id >= 1000`,
    )
    const {findings} = await askDoctor(database, 'policies.job_failures')
    expect(findings).toMatchObject([
      {
        severity: 'warning',
        message: expect.stringMatching(/^2 jobs count as failed, although the work of their last runs was committed/),
        data: {jobIds: [expect.any(Number), expect.any(Number)], state: '24000'},
      },
    ])
  })

  it('policies.conflict: reports a refresh over a whole table with a retention, which would empty the aggregate', async () => {
    const database = await engine.database()
    const {run} = database
    await ticks(database)
    await daily(database)
    const refresh = (start: string) =>
      run(
        `select add_continuous_aggregate_policy('public.daily', ${start}, interval '1 day', interval '1 day', ${never})`,
      )
    await refresh('null')
    const found = await expectLaw(
      database,
      'policies.conflict',
      () => run(`select add_retention_policy('public.ticks', interval '100 days', ${never})`),
      {
        follow: async () => {
          await run("select remove_continuous_aggregate_policy('public.daily')")
          await refresh("interval '30 days'")
        },
      },
    )
    expect(found).toMatchObject([
      {
        severity: 'critical',
        object: {table: 'daily'},
        data: {id: 'refresh-erases:public.daily'},
        fix: {kind: 'advice'},
      },
    ])
  })

  it('policies.not_running: reports that no policy runs without workers and a daemon', async () => {
    const database = await engine.database()
    await ticks(database)
    const [found] = await expectLaw(database, 'policies.not_running', () => database.run(compress), {
      follow: () => database.run("select remove_compression_policy('public.ticks')"),
    })
    expect(found).toMatchObject({severity: 'critical', fix: {text: expect.stringContaining('qicore-db daemon')}})
  })

  it('policies.late: an unknown state is UNKNOWN with the reason, never PASSED', async () => {
    const database = await engine.database()
    const {run} = database
    await measured(database)
    await expectPassed(database, 'policies.late')
    await run(`select add_retention_policy('public.measured', interval '100 years', ${never})`)
    const {status, missing} = await askDoctor(database, 'policies.late')
    expect(status).toBe('unknown')
    expect(missing).toContain('its time column is of a type without a clock')
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('policies.late, policies.duplicate, policies.never_run, policies.ungated_retention: the suggested commands fix them', async () => {
    const database = await engine.database()
    const {run} = database
    await ticks(database)
    const [late] = await expectLaw(database, 'policies.late', () =>
      run(`select add_compression_policy('public.ticks', interval '1 day', ${never})`),
    )
    expect(late).toMatchObject({
      data: {kind: 'compression', code: 'not_done'},
      fix: {text: 'qicore-db chunks compress ticks'},
    })

    await measured(database)
    await run('alter table public.measured set (timescaledb.compress)')
    const [float] = await expectLaw(database, 'policies.never_run', () =>
      run(`select add_compression_policy('public.measured', interval '1 day', ${never})`),
    )
    expect(float).toMatchObject({data: {code: 'key_unsupported'}})

    await daily(database)
    await run(
      `select add_continuous_aggregate_policy('public.daily', interval '30 days', interval '1 day', interval '1 day', ${never})`,
    )
    const [ungated] = await expectLaw(database, 'policies.ungated_retention', () =>
      run(`select add_retention_policy('public.ticks', interval '36500 days', ${never})`),
    )
    expect(ungated).toMatchObject({data: {aggregates: ['public.daily'], after: '36500 days'}})

    // The gated retention has replaced TimescaleDB's own, and a second one beside it is removed too.
    const [twice] = await expectLaw(database, 'policies.duplicate', () =>
      run(`select add_retention_policy('public.ticks', interval '36600 days', ${never})`),
    )
    expect(twice).toMatchObject({object: {table: 'ticks'}, data: {kind: 'retention'}, fix: {kind: 'command'}})
  }, 120_000)
})
