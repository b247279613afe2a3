import {expect, it} from 'vitest'
import {namedSet} from '../../../src/partitions/declared.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPartitions} from '../../../src/partitions/list.js'
import {monthsAhead} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {ruleOf, run} from '../../helpers/partitions.js'

const month = (ahead: number) => monthsAhead(ahead)

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a table that is partitioned by list and then by time is managed at the level of time', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (venue text, time timestamptz not null, x int) partition by list (venue);
create table ticks_a partition of ticks for values in ('a') partition by range (time);
create table ticks_b partition of ticks for values in ('b') partition by range (time);
create table ticks_rest partition of ticks default`)
    const rules = [ruleOf('public.ticks', {ahead: 1})]
    const {plan, findings} = await planEnsure(database.db, rules)
    expect(findings).toEqual([])
    expect(plan.tables).toEqual(['public.ticks_a', 'public.ticks_b'])
    expect((await run(database.db, plan)).steps.map(({status}) => status)).toEqual(['done', 'done', 'done', 'done'])
    expect((await planEnsure(database.db, rules)).plan.steps).toEqual([])
    await database.run(`insert into ticks select venue, ${month(0)}, 1 from unnest(array['a', 'b', 'c']) as venue`)
    const {tables, absent} = await readPartitions(database.db, rules, null)
    expect(tables.map(({table, managed, ahead}) => [table, managed, ahead])).toEqual([
      ['ticks', false, null],
      ['ticks_a', true, {wanted: 1, there: 1}],
      ['ticks_b', true, {wanted: 1, there: 1}],
    ])
    expect(tables[0]!.unfit).toContain('public.ticks_a, public.ticks_b')
    expect(absent).toEqual([])
    // A table below the declared one has its rule also if it is named alone.
    expect((await readPartitions(database.db, rules, 'public.ticks_a')).tables).toMatchObject([
      {table: 'ticks_a', managed: true},
    ])
    expect((await namedSet(database.db, 'ticks_a', rules)).declared).toMatchObject({ahead: 1, every: 'month'})
  })

  it('drops old partitions of every table below, and keeps the last one of each', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (venue text, time timestamptz not null, x int) partition by list (venue);
create table ticks_a partition of ticks for values in ('a') partition by range (time);
create table ticks_b partition of ticks for values in ('b') partition by range (time);
create table a_1 partition of ticks_a for values from ('2020-01-01+00') to ('2020-02-01+00');
create table a_2 partition of ticks_a for values from ('2020-02-01+00') to ('2020-03-01+00');
create table b_1 partition of ticks_b for values from ('2020-01-01+00') to ('2020-02-01+00')`)
    const request = {
      relation: 'public.ticks',
      olderThan: {months: 1, days: 0, seconds: 0},
      timezone: 'UTC',
      acceptLoss: false,
    }
    const {plan, notes} = await planDrop(database.db, request)
    expect(plan.steps.filter(({kind}) => kind === 'drop').map(({object}) => object)).toEqual(['public.a_1'])
    expect(notes.filter((note) => note.includes('so it is kept'))).toHaveLength(2)
    expect((await run(database.db, plan)).steps.filter(({status}) => status === 'failed')).toEqual([])
    expect((await planDrop(database.db, request)).plan.steps).toEqual([])
  })

  it('a new partition is partitioned as the newest one is', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (id int, time timestamptz not null, x int) partition by range (time);
create table ticks_old partition of ticks for values from (${month(-1)}) to (${month(0)}) partition by hash (id);
create table ticks_old_p0 partition of ticks_old for values with (modulus 2, remainder 0);
create table ticks_old_p1 partition of ticks_old for values with (modulus 2, remainder 1) partition by list (x);
create table ticks_old_p1_one partition of ticks_old_p1 for values in (1);
create table ticks_old_p1_rest partition of ticks_old_p1 default`)
    const rules = [ruleOf('public.ticks', {ahead: 0})]
    const {plan, findings} = await planEnsure(database.db, rules)
    expect(findings).toEqual([])
    expect((await run(database.db, plan)).steps.map(({status}) => status)).toEqual(['done'])
    const made = plan.steps[0]!.object.replace('public.', '')
    const tree = await database.run<{relid: string; bound: string | null}>(
      `select relid::text, pg_get_expr(c.relpartbound, 0) as bound from pg_partition_tree('${made}') join pg_class c on c.oid = relid where relid <> '${made}'::regclass order by 1`,
    )
    expect(tree.map(({relid, bound}) => [relid.replace(made, ''), bound])).toEqual([
      ['_p0', 'FOR VALUES WITH (modulus 2, remainder 0)'],
      ['_p1', 'FOR VALUES WITH (modulus 2, remainder 1)'],
      ['_p1_one', 'FOR VALUES IN (1)'],
      ['_p1_rest', 'DEFAULT'],
    ])
    await database.run(`insert into ticks select n, ${month(0)}, n % 3 from generate_series(1, 100) n`)
    expect(await database.run(`select count(*)::int as n from ${made}`)).toEqual([{n: 100}])
    const {tables} = await readPartitions(database.db, rules, null)
    // Tables below the level of time are not sets of their own.
    expect(tables.map(({table}) => table)).toEqual(['ticks'])
    expect((await planEnsure(database.db, rules)).plan.steps).toEqual([])
  })

  it('detaches and drops partitions that are partitioned themselves', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (id int, time timestamptz not null) partition by range (time);
create table t1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00') partition by hash (id);
create table t1_p0 partition of t1 for values with (modulus 1, remainder 0);
create table t2 partition of ticks for values from ('2020-02-01+00') to ('2020-03-01+00');
insert into ticks values (1, '2020-01-10+00')`)
    const {plan} = await planDrop(database.db, {
      relation: 'public.ticks',
      olderThan: {months: 1, days: 0, seconds: 0},
      timezone: 'UTC',
      acceptLoss: false,
    })
    expect((await run(database.db, plan)).steps.filter(({status}) => status === 'failed')).toEqual([])
    expect(await database.run("select to_regclass('t1') as t, to_regclass('t1_p0') as p")).toEqual([{t: null, p: null}])
  })
})
