import {expect, it} from 'vitest'
import {aroundPolicyStatus} from '../../../src/cli/render/policies.js'
import {readImport} from '../../../src/policies/declared/import.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {forEachEngine} from '../../helpers/engines.js'
import {apply, declare, duration, request} from '../../helpers/policies.js'

const compression = {after: duration('7 days'), segmentBy: null, orderBy: null}
const every = duration('30 min')

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('a declared interval between runs of a compression policy is applied, altered in place and imported', async () => {
    const {db, run} = await engine.database()
    await run("create table t (time timestamptz not null, v int); select create_hypertable('t', 'time')")
    const job = () =>
      run<{id: number; every: string}>(
        "select job_id as id, schedule_interval::text as every from timescaledb_information.jobs where proc_name = 'policy_compression'",
      )
    const wanted = (more: object) => request([declare('public.t', {compression: {...compression, ...more}})])

    const first = await apply(db, wanted({every}))
    expect(first.after.plan.steps).toEqual([])
    const [made] = await job()
    expect(made!.every).toBe('00:30:00')

    // Not declared: the job keeps its interval.
    expect((await apply(db, wanted({}))).before.plan.steps).toEqual([])
    const altered = await apply(db, wanted({every: duration('2 hours')}))
    expect(altered.before.changes).toMatchObject([{do: 'compression', why: ['every 2 hours, was 30 minutes']}])
    expect(altered.after.plan.steps).toEqual([])
    expect(await job()).toEqual([{id: made!.id, every: '02:00:00'}])

    const imported = async () => (await readImport(db, {declared: [], maxDropPerRun: 8})).entries[0]?.fields
    expect(await imported()).toMatchObject({compression: {after: '7 days', every: '2 hours'}})
    await run(`select alter_job(${made!.id}, schedule_interval => interval '3 days 12 hours')`)
    expect((await imported())?.compression, "TimescaleDB's default is not written").not.toHaveProperty('every')
  })

  it('reports once that a table has two policies of one kind', async () => {
    const {db, run} = await engine.database()
    await run("create table t (time timestamptz not null, v int); select create_hypertable('t', 'time')")
    await run(
      "select add_job('_timescaledb_functions.policy_retention', interval '1 day', scheduled => false, config => (select jsonb_build_object('hypertable_id', id, 'drop_after', '300 years') from _timescaledb_catalog.hypertable where table_name = 't'))",
    )
    await run("select add_retention_policy('t', interval '400 years')")
    const report = await readPolicyStatus(db, {declared: [], lateAfter: 3_600_000})
    expect(report.policies).toHaveLength(2)
    const {below} = aroundPolicyStatus(report, {all: true, failed: false})
    expect(JSON.stringify(below).split('each of them drops')).toHaveLength(2)
  })
})
