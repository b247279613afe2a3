import {expect, it} from 'vitest'
import {planAdopt} from '../../../src/adopt/plan.js'
import {planFinish, planUndo} from '../../../src/adopt/undo.js'
import {readEventTriggers} from '../../../src/catalog/event-triggers.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {planCreate} from '../../../src/partitions/create/create.js'
import {triggerNotes} from '../../../src/partitions/commands.js'
import {planDetach} from '../../../src/partitions/detach/detach.js'
import {planDrain} from '../../../src/partitions/drain/drain.js'
import {planDrop} from '../../../src/partitions/detach/drop.js'
import {planRetain} from '../../../src/partitions/retain/retain.js'
import type {Plan} from '../../../src/run/step.js'
import {parseDuration} from '../../../src/units/duration.js'
import {adoptRequest, ticks} from '../../helpers/adopt.js'
import {askDoctor} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {up} from '../../helpers/migrate-up.js'
import {createRequest, ruleOf, run, stepResults} from '../../helpers/partitions.js'

const older = (relation = 'public.ticks') => ({
  relation,
  olderThan: parseDuration('12mon'),
  timezone: 'UTC',
  acceptLoss: false,
})

/** Three partitions of 2020 and one of now; another table has a foreign key to the set. */
const set = `create table ticks (id int, time timestamptz, primary key (id, time)) partition by range (time);
create table old_1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00');
create table old_2 partition of ticks for values from ('2020-02-01+00') to ('2020-03-01+00');
create table old_3 partition of ticks for values from ('2020-03-01+00') to ('2020-04-01+00');
create table new partition of ticks for values from ('2020-04-01+00') to ('2120-01-01+00');
create table kid (id int, at timestamptz, foreign key (id, at) references ticks)`

/** Raises an error at commands whose text names a table. */
const forbid = (table: string) => `create function forbid() returns event_trigger language plpgsql as
'begin if current_query() ~ ''${table}'' then raise exception ''${table} stays''; end if; end'`

const trigger = (name: string, more: string) => `create event trigger ${name} on ${more} execute function forbid()`
const note = (name: string, at: string) =>
  `The event trigger ${name} calls public.forbid at ${at}: it may refuse steps of this plan.`
const triggersIn = (notes: readonly string[]) => notes.filter((text) => text.includes('event trigger'))

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('a plan names the event trigger that refuses one partition, and the partitions after it go anyway', async () => {
    const database = await engine.database()
    await database.run(`${set}; ${forbid('old_2')}`)
    await database.autocommit(trigger('"no detach"', "ddl_command_start when tag in ('ALTER TABLE')"))
    const detach = await planDetach(database.db, older())
    const expected = [note('"no detach"', 'ddl_command_start of ALTER TABLE')]
    expect(triggersIn(detach.notes)).toEqual(expected)
    expect(triggersIn((await planDrop(database.db, older())).notes)).toEqual(expected)
    expect((await askDoctor(database, 'settings.event_triggers')).findings.map(({data}) => data)).toEqual([
      {trigger: 'no detach', event: 'ddl_command_start', function: 'public.forbid', tags: ['ALTER TABLE']},
    ])
    expect(stepResults(await run(database.db, detach.plan))).toEqual([
      'detach public.old_1: done',
      'finalize public.old_1: done',
      'detach public.old_2: failed',
      'finalize public.old_2: skipped',
      'detach public.old_3: done',
      'finalize public.old_3: done',
    ])
    await database.autocommit('alter event trigger "no detach" disable')
    const again = await planDetach(database.db, older())
    expect(triggersIn(again.notes)).toEqual([])
    expect((await askDoctor(database, 'settings.event_triggers')).findings).toEqual([])
    expect(stepResults(await run(database.db, again.plan))).toEqual([
      'detach public.old_2: done',
      'finalize public.old_2: done',
    ])
    const idle = await planDetach(database.db, older())
    expect([idle.plan.steps, triggersIn(idle.notes)]).toEqual([[], []])
  })

  it('a drop that an event trigger refuses leaves the detached table, and the next run drops it', async () => {
    const database = await engine.database()
    await database.run(`${set}; ${forbid('old_2')}`)
    await database.autocommit(trigger('no_drop', "sql_drop when tag in ('DROP TABLE', 'DROP VIEW')"))
    const {plan, notes} = await planDrop(database.db, older())
    expect(triggersIn(notes)).toEqual([note('no_drop', 'sql_drop of DROP TABLE')])
    // A detach drops no table.
    expect(triggersIn((await planDetach(database.db, older())).notes)).toEqual([])
    const steps = stepResults(await run(database.db, plan))
    expect(steps.filter((step) => step.startsWith('drop'))).toEqual([
      'drop public.old_1: done',
      'drop public.old_2: failed',
      'drop public.old_3: done',
    ])
    await database.autocommit('drop event trigger no_drop')
    expect(stepResults(await run(database.db, (await planDrop(database.db, older())).plan))).toEqual([
      'drop public.old_2: done',
    ])
  })

  it('only triggers that fire in this session are named: the role of the session for replication decides', async () => {
    const database = await engine.database()
    await database.run(`${set}; ${forbid('nothing')}`)
    for (const [name, state] of [
      ['origin', 'enable'],
      ['replica', 'enable replica'],
      ['always', 'enable always'],
      ['never', 'disable'],
    ])
      await database.autocommit(`${trigger(name!, 'ddl_command_end')}; alter event trigger ${name} ${state}`)
    await database.autocommit(trigger('rewrites', 'table_rewrite'))
    const named = async () => {
      const notes = triggersIn((await planDetach(database.db, older())).notes)
      return notes.map((text) => /trigger (\S+)/.exec(text)![1])
    }
    expect(await named()).toEqual(['always', 'origin'])
    await database.db.transaction({readOnly: false, lockTimeout: 1_000, statementTimeout: 10_000}, async (tx) => {
      await tx.query(statement('set local session_replication_role = replica'))
      const within: Database = {...database.db, query: (asked) => tx.query(asked)}
      const names = (await readEventTriggers(within)).map(({name}) => name)
      expect(names).toEqual(['always', 'replica'])
    })
  })
})

