import {expect, it} from 'vitest'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {renderPolicyStatus} from '../../helpers/rendered.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {forEachEngine} from '../../helpers/engines.js'
import {declare, days, request} from '../../helpers/policies.js'

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a retention is refused if the bounds of the partitions are not times, as in partitions drop', async () => {
    const {db, run} = await engine.database()
    await run('create table ev (id uuid primary key, v int) partition by range (id)')
    await run(
      "create table ev_old partition of ev for values from ('00000000-0000-0000-0000-000000000000') to ('80000000-0000-0000-0000-000000000000')",
    )
    const declared = [declare('public.ev', {retention: {after: days(90), native: false}})]
    await expect(planPolicies(db, request(declared))).rejects.toMatchObject({
      code: 'PARTITION_KEY',
      exitCode: 2,
      message: expect.stringContaining('public.ev'),
    })
    const {policies} = await readPolicyStatus(db, {declared, lateAfter: 0})
    expect(policies).toMatchObject([{table: 'ev', kind: 'retention', due: null, live: null, ok: false}])
    expect((await planPolicies(db, request([declare('public.ev', {retention: 'none'})]))).plan.steps).toEqual([])
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('a job whose procedure was dropped is reported with the SQL that removes the job', async () => {
    const {db, run} = await engine.database()
    await run("create procedure nightly(job int, config jsonb) language plpgsql as 'begin end'")
    const [job] = await run<{id: number}>(
      "select add_job('nightly', interval '1 day', initial_start => timestamptz '2100-01-01 00:00+00') as id",
    )
    const before = await readPolicyStatus(db, {declared: [], lateAfter: 0})
    expect(before.other).toMatchObject([{procedureGone: false, findings: []}])
    await run('drop procedure nightly')
    const report = await readPolicyStatus(db, {declared: [], lateAfter: 0})
    const [other] = report.other
    expect(other).toMatchObject({id: job!.id, procedureGone: true})
    const sql = /To remove the job: (select .*)$/.exec(other!.findings[0]!)![1]!
    const shown = renderPolicyStatus(report, {width: 200, color: false, headers: true}, false)
    expect(shown.replace(/\s+/g, ' ')).toContain(sql)
    await run(sql)
    expect((await readPolicyStatus(db, {declared: [], lateAfter: 0})).other).toEqual([])
  })
})
