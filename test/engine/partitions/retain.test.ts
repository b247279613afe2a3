import {expect, it} from 'vitest'
import {readDetached} from '../../../src/partitions/retain/detached.js'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {planRetain} from '../../../src/partitions/retain/retain.js'
import type {Stages} from '../../../src/partitions/retain/stages.js'
import {preview} from '../../../src/run/execute.js'
import {parseDuration} from '../../../src/units/duration.js'
import {today} from '../../helpers/clock.js'
import {up} from '../../helpers/migrate-up.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {ruleOf, run, stepResults} from '../../helpers/partitions.js'

/** Ages so far apart that the tests hold in any year from 2026 on: partitions of 2000, 2010 and 2020. */
const staged = (drop: string | null = '24y'): Stages => ({
  detach: parseDuration('4y'),
  archive: {after: parseDuration('14y'), schema: 'archive', tablespace: null, export: null},
  drop: drop === null ? null : parseDuration(drop),
})

const request = (stages: Stages = staged(), more = {}) => ({
  relation: 'public.ticks',
  rule: ruleOf('public.ticks', {stages, retention: stages.detach}),
  ...more,
})

async function sets(database: TestDatabase, more = ''): Promise<void> {
  await up(database.db, {stream: 'core'})
  await database.run(`create schema archive;
create table ticks (time timestamptz not null, x int) partition by range (time);
create index on ticks (x);
create table old_1 partition of ticks for values from ('2000-01-01+00') to ('2001-01-01+00');
create table old_2 partition of ticks for values from ('2010-01-01+00') to ('2011-01-01+00');
create table old_3 partition of ticks for values from ('2020-01-01+00') to ('2021-01-01+00');
create table new partition of ticks for values from ('2021-01-01+00') to ('2120-01-01+00');
insert into ticks values ('2000-05-01+00', 1), ('2010-05-01+00', 2), ('2020-05-01+00', 3), (${today}, 4); ${more}`)
}

