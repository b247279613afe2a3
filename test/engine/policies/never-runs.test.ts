import {expect, it} from 'vitest'
import type {Declared} from '../../../src/policies/declared/declared.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {requireSafe} from '../../../src/policies/checks/run-checks.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {days, declare, request} from '../../helpers/policies.js'

/** Without findings that depend on the workers that the server has left for this database. */
async function status({db}: TestDatabase, declared: readonly Declared[] = []) {
  const report = await readPolicyStatus(db, {declared, lateAfter: 0})
  const policies = report.policies.map((policy) => ({
    ...policy,
    problems: policy.problems.filter(({code}) => code !== 'runner_not_running'),
  }))
  return {...report, policies}
}

async function hypertable({run}: TestDatabase, name: string, column: string, type: string, length: string) {
  await run(`create table public.${name} (${column} ${type} not null, v int)`)
  await run(`select create_hypertable('public.${name}', by_range('${column}', ${length}))`)
  await run(`alter table public.${name} set (timescaledb.compress)`)
}

/** A policy that the scheduler does not start, and that has nothing to do. */
async function policy({run}: TestDatabase, call: string): Promise<number> {
  const [row] = await run<{id: number}>(
    `select ${call.replace(/\)$/, ", initial_start => timestamptz '2100-01-01 00:00+00')")} as id`,
  )
  return row!.id
}

