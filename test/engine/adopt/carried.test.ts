import {expect, it} from 'vitest'
import {readInventory, type Inventory} from '../../../src/adopt/inventory.js'
import {planAdopt} from '../../../src/adopt/plan.js'
import {stagingOf} from '../../../src/adopt/staging.js'
import {planFinish, planUndo} from '../../../src/adopt/undo.js'
import type {OpsError} from '../../../src/errors.js'
import {adoptRequest} from '../../helpers/adopt.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {run} from '../../helpers/partitions.js'

/** A table with one of everything that a partitioned table can have. */
const everything = `
create table venues (code text primary key); insert into venues values ('x');
create table ticks (
  id bigint generated always as identity (start 100), serial serial, symbol text collate "C" not null, time timestamptz not null,
  price numeric(20, 8) default 1 constraint "price is positive" check (price > 0), twice numeric generated always as (price * 2) stored,
  venue varchar(10) constraint "to venues" references venues on delete cascade, note jsonb, tags text[],
  constraint "the key" primary key (symbol, time), constraint uniq unique (time, id) include (price) deferrable initially deferred
);
create index "by price" on ticks (price desc nulls last) include (venue) with (fillfactor = 70) where price > 5;
create index on ticks using gin (tags); create unique index on ticks (time, (lower(symbol)), symbol);
alter table ticks set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_enabled = off);
alter table ticks alter symbol set statistics 300, alter note set storage external, replica identity full;
comment on table ticks is 'it''s ticks'; comment on column ticks.note is 'a note'; comment on index "by price" is 'prices';
comment on constraint "the key" on ticks is 'key'; comment on constraint "to venues" on ticks is 'venues';
do $$ begin create role ticks_reader; exception when duplicate_object then null; end $$;
grant select on ticks to ticks_reader with grant option; grant update (price) on ticks to public;
alter table ticks enable row level security;
create policy mine on ticks as restrictive for update to ticks_reader using (symbol = 'a') with check (price < 9);
create function stamp() returns trigger language plpgsql as 'begin new.tags := array[''stamped'']; return new; end';
create trigger stamp before insert on ticks for each row when (new.tags is null) execute function stamp();
create trigger off after delete on ticks for each statement execute function stamp();
alter table ticks disable trigger off;
create statistics stat (dependencies) on symbol, venue from ticks; comment on statistics stat is 'st';
create view prices with (security_barrier = true) as select symbol, max(price) as price from ticks group by symbol;
create view of_view as select * from prices;
create table fills (symbol text, at timestamptz, constraint "to ticks" foreign key (symbol, at) references ticks on delete cascade);
insert into ticks (symbol, time, venue, note) select 's' || g % 3, '2026-01-01T00:00:00Z'::timestamptz + g * interval '1 hour', 'x', '{}' from generate_series(1, 2000) g;
insert into fills select symbol, time from ticks limit 5`

/** What must be equal before and after; a few facts are those of the kind of table. */
async function facts({db}: TestDatabase): Promise<Partial<Inventory>> {
  const [{oid}] = (await db.query({text: "select 'public.ticks'::regclass::oid::int8 as oid", values: []})) as [
    {oid: number},
  ]
  const {inventory} = await readInventory(db, oid, stagingOf('public.ticks'))
  const {oid: _, kind, options, toastOptions, accessMethod, replicaIdentity, indexes, ...same} = inventory
  return {...same, indexes: indexes.map((index) => ({...index, definition: index.definition.replace('ONLY ', '')}))}
}

/** The storage of the partitions. */
const storage = ({run: query}: TestDatabase) =>
  query(`select distinct c.reloptions as options, t.reloptions as toast, c.relreplident as identity
from pg_inherits i join pg_class c on c.oid = i.inhrelid left join pg_class t on t.oid = c.reltoastrelid where i.inhparent = 'ticks'::regclass`)

const adopt = async ({db}: TestDatabase) => {
  const report = await run(db, (await planAdopt(db, adoptRequest())).plan)
  expect(report.steps.filter(({status}) => status !== 'done')).toEqual([])
}