const stagesOf = async ({db}: TestDatabase) =>
  (await readDetached(db, {rules: [request().rule], relation: null, dropped: true})).detached.map(
    ({partitionSchema, partition, stage}) => `${partitionSchema}.${partition} ${stage}`,
  )

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('detaches, moves and drops what is due, one stage after another, until nothing is left to do', async () => {
    const database = await engine.database()
    await sets(database, 'grant select on old_2 to public')
    const before = await database.run('select relacl::text as acl from pg_class where relname = $1', ['old_2'])
    const first = await planRetain(database.db, request())
    expect(first.withheld).toEqual([])
    expect(first.plan.steps.map(({id, class: kind}) => `${id} ${kind}`)).toEqual([
      'detach public.old_1 undo',
      'finalize public.old_1 undo',
      'detach public.old_2 undo',
      'finalize public.old_2 undo',
      'detach public.old_3 undo',
      'finalize public.old_3 undo',
    ])
    await run(database.db, first.plan)
    const second = await planRetain(database.db, request())
    expect(second.plan.steps.map(({id, class: kind, lock}) => `${id} ${kind} ${lock}`)).toEqual([
      'drop public.old_1 loss ACCESS EXCLUSIVE',
      'move public.old_2 undo ACCESS EXCLUSIVE',
    ])
    const report = await preview(database.db, second.plan)
    expect(report.steps.map(({status}) => status)).toEqual(['planned', 'planned'])
    expect(await stagesOf(database)).toEqual([
      'public.old_1 detached',
      'public.old_2 detached',
      'public.old_3 detached',
    ])
    expect(stepResults(await run(database.db, second.plan))).toEqual([
      'drop public.old_1: done',
      'move public.old_2: done',
    ])
    expect(await stagesOf(database)).toEqual([
      'public.old_1 dropped',
      'archive.old_2 archived',
      'public.old_3 detached',
    ])
    expect(await database.run('select x from archive.old_2 union all select x from old_3')).toEqual([{x: 2}, {x: 3}])
    expect(
      await database.run(
        "select indexrelid::regclass::text as index from pg_index where indrelid = 'archive.old_2'::regclass",
      ),
    ).toEqual([{index: 'archive.old_2_x_idx'}])
    expect(await database.run('select relacl::text as acl from pg_class where relname = $1', ['old_2'])).toEqual(before)
    const third = await planRetain(database.db, request())
    expect([third.plan.steps, third.withheld]).toEqual([[], []])
  })

  it('drops no table that was detached by hand, until it is included by name', async () => {
    const database = await engine.database()
    await sets(database, 'alter table ticks detach partition old_1; alter table old_1 rename to ticks_2000')
    await run(database.db, (await planRetain(database.db, request())).plan)
    const without = await planRetain(database.db, request())
    expect(without.plan.steps.map(({id}) => id)).toEqual(['move public.old_2'])
    const including = await planRetain(database.db, request(staged(), {include: ['ticks_2000']}))
    expect(including.plan.steps.map(({id}) => id)).toEqual(['include public.ticks_2000', 'move public.old_2'])
    await run(database.db, including.plan)
    expect(
      (await planRetain(database.db, request(staged(), {include: ['ticks_2000']}))).plan.steps.map(({id}) => id),
    ).toEqual(['drop public.ticks_2000'])
  })

  it('keeps a table that was changed after the plan was made', async () => {
    const database = await engine.database()
    await sets(database)
    await run(database.db, (await planRetain(database.db, request())).plan)
    const {plan} = await planRetain(database.db, request())
    await database.run(`alter table ticks attach partition old_1 for values from ('2000-01-01+00') to ('2001-01-01+00');
alter table ticks detach partition old_1; alter table old_2 rename to elsewhere; create table old_2 (like ticks)`)
    expect(stepResults(await run(database.db, plan))).toEqual([
      'drop public.old_1: failed',
      'move public.old_2: skipped',
    ])
    expect(await database.run('select x from old_1')).toEqual([{x: 1}])
    expect(await stagesOf(database)).toEqual([
      'public.old_1 kept',
      'public.elsewhere detached',
      'public.old_3 detached',
    ])
    const after = await planRetain(database.db, request())
    expect(after.plan.steps.map(({id}) => id)).toEqual(['move public.elsewhere'])
    expect(after.notes.find((note) => note.startsWith('public.old_1'))).toMatch(/is kept.*--include public\.old_1/)
  })

  it('a partition that cannot go is named with its reason and does not stop the others', async () => {
    const database = await engine.database()
    await sets(
      database,
      `alter table ticks add unique (time); create table refers (time timestamptz references ticks (time));
insert into refers select time from old_1`,
    )
    expect(stepResults(await run(database.db, (await planRetain(database.db, request())).plan))).toEqual([
      'detach public.old_1: failed',
      'finalize public.old_1: skipped',
      'detach public.old_2: done',
      'finalize public.old_2: done',
      'detach public.old_3: done',
      'finalize public.old_3: done',
    ])
    await database.run('create table archive.old_2 (); delete from refers')
    const {plan, withheld} = await planRetain(database.db, request())
    expect(plan.steps.map(({id}) => id)).toEqual(['detach public.old_1', 'finalize public.old_1'])
    expect(withheld).toEqual([{partition: 'public.old_2', task: 'move', why: 'archive.old_2 exists already'}])
    await run(database.db, plan)
    await database.run('create view reads as select * from old_1')
    const last = await planRetain(database.db, request())
    expect(last.withheld.map(({partition, task, why}) => `${partition} ${task} ${why}`)).toEqual([
      'public.old_1 drop other objects depend on it: view public.reads',
      'public.old_2 move archive.old_2 exists already',
    ])
  })

  it('moves nothing that is due to be dropped, and drops nothing if the feed has stopped', async () => {
    const database = await engine.database()
    await sets(database, 'delete from new')
    await run(
      database.db,
      (await planDetach(database.db, {...request(), olderThan: staged().detach, timezone: 'UTC'})).plan,
    )
    const {plan, withheld} = await planRetain(database.db, request())
    expect(plan.steps.map(({id}) => id)).toEqual(['move public.old_2'])
    expect(withheld).toEqual([
      {
        partition: 'public.old_1',
        task: 'drop',
        why: 'the newest row of public.ticks is older than 24 years, so this may be the last copy',
      },
    ])
    expect((await planRetain(database.db, request(staged(null)))).withheld).toEqual([])
  })

  it('detaches and drops only what the aggregates have computed', async () => {
    const database = await engine.database()
    await sets(
      database,
      `create table qicore.daily_data (bucket timestamptz, n bigint);
create function qicore.daily_window(since timestamptz, until timestamptz) returns table (bucket timestamptz, n bigint) language sql stable as
  $$ select date_trunc('day', time, 'UTC'), count(*) from public.ticks where time >= since and time < until group by 1 $$;
create view public.daily as select * from qicore.daily_data;
insert into qicore.aggregates (view, source, data, query, bucket, covered) values ('public.daily', 'public.ticks', 'qicore.daily_data', 'qicore.daily_window', '1 day',
  '{[2000-01-01 00:00+00,2011-01-01 00:00+00)}');
insert into qicore.daily_data select w.* from qicore.daily_window('2000-01-01+00', '2011-01-01+00') w`,
    )
    const {plan, withheld} = await planRetain(database.db, request())
    expect(plan.steps.map(({id}) => id)).toEqual([
      'detach public.old_1',
      'finalize public.old_1',
      'count public.old_1',
      'detach public.old_2',
      'finalize public.old_2',
      'count public.old_2',
    ])
    expect(withheld).toEqual([
      {partition: 'public.old_3', task: 'detach', why: expect.stringMatching(/^public\.daily has not covered/)},
    ])
    await database.run("insert into ticks values ('2000-06-01+00', 5)")
    const report = await run(database.db, plan)
    expect(stepResults(report).filter((text) => text.startsWith('count'))).toEqual([
      'count public.old_1: failed',
      'count public.old_2: done',
    ])
    const again = await planRetain(database.db, request())
    expect(again.plan.steps.map(({id, dependsOn}) => `${id} after ${dependsOn.join()}`)).toEqual([
      'count public.old_1 after ',
      'drop public.old_1 after count public.old_1',
      'move public.old_2 after ',
    ])
    expect(stepResults(await run(database.db, again.plan))).toEqual([
      'count public.old_1: failed',
      'drop public.old_1: skipped',
      'move public.old_2: done',
    ])
    expect(await database.run('select x from old_1 order by 1')).toEqual([{x: 1}, {x: 5}])
  })
})