/** Commands at which an event trigger can fire that some plan of partitions could run. */
const tags = [
  ...[
    'SCHEMA',
    'TABLE',
    'INDEX',
    'FUNCTION',
    'TRIGGER',
    'VIEW',
    'POLICY',
    'STATISTICS',
    'SEQUENCE',
    'PUBLICATION',
  ].flatMap((kind) => [`CREATE ${kind}`, `ALTER ${kind}`, `DROP ${kind}`]),
  ...['COMMENT', 'GRANT', 'REVOKE'],
]

/** Triggers that record that they fired, one for each command and event; their names say which. */
async function recordAll(database: TestDatabase): Promise<void> {
  await database.run(`create table fired (at text); create function record() returns event_trigger language plpgsql as
'begin insert into public.fired values (tg_event || '' '' || tg_tag); end'`)
  for (const tag of tags)
    for (const event of ['ddl_command_start', 'sql_drop'])
      await database.autocommit(
        `create event trigger "${event} ${tag}" on ${event} when tag in ('${tag}') execute function record()`,
      )
  await database.run('truncate fired')
}

interface Planned {
  plan: Plan
  notes: string[]
}

/** Runs a plan. @returns what fired and was not named, and all that was named */
async function fire(database: TestDatabase, {plan, notes}: Planned): Promise<{unnamed: string[]; named: string[]}> {
  await database.run('truncate fired')
  const {steps} = await run(database.db, plan)
  expect(steps.filter(({status}) => status !== 'done')).toEqual([])
  const fired = (await database.run<{at: string}>('select distinct at from fired order by 1')).map(({at}) => at)
  const named = notes.flatMap((text) => /^The event trigger "([^"]+)"/.exec(text)?.[1] ?? [])
  expect(fired.length).toBeGreaterThan(0)
  return {unnamed: fired.filter((at) => !named.includes(at)), named}
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('every command that the server runs for a plan of partitions is named', async () => {
    const database = await engine.database()
    const {db} = database
    await up(db, {stream: 'core'})
    await database.run(`${set}; create schema archive; create table rest partition of ticks default;
create table days (time timestamptz not null, x int) partition by range (time);
create table d_1 partition of days for values from ('2000-01-01+00') to ('2001-01-01+00');
create table d_2 partition of days for values from ('2020-01-01+00') to ('2021-01-01+00');
create table d_3 partition of days for values from ('2021-01-01+00') to ('2120-01-01+00');
create table late (id int, time timestamptz not null) partition by range (time);
create table late_rest partition of late default;
insert into late values (1, '2024-01-05+00'), (2, '2024-02-05+00');
create table large (id int, time timestamptz not null, note text default repeat('x', 40)) partition by range (time);
create table large_rest partition of large default;
insert into large select n, timestamptz '2024-01-01+00' + n * interval '2 minutes' from generate_series(0, 64000) n`)
    await recordAll(database)
    const create = async (relation: string, from: string, to: string) => {
      const plan = await planCreate(db, createRequest(relation, from, to))
      return {plan, notes: await triggerNotes(db, plan.steps)}
    }
    const drain = (relation: string) => planDrain(db, {rule: ruleOf(relation), every: 'month'})
    const stages = {
      detach: parseDuration('4y'),
      archive: {after: parseDuration('5y'), schema: 'archive', tablespace: null, export: null},
      drop: parseDuration('6y'),
    }
    const retain = () =>
      planRetain(db, {relation: 'public.days', rule: ruleOf('public.days', {stages, retention: stages.detach})})
    const plans: (() => Promise<Planned>)[] = [
      () => create('public.ticks', '2019-11', '2019-12'),
      () => planDrop(db, {...older(), olderThan: parseDuration('80mon')}),
      () => create('public.days', '1999-11', '1999-12'),
      () => planDetach(db, {...older('public.days'), olderThan: parseDuration('20y')}),
      () => drain('public.late'),
      () => drain('public.large'),
      retain,
    ]
    for (const plan of plans) {
      const {unnamed, named} = await fire(database, await plan())
      expect([plans.indexOf(plan), unnamed]).toEqual([plans.indexOf(plan), []])
      expect(named).not.toContain('ddl_command_start CREATE POLICY')
    }
    expect((await fire(database, await retain())).unnamed).toEqual([])
  }, 120_000)

  it('every command that the server runs for an adoption is named', async () => {
    const database = await engine.database()
    const {db} = database
    await database.run(`create table coins (id int primary key);
create table ticks (id bigserial, coin int constraint coin references coins, time timestamptz not null, note text, primary key (id, time));
create statistics ticks_both (ndistinct) on coin, note from ticks; create index noted on ticks (note);
create function nothing() returns trigger language plpgsql as 'begin return new; end';
create trigger own before insert on ticks for each row execute function nothing();
alter table ticks enable row level security; create policy everyone on ticks using (true);
comment on table ticks is 'prices'; grant select on ticks to public; create view daily as select time, id from ticks;
create publication p for table ticks; insert into coins values (1);
insert into ticks (coin, time) select 1, '2026-01-01+00'::timestamptz + n * interval '1 minute' from generate_series(1, 500) n`)
    await recordAll(database)
    const plans: ((of: Database) => Promise<Planned>)[] = [
      (of) => planAdopt(of, adoptRequest()),
      (of) => planUndo(of, 'ticks'),
      (of) => planAdopt(of, adoptRequest()),
      (of) => planFinish(of, 'ticks'),
    ]
    for (const plan of plans) expect((await fire(database, await plan(db))).unnamed).toEqual([])
  }, 120_000)
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('every command that the server runs to make a hypertable is named', async () => {
    const database = await engine.database()
    await database.run(ticks(300))
    await recordAll(database)
    try {
      const adopted = await fire(database, await planAdopt(database.db, adoptRequest({to: 'hypertable'})))
      expect(adopted.unnamed).toEqual([])
      expect((await fire(database, await planFinish(database.db, 'ticks'))).unnamed).toEqual([])
    } finally {
      // The next test has the same embedded database.
      await database.run(`do $do$ declare name text; begin
        for name in select evtname from pg_event_trigger where evtfoid = 'record'::regproc loop
          execute format('drop event trigger %I', name);
        end loop; end $do$`)
    }
  })
})

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it("TimescaleDB's own event triggers are not named, those of users are", async () => {
    const database = await engine.database()
    await database.run(`create table plain (time timestamptz not null) partition by range (time); ${forbid('nothing')}`)
    const plan = await planCreate(database.db, createRequest('public.plain', '2026-01', '2026-02'))
    expect(await triggerNotes(database.db, plan.steps)).toEqual([])
    await database.autocommit(trigger('all_of_it', 'ddl_command_start'))
    expect(await triggerNotes(database.db, plan.steps)).toEqual([
      note('all_of_it', 'ddl_command_start of every command'),
    ])
    expect(await triggerNotes(database.db, [])).toEqual([])
    await database.autocommit('drop event trigger all_of_it')
  })
})
