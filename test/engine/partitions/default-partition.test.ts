import {expect, it} from 'vitest'
import {planCreate} from '../../../src/partitions/create/create.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {monthsAhead} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {childrenOf, createRequest, stepResults, ruleOf, run, runLoudly} from '../../helpers/partitions.js'

const withDefault =
  'create table ticks (time timestamptz, x int) partition by range (time); create table rest partition of ticks default'
/** More than is scanned under an exclusive lock. */
const fill = (database: TestDatabase) =>
  database.run(
    "insert into ticks select '2000-01-01+00', n from generate_series(1, 60000) n; insert into ticks values (null, 0)",
  )

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('with a small default partition, partitions are created as without one, and the plan has the lock', async () => {
    const database = await engine.database()
    await database.run(withDefault)
    const plan = await planCreate(database.db, createRequest('public.ticks', '2024-01', '2024-01'))
    expect(plan.steps.map(({id, lock}) => [id, lock])).toEqual([['create public.ticks_y2024m01', 'ACCESS EXCLUSIVE']])
    expect(stepResults(await run(database.db, plan))).toEqual(['create public.ticks_y2024m01: done'])
  })

  it('with a large one they are attached without scanning it, and no constraint is left behind', async () => {
    const database = await engine.database()
    await database.run(withDefault)
    await fill(database)
    await database.run(
      "create table ticks_y2024m02 partition of ticks for values from ('2024-02-01+00') to ('2024-03-01+00')",
    )
    const plan = await planCreate(database.db, createRequest('public.ticks', '2024-01', '2024-04'))
    const {report, notices} = await runLoudly(database.db, plan, (step) => step.kind === 'create partition')
    expect(stepResults(report)).toEqual([
      'guard public.rest: done',
      'check public.rest: done',
      'create public.ticks_y2024m01: done',
      'create public.ticks_y2024m03: done',
      'create public.ticks_y2024m04: done',
      'unguard public.rest (done): done',
    ])
    expect(
      notices.filter((text) =>
        /updated partition constraint for default partition "rest" is implied by existing constraints/.test(text),
      ),
    ).toHaveLength(3)
    expect(
      await database.run(
        "select conname from pg_constraint where contype = 'c' and conrelid <> 0 and connamespace = 'public'::regnamespace",
      ),
    ).toEqual([])
    expect(await database.run('select count(*) as n from only rest')).toEqual([{n: 60_001}])
  })

  it('rows of a period in the default partition prevent only that partition, and are reported', async () => {
    const database = await engine.database()
    await database.run(withDefault)
    await database.run(
      "insert into ticks values ('2024-02-03+00', 1), ('2024-02-20 12:00+00', 2), ('2097-01-01+00', 3)",
    )
    await expect(planCreate(database.db, createRequest('public.ticks', '2024-01', '2024-03'))).rejects.toMatchObject({
      code: 'PARTITION_CONFLICT',
      message:
        'The default partition public.rest holds 2 rows of 2024-02 (2024-02-03 00:00:00+00 to 2024-02-20 12:00:00+00): `qicore-db partitions drain ticks` moves them into ticks_y2024m02.',
    })
    const [{next}] = (await database.run<{next: string}>(`select to_char(${monthsAhead(1)}, 'YYYY-MM') as next`)) as [
      {next: string},
    ]
    await database.run(`insert into ticks values ('${next}-15+00', 4)`)
    const {plan, findings} = await planEnsure(database.db, [ruleOf('public.ticks')])
    expect(findings).toEqual([
      expect.objectContaining({
        kind: 'stray',
        message: expect.stringContaining(`holds 1 row of ${next} (${next}-15 00:00:00+00)`),
      }),
    ])
    expect(plan.steps).toHaveLength(3)
    expect((await run(database.db, plan)).steps.every(({status}) => status === 'done')).toBe(true)
    expect(await childrenOf(database, 'ticks')).toHaveLength(4)
  })

  it('a row of the year 2097 creates no partition', async () => {
    const database = await engine.database()
    await database.run(withDefault)
    await database.run(
      "insert into ticks values ('2097-06-01+00', 1), ('infinity', 2), ('-infinity', 3), ('0044-03-15 BC', 4)",
    )
    const {plan, findings} = await planEnsure(database.db, [
      ruleOf('public.ticks', {earliest: '2009-01-03T00:00:00Z', within: {months: 12, days: 0, seconds: 0}}),
    ])
    expect(findings).toEqual([])
    await run(database.db, plan)
    expect(await childrenOf(database, 'ticks')).toHaveLength(1 + 4)
  })

  it('a constraint that a killed run left is removed by the next run, also if no partition is missing', async () => {
    const database = await engine.database()
    await database.run(withDefault)
    await fill(database)
    const rule = ruleOf('public.ticks')
    const first = (await planEnsure(database.db, [rule])).plan
    // Killed after the second step.
    await run(database.db, {...first, steps: first.steps.slice(0, 2)})
    expect(
      await database.run("select conname, convalidated from pg_constraint where conname = 'qicore_partition_guard'"),
    ).toHaveLength(1)
    const second = (await planEnsure(database.db, [rule])).plan
    expect(second.steps.map(({id}) => id.replace(/_y.*/, ''))).toEqual([
      'unguard public.rest (what a killed run left)',
      'guard public.rest',
      'check public.rest',
      'create public.ticks',
      'create public.ticks',
      'create public.ticks',
      'create public.ticks',
      'unguard public.rest (done)',
    ])
    // Killed before the last step: only the constraint is left.
    await run(database.db, {...second, steps: second.steps.slice(0, -1)})
    const third = (await planEnsure(database.db, [rule])).plan
    expect(stepResults(await run(database.db, third))).toEqual(['unguard public.rest (what a killed run left): done'])
    expect((await planEnsure(database.db, [rule])).plan.steps).toEqual([])
  })

  it('a partition is not attached if the constraint is gone when its turn comes', async () => {
    const database = await engine.database()
    await database.run(withDefault)
    await fill(database)
    const {plan} = await planEnsure(database.db, [ruleOf('public.ticks')])
    const late = {
      ...plan,
      steps: plan.steps
        .filter(({kind}) => kind === 'create partition')
        .slice(0, 1)
        .map((step) => ({...step, dependsOn: []})),
    }
    const {steps} = await run(database.db, late)
    expect(steps[0]!.error).toMatch(/the constraint that spares a scan of public\.rest is gone: run the command again/)
  })
})