forEachEngine({native: true}, (engine) => {
  it('keys, indexes, constraints, rights, policies, triggers, publications, views and the rest are the same before, after, after an undo and after --finish', async () => {
    const database = await engine.database()
    await database.run(everything)
    await database.run(
      'create publication pub for table ticks where (price > 2) with (publish = insert, publish_via_partition_root = true)',
    )
    const before = await facts(database)
    await adopt(database)
    expect(await facts(database)).toEqual(before)
    expect(await storage(database)).toEqual([
      {
        options: ['fillfactor=80', 'autovacuum_vacuum_scale_factor=0.05'],
        toast: ['autovacuum_enabled=off'],
        identity: 'f',
      },
    ])
    // Rows inserted after the swap get the next numbers.
    const insert = (symbol: string) =>
      database.run<{id: number; serial: number; tags: string[]}>(
        `insert into ticks (symbol, time) values ('${symbol}', '2026-02-01T00:00:00Z') returning id, serial, tags`,
      )
    expect(await insert('new')).toEqual([{id: 2100, serial: 2001, tags: ['stamped']}])
    await database.run("delete from ticks where symbol = 's1' and time = '2026-01-01T01:00:00Z'")
    expect(await database.run('select count(*) as rows from fills')).toEqual([{rows: 4}])
    await run(database.db, (await planUndo(database.db, 'ticks')).plan)
    expect(await facts(database)).toEqual(before)
    expect(await insert('newer')).toEqual([{id: 2101, serial: 2002, tags: ['stamped']}])
    await adopt(database)
    const {plan} = await planFinish(database.db, 'ticks')
    expect((await run(database.db, plan)).steps.filter(({status}) => status !== 'done')).toEqual([])
    expect(await facts(database)).toEqual(before)
    expect(await database.run('select count(*) as rows from prices')).toEqual([{rows: 5}])
    expect(await insert('newest')).toEqual([{id: 2102, serial: 2003, tags: ['stamped']}])
  })

  it('an index that is created while the table is copied forbids the swap, and is not lost', async () => {
    const database = await engine.database()
    await database.run(everything)
    const {plan} = await planAdopt(database.db, adoptRequest())
    const swap = plan.steps.findIndex(({kind}) => kind === 'adopt swap')
    await run(database.db, {...plan, steps: plan.steps.slice(0, swap)})
    await database.run('create index late on ticks (venue)')
    const report = await run(database.db, {...plan, steps: plan.steps.slice(swap, swap + 1)})
    expect(report.steps[0]!.error).toMatch(/the definition of public\.ticks.*was changed after its copy was begun/)
    await expect(planAdopt(database.db, adoptRequest())).rejects.toMatchObject({code: 'ADOPT_CHANGED', exitCode: 7})
    await run(database.db, (await planUndo(database.db, 'ticks')).plan)
    await adopt(database)
  })

  it('everything that a partitioned table cannot have is named at once, each statement it gives removes one reason, and then the table is adopted', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (id bigint primary key, time timestamptz, price int, code text unique, during tstzrange,
  constraint fresh check (price > 0) no inherit, exclude using gist (during with &&));
alter table ticks add constraint late check (price < 1000) not valid;
create rule quiet as on delete to ticks do also select 1;
create function t() returns trigger language plpgsql as 'begin return null; end';
create trigger seen after insert on ticks referencing new table as fresh_rows for each row execute function t();
create table other (id bigint); alter table other add foreign key (id) references ticks not valid;
create publication filtered for table ticks where (id > 1) with (publish = insert);
create materialized view totals as select count(*) from ticks;
insert into ticks values (1, '2026-01-01T00:00:00Z', 1, 'x', null)`)
    const reasons = async () => {
      try {
        await planAdopt(database.db, adoptRequest())
        return null
      } catch (error) {
        expect(error).toMatchObject({code: 'CANNOT_ADOPT', exitCode: 2})
        return error as OpsError
      }
    }
    const first = await reasons()
    for (const name of [
      'ticks_pkey',
      'ticks_code_key',
      'fresh',
      'late',
      'during',
      'quiet',
      'seen',
      'other',
      'totals',
      'publication filtered',
    ])
      expect(first!.message).toContain(name)
    // Foreign keys by the old primary key cannot stay: the operator decides about them.
    await database.run('drop table other')
    for (let error = await reasons(); error !== null; error = await reasons()) {
      const before = error.suggestions.length
      for (const statement of error.suggestions[0]!.split(';').filter((text) => text.trim() !== ''))
        await database.autocommit(statement)
      expect((await reasons())?.suggestions.length ?? 0).toBeLessThan(before)
    }
    await adopt(database)
    expect(await database.run('select id, time from ticks')).toEqual([{id: 1, time: '2026-01-01T00:00:00Z'}])
  })

  it('views of other schemas, functions and columns of the type of its rows are named as reasons', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (id bigint, time timestamptz not null, primary key (id, time));
create table history (row ticks); create function last_tick() returns ticks language sql begin atomic; select * from ticks limit 1; end`)
    await expect(planAdopt(database.db, adoptRequest())).rejects.toThrow(
      /function (public\.)?last_tick\(\)[^]*table (public\.)?history/,
    )
  })

  it('a time that cannot be right is refused with the row, and a key that is not clear with the columns', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (id bigint, time timestamptz not null, seen timestamptz not null, primary key (id, time, seen));
insert into ticks values (1, '1970-01-01T00:00:00Z', '2026-01-01T00:00:00Z')`)
    await expect(planAdopt(database.db, adoptRequest())).rejects.toThrow(/2 columns of time: time, seen/)
    await expect(planAdopt(database.db, adoptRequest({column: 'time'}))).rejects.toThrow(/as early as 1970-01-01/)
    await expect(planAdopt(database.db, adoptRequest({column: 'id'}))).rejects.toMatchObject({code: 'PARTITION_KEY'})
  })
})