/** Seconds since 1970, of ten days of November 2026. */
const seconds = 'select extract(epoch from at)::int8, 1'
const november =
  "from generate_series(timestamptz '2026-11-01 00:00+00', '2026-11-11 00:00+00', interval '6 hours') as at"

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('a policy is reported to fail at every run exactly if its run fails', async () => {
    const database = await engine.database()
    const {run} = database
    await hypertable(database, 'times', 'time', 'timestamptz', "interval '1 day'")
    await hypertable(database, 'ids', 'id', 'uuid', "interval '1 day'")
    await hypertable(database, 'counted', 'clock', 'bigint', '86400')
    await hypertable(database, 'clocked', 'clock', 'bigint', '86400')
    await run("create function public.clocked_now() returns bigint language sql stable as 'select 1793491200::bigint'")
    await run("select set_integer_now_func('public.clocked', 'public.clocked_now')")
    await run(`insert into public.clocked ${seconds} ${november}`)
    await run(`insert into public.counted ${seconds} ${november}`)
    for (const name of ['ancient', 'prehistoric', 'ancient_chunks'])
      await hypertable(database, name, 'time', 'timestamptz', "interval '1 day'")
    const old = "interval '100 years'"
    const jobs = [
      await policy(database, `add_retention_policy('public.times', drop_created_before => ${old})`),
      await policy(database, `add_compression_policy('public.times', compress_created_before => ${old})`),
      await policy(database, `add_retention_policy('public.ids', ${old})`),
      await policy(database, `add_compression_policy('public.ids', ${old})`),
      await policy(database, `add_retention_policy('public.counted', drop_created_before => ${old})`),
      await policy(database, "add_compression_policy('public.counted', 100000000::bigint)"),
      await policy(database, `add_retention_policy('public.clocked', drop_created_before => ${old})`),
      await policy(database, "add_compression_policy('public.clocked', 1000000000::bigint)"),
      // The first time that PostgreSQL has is 6 739 years before 2026.
      await policy(database, "add_retention_policy('public.ancient', interval '6000 years')"),
      await policy(database, "add_compression_policy('public.ancient', interval '6000 years')"),
      await policy(database, "add_retention_policy('public.prehistoric', interval '30000 years')"),
      await policy(database, "add_compression_policy('public.prehistoric', interval '30000 years')"),
      await policy(
        database,
        "add_compression_policy('public.ancient_chunks', compress_created_before => interval '30000 years')",
      ),
    ]
    const {policies} = await status(database)
    const broken = ['no_clock', 'uuid_unsupported', 'created_before_unsupported', 'age_out_of_range']
    const said = policies.filter(({problems}) => problems.some(({code}) => broken.includes(code)))
    const failed: number[] = []
    for (const job of jobs) await database.autocommit(`call public.run_job(${job})`).catch(() => failed.push(job))
    expect(said.map(({jobId}) => jobId).sort()).toEqual(failed.sort())
    expect(failed.length, 'of integers without a clock no age can be counted on any version').toBeGreaterThan(1)
    for (const each of said) {
      expect(each.ok, each.table).toBe(false)
      expect(each.findings, 'each finding has its code').toEqual(
        expect.arrayContaining(each.problems.map(({message}) => message)),
      )
      expect(each.findings.join()).not.toContain('The next run drops')
    }
    const {findings} = await planPolicies(database.db, request([]))
    const named = findings.filter(({id}) => broken.includes(id.split(':')[0]!.replaceAll('-', '_')))
    expect(named.flatMap(({policies}) => policies.map(({key, kind}) => `${key} ${kind}`)).sort()).toEqual(
      said.map(({schema, table, kind}) => `${schema}.${table} ${kind}`).sort(),
    )
  })

  it('a compression policy of an aggregate is refused where the server wants a refresh policy first', async () => {
    const {db, run, autocommit} = await engine.database()
    await run('create table public.ticks (time timestamptz not null, v int)')
    await run("select create_hypertable('public.ticks', by_range('time'))")
    await autocommit(
      "create materialized view public.daily with (timescaledb.continuous) as select time_bucket('1 day', time) as day, count(*) as n from public.ticks group by 1 with no data",
    )
    const declared = [
      declare('public.daily', {section: 'aggregates', compression: {after: days(30), segmentBy: null, orderBy: null}}),
    ]
    const {findings, changes} = await planPolicies(db, request(declared))
    const said = findings.filter(({id}) => id === 'refresh-first:public.daily')
    await run('alter materialized view public.daily set (timescaledb.compress)')
    const refused = await run("select add_compression_policy('public.daily', interval '30 days')").then(
      () => false,
      () => true,
    )
    expect(said.length === 1).toBe(refused)
    if (refused) expect(() => requireSafe(findings, changes, [])).toThrow('refresh-first:public.daily')
  })

  it('a native retention that can never run is refused, and the gated one is not', async () => {
    const database = await engine.database()
    await hypertable(database, 'ids', 'id', 'uuid', "interval '1 day'")
    const plan = async (native: boolean) => {
      const {findings, changes} = await planPolicies(
        database.db,
        request([declare('public.ids', {retention: {after: days(90), native}})]),
      )
      requireSafe(findings, changes, [])
    }
    await plan(false)
    if (database.db.server.policiesOnUuid) await plan(true)
    else
      await expect(plan(true)).rejects.toMatchObject({
        code: 'UNSAFE_PLAN',
        exitCode: 7,
        message: expect.stringContaining('[uuid-unsupported:public.ids]'),
      })
  })

  it('a declared unit that puts all rows in 1970 or in another century is a finding, and no plan is made with it', async () => {
    const database = await engine.database()
    const {run, db} = database
    for (const name of ['today', 'counter', 'history'])
      await hypertable(database, name, 'clock', 'bigint', name === 'counter' ? '1000' : '86400000')
    await run(`insert into public.today select clock * 1000, v from (${seconds} as v ${november}) as t (clock, v)`)
    await run('insert into public.counter select n, 1 from generate_series(1, 5000, 100) as n')
    // Milliseconds of 1990: no unit makes them recent, and that is no mistake.
    await run('insert into public.history select 631152000000 + n * 86400000, 1 from generate_series(0, 5) as n')
    const declared = (name: string, timeUnit: 's' | 'ms' | 'us' | 'ns') =>
      declare(`public.${name}`, {timeUnit, retention: {after: days(9), native: false}})
    const wrong = [
      [declared('today', 'us'), '1970', 'in ms they are current times'],
      [declared('today', 's'), 'a hundred years', 'in ms they are current times'],
      [declared('counter', 's'), '1970', 'no unit makes them current times'],
      [declared('history', 's'), 'a hundred years', 'no unit makes them current times'],
      [declared('history', 'ns'), '1970', 'no unit makes them current times'],
    ] as const
    for (const [each, where, unit] of wrong) {
      await expect(planPolicies(db, request([each])), `${each.name} in ${each.timeUnit}`).rejects.toMatchObject({
        code: 'WRONG_UNIT',
        exitCode: 2,
        message: expect.stringContaining(where),
      })
      await policy(database, `add_retention_policy('public.${each.name}', drop_created_before => interval '9 years')`)
      const {policies} = await status(database, [each])
      expect(policies.find(({table}) => table === each.name)).toMatchObject({
        ok: false,
        problems: [{code: 'wrong_unit', message: expect.stringContaining(unit)}],
      })
      await run(`select remove_retention_policy('public.${each.name}')`)
    }
    for (const right of [declared('today', 'ms'), declared('history', 'ms')])
      expect((await planPolicies(db, request([right]))).plan.steps.length, right.name).toBeGreaterThan(0)
  })

  it('a job whose owner may not log in, or may only read, is reported to fail at every run', async () => {
    const database = await engine.database()
    const {run} = database
    const [me] = await run<{database: string}>('select current_database() as database')
    const owner = `${me!.database}_owner`
    await run(`create role ${owner} login`)
    try {
      await hypertable(database, 'owned', 'time', 'timestamptz', "interval '1 day'")
      await run(`alter table public.owned owner to ${owner}`)
      const job = await policy(database, "add_retention_policy('public.owned', interval '100 years')")
      expect((await status(database)).policies).toMatchObject([{jobId: job, ok: true, problems: []}])
      await run(`alter role ${owner} nologin`)
      expect((await status(database)).policies).toMatchObject([
        {jobId: job, ok: false, problems: [{code: 'owner_cannot_login'}]},
      ])
      await run(`alter role ${owner} login`)
      for (const setting of [`role ${owner}`, `database ${me!.database}`]) {
        await run(`alter ${setting} set default_transaction_read_only = on`)
        const [policy] = (await status(database)).policies
        expect(policy, setting).toMatchObject({ok: false, problems: [{code: 'owner_reads_only'}]})
        await run(policy!.problems[0]!.fix!.text)
        expect((await status(database)).policies, setting).toMatchObject([{jobId: job, ok: true, problems: []}])
        await run(`alter role ${owner} in database ${me!.database} reset default_transaction_read_only`)
        await run(`alter ${setting} reset default_transaction_read_only`)
      }
    } finally {
      await run(`drop owned by ${owner} cascade`)
      await run(`drop role ${owner}`)
    }
  })

  it('two retentions of one table are both shown, in status and in the plan', async () => {
    const database = await engine.database()
    const {run, db} = database
    await hypertable(database, 'twice', 'time', 'timestamptz', "interval '1 day'")
    const first = await policy(database, "add_retention_policy('public.twice', interval '400 years')")
    const second = await policy(
      database,
      `add_job('_timescaledb_functions.policy_retention', interval '1 day', config => (select jsonb_build_object('hypertable_id', id, 'drop_after', '300 years') from _timescaledb_catalog.hypertable where table_name = 'twice'))`,
    )
    const {policies} = await status(database)
    expect(policies.map(({jobId, live}) => [jobId, live?.after])).toEqual([
      [first, '400 years'],
      [second, '300 years'],
    ])
    for (const {problems} of policies)
      expect(problems).toMatchObject([
        {code: 'policy_twice', message: expect.stringContaining(`jobs ${first}, ${second}`)},
      ])
    const {findings, unmanaged} = await planPolicies(db, request([]))
    expect(unmanaged.map(({rule}) => rule.job?.id)).toEqual([first, second])
    expect(findings.map(({id}) => id)).toEqual([
      'ungated:public.twice',
      `ungated:public.twice:${second}`,
      'retention-twice:public.twice',
    ])
    const declared = declare('public.twice', {retention: {after: days(90), native: false}})
    await expect(planPolicies(db, request([declared]))).rejects.toMatchObject({code: 'POLICY_TWICE', exitCode: 2})
    // Of the two, the one that drops rows first is compared with the aggregates.
    await run(
      `select alter_job(${second}, config => jsonb_set((select config from timescaledb_information.jobs where job_id = ${second}), '{drop_after}', '"1 day"'))`,
    )
    expect((await planPolicies(db, request([]))).findings.map(({id}) => id)).toContain('coarse-chunks:public.twice')
  })

  it('a retention by creation says when it drops by the creation of the chunks, and no declaration is suggested for it', async () => {
    const database = await engine.database()
    await hypertable(database, 'made', 'time', 'timestamptz', "interval '1 day'")
    await database.run(`insert into public.made select at, 1 ${november}`)
    await policy(database, "add_retention_policy('public.made', drop_created_before => interval '20 years')")
    const {policies} = await status(database)
    expect(policies).toMatchObject([{kind: 'retention', due: 0, notDone: [], live: {createdBefore: '20 years'}}])
    const {findings} = await planPolicies(database.db, request([]))
    expect(findings.find(({id}) => id === 'ungated:public.made')).toMatchObject({suggestion: null})
    expect(findings.find(({id}) => id === 'coarse-chunks:public.made')).toBeUndefined()
  })
})
