import {expect, it} from 'vitest'
import {preview} from '../../../src/run/execute.js'
import {planCreate} from '../../../src/partitions/create/create.js'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {exitCodeWith, planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPartitions} from '../../../src/partitions/list.js'
import {monthsAhead, periodsAhead} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {childrenOf, createRequest, stepResults, ruleOf, run} from '../../helpers/partitions.js'

const set = (name: string) => `create table ${name} (time timestamptz not null) partition by range (time)`

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('creates the current period and those ahead, of every table by its own rule, once', async () => {
    const database = await engine.database()
    await database.run(`${set('months')}; ${set('days')}; ${set('kolkata')}`)
    const rules = [
      ruleOf('public.months'),
      ruleOf('public.days', {every: 'day', ahead: 5}),
      ruleOf('public.kolkata', {every: 'day', ahead: 0, timezone: 'Asia/Kolkata'}),
    ]
    const {plan, findings} = await planEnsure(database.db, rules)
    expect(findings).toEqual([])
    expect(plan.tables).toEqual(['public.months', 'public.days', 'public.kolkata'])
    expect((await preview(database.db, plan)).steps.every(({status}) => status === 'planned')).toBe(true)
    expect((await run(database.db, plan)).steps.every(({status}) => status === 'done')).toBe(true)
    const names = async (table: string) => (await childrenOf(database, table)).map((child) => child.split(' ')[0])
    expect(await names('months')).toEqual(await periodsAhead(database, 'months', 'month', 3))
    expect(await names('days')).toEqual(await periodsAhead(database, 'days', 'day', 5))
    expect(await names('kolkata')).toEqual(await periodsAhead(database, 'kolkata', 'day', 0, 'Asia/Kolkata'))
    expect((await planEnsure(database.db, rules)).plan.steps).toEqual([])
  })

  it('takes one query if nothing is missing', async () => {
    const database = await engine.database()
    await database.run(`${set('a')}; ${set('b')}`)
    const rules = [ruleOf('public.a'), ruleOf('public.b', {every: 'day'})]
    await run(database.db, (await planEnsure(database.db, rules)).plan)
    let questions = 0
    const counting = {
      ...database.db,
      query: ((question) => {
        questions += 1
        return database.db.query(question)
      }) as typeof database.db.query,
    }
    expect((await planEnsure(counting, rules)).plan.steps).toEqual([])
    expect(questions).toBe(1)
  })

  it('continues with the other tables if one fails, and reports the failure', async () => {
    const database = await engine.database()
    await database.run(
      `${set('good')}; create table plain (x int); create table listed (x int) partition by list (x); ${set('taken')}`,
    )
    const [first] = await periodsAhead(database, 'taken', 'month', 0)
    await database.run(`create table ${first} (x int)`)
    const {plan, findings} = await planEnsure(
      database.db,
      ['public.gone', 'public.plain', 'public.listed', 'public.taken', 'public.good'].map((name) =>
        ruleOf(name, {ahead: 0}),
      ),
    )
    expect(stepResults(await run(database.db, plan))).toEqual([
      `create public.${(await periodsAhead(database, 'good', 'month', 0))[0]}: done`,
    ])
    expect(findings.map(({relation, kind, message}) => [relation, kind, message])).toEqual([
      ['public.gone', 'conflict', expect.stringContaining('There is no table "public.gone"')],
      ['public.plain', 'conflict', 'public.plain is not partitioned.'],
      ['public.listed', 'conflict', expect.stringContaining('partitioned by list')],
      [
        'public.taken',
        'conflict',
        expect.stringContaining(`public.${first} exists already and is not a partition of public.taken`),
      ],
    ])
    expect([
      exitCodeWith(findings, 0, true),
      exitCodeWith(findings, 0, false),
      exitCodeWith([], 0, false),
      exitCodeWith(findings, 130, true),
    ]).toEqual([6, 1, 0, 130])
  })

  it('accepts a larger partition that includes the period, and continues where one ends inside of it', async () => {
    const database = await engine.database()
    await database.run(
      `${set('years')}; create table years_all partition of years for values from ('2020-01-01+00') to (maxvalue)`,
    )
    expect(await planEnsure(database.db, [ruleOf('public.years')])).toMatchObject({plan: {steps: []}, findings: []})
    await database.run(
      `${set('halves')}; create table half partition of halves for values from (minvalue) to ('2020-01-01+00')`,
    )
    const [{middle, day}] = (await database.run<{middle: string; day: string}>(
      `select middle::text, to_char(middle at time zone 'UTC', 'YYYY"m"MM"d"DD') as day from (select ${monthsAhead(0)} + interval '10 days' as middle) m`,
    )) as [{middle: string; day: string}]
    await database.run(`create table other partition of halves for values from ('2020-01-01+00') to ('${middle}')`)
    const {plan, findings} = await planEnsure(database.db, [ruleOf('public.halves')])
    expect(plan.steps).toHaveLength(4)
    expect(plan.steps[0]!.id).toBe(`create public.halves_y${day}`)
    expect(findings).toEqual([
      {
        relation: 'public.halves',
        kind: 'period',
        message: expect.stringContaining('from there on the length of a partition is month'),
      },
    ])
    await run(database.db, plan)
    expect((await planEnsure(database.db, [ruleOf('public.halves')])).plan.steps).toEqual([])
  })

  it('reports a partition that is pending detach', async () => {
    const database = await engine.database()
    await database.run(
      `${set('ticks')}; create table old partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00')`,
    )
    await run(database.db, (await planEnsure(database.db, [ruleOf('public.ticks')])).plan)
    await database.run("update pg_inherits set inhdetachpending = true where inhrelid = 'old'::regclass")
    const {plan, findings} = await planEnsure(database.db, [ruleOf('public.ticks')])
    expect(plan.steps).toEqual([])
    expect(findings).toEqual([
      {relation: 'public.ticks', kind: 'pending', message: expect.stringContaining('public.old is pending detach')},
    ])
  })

  it('creates no partitions further ahead than `within`, and says so', async () => {
    const database = await engine.database()
    await database.run(set('ticks'))
    const {plan, findings} = await planEnsure(database.db, [
      ruleOf('public.ticks', {ahead: 20, within: {months: 12, days: 0, seconds: 0}}),
    ])
    expect(plan.steps.length).toBe(13)
    expect(findings).toEqual([expect.objectContaining({kind: 'range'})])
  })

  it('never changes a set that pg_partman manages, in any schema of the extension, and says so', async (context) => {
    const database = await engine.database()
    const installed = await database
      .run('create schema "Part.man"; create extension pg_partman schema "Part.man"')
      .catch((error: unknown) => String(error))
    if (typeof installed === 'string') {
      process.stderr.write(`skipped: pg_partman: ${installed}\n`)
      return context.skip(installed)
    }
    await database.run(
      `${set('ticks')}; ${set('"Other"')}; insert into "Part.man".part_config (parent_table, control, partition_type, partition_interval) values ('public.ticks', 'time', 'native', '1 day')`,
    )
    const {plan, findings} = await planEnsure(database.db, [
      ruleOf('public.ticks'),
      ruleOf('public."Other"', {ahead: 0}),
    ])
    expect(findings).toEqual([
      {
        relation: 'public.ticks',
        kind: 'left alone',
        code: 'MANAGED_ELSEWHERE',
        exitCode: 2,
        message: expect.stringContaining('public.ticks is managed by pg_partman'),
      },
    ])
    expect(plan.steps).toHaveLength(1)
    expect(exitCodeWith(findings, 0, true)).toBe(0)
    for (const change of [
      planCreate(database.db, createRequest('public.ticks', '2024-01', '2024-01')),
      planDetach(database.db, {relation: 'public.ticks', olderThan: {months: 1, days: 0, seconds: 0}, timezone: 'UTC'}),
    ])
      await expect(change).rejects.toMatchObject({code: 'MANAGED_ELSEWHERE', exitCode: 2})
    expect(
      (await readPartitions(database.db, [ruleOf('public.ticks')], null)).tables.map(({table, managedBy}) => [
        table,
        managedBy,
      ]),
    ).toContainEqual(['ticks', 'pg_partman'])
    // A role that may not read part_config cannot know whether pg_partman manages a set.
    const role = `stranger_${Math.random().toString(36).slice(2)}`
    await database.run(
      `create role ${role}; alter table "Other" owner to ${role}; grant create on schema public to ${role}`,
    )
    try {
      const asRole = {
        ...database.db,
        query: ((question) =>
          database.db.transaction({readOnly: true, lockTimeout: 50, statementTimeout: 1_000, role}, (tx) =>
            tx.query(question),
          )) as typeof database.db.query,
        target: {...database.db.target, role},
      } as typeof database.db
      expect((await planEnsure(asRole, [ruleOf('public."Other"', {ahead: 1})])).findings).toEqual([
        expect.objectContaining({kind: 'left alone'}),
      ])
    } finally {
      await database.run(`drop owned by ${role}; drop role ${role}`)
    }
  })
})
