import {expect, it} from 'vitest'
import {planAdopt} from '../../../src/adopt/plan.js'
import {planFinish, planUndo} from '../../../src/adopt/undo.js'
import {preview} from '../../../src/run/execute.js'
import {adoptRequest, expectSameAsMirror, ticks} from '../../helpers/adopt.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {run, stepResults} from '../../helpers/partitions.js'

const request = (more = {}) =>
  adoptRequest({to: 'hypertable', periods: {every: 'week', zone: 'UTC', ahead: 1}, ...more})
const failed = (report: Awaited<ReturnType<typeof run>>) => report.steps.filter(({status}) => status !== 'done')
const kindOf = async ({run: query}: TestDatabase) =>
  (
    await query<{kind: string}>(
      "select case when exists (select from timescaledb_information.hypertables where hypertable_name = 'ticks' and hypertable_schema = 'public') then 'hypertable' else relkind::text end as kind from pg_class where oid = 'public.ticks'::regclass",
    )
  )[0]!.kind
const both = async ({run: query}: TestDatabase, change: string) => {
  for (const table of ['ticks', 'mirror']) await query(change.replaceAll('TABLE', table))
}
const leftSchemas = ({run: query}: TestDatabase) => query("select from pg_namespace where nspname ~ '^qicore_adopt'")

/** The same rows in a set of days, with a partition for all other times. */
const daily = (rows: number) => `${ticks(rows)};
alter table ticks rename to source;
create table ticks (like source) partition by range (time);
do $$ begin
  for n in 0..9 loop
    execute format('create table ticks_%s partition of ticks for values from (%L) to (%L)', n, '2026-01-01Z'::timestamptz + n * interval '1 day', '2026-01-01Z'::timestamptz + (n + 1) * interval '1 day');
  end loop;
end $$;
create table ticks_rest partition of ticks default;
drop table source cascade;
insert into ticks select * from mirror;
alter table ticks add constraint ticks_pkey primary key (symbol, time);
create index ticks_time_idx on ticks (time)`

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it.each([
    ['an ordinary table', ticks(3_000), 'r'],
    ['a set with a default partition', daily(16_000), 'p'],
  ])(
    '%s becomes a hypertable: a preview changes nothing, a run does what it said, planning again is empty; so do --undo and --finish',
    async (_, sql, kind) => {
      const database = await engine.database()
      const {db} = database
      await database.run(sql)
      const {plan, notes} = await planAdopt(db, request())
      expect(notes.at(-1)).toContain('chunkInterval: 7 days')
      expect((await preview(db, plan)).steps.every(({status}) => status === 'planned')).toBe(true)
      expect(await leftSchemas(database)).toEqual([])
      expect(stepResults(await run(db, plan))).toEqual(plan.steps.map(({id}) => `${id}: done`))
      expect(await kindOf(database)).toBe('hypertable')
      await expectSameAsMirror(database)
      expect((await planAdopt(db, request())).plan.steps).toEqual([])
      expect(
        await database.run(
          "select indexrelid::regclass::text as name from pg_index where indrelid = 'ticks'::regclass order by 1",
        ),
      ).toEqual([{name: 'ticks_pkey'}, {name: 'ticks_time_idx'}])

      await both(database, "update TABLE set price = 5 where symbol = 'b' and price = 3")
      expect(failed(await run(db, (await planUndo(db, 'ticks')).plan))).toEqual([])
      expect(await kindOf(database)).toBe(kind)
      expect(await leftSchemas(database)).toEqual([])
      await expectSameAsMirror(database)

      expect(failed(await run(db, (await planAdopt(db, request())).plan))).toEqual([])
      expect(failed(await run(db, (await planFinish(db, 'ticks')).plan))).toEqual([])
      expect(await leftSchemas(database)).toEqual([])
      expect(await database.run("select from pg_class where relname ~ '^ticks_([0-9]|rest)'")).toEqual([])
      await expectSameAsMirror(database)
    },
  )

  it.each([
    ['ordinary table', ticks(3_000)],
    ['set', daily(16_000)],
  ])(
    'a change of the %s that is made after any step, and a partition that is attached with rows, are in the hypertable',
    async (kind, sql) => {
      const database = await engine.database()
      await database.run(sql)
      for (let n = 0; ; n += 1) {
        const {plan} = await planAdopt(database.db, request())
        if (plan.steps.length === 0) break
        expect(failed(await run(database.db, {...plan, steps: plan.steps.slice(0, 1)}))).toEqual([])
        const minute = `'2026-01-01T00:00:00Z'::timestamptz + ${n} * interval '2 minutes'`
        await both(database, `insert into TABLE values ('new', ${minute} + interval '${n % 30} days', ${n}, null)`)
        await both(
          database,
          `update TABLE set price = 77 where symbol = 'a' and time = ${minute} + interval '20 minutes'`,
        )
        // A hypertable refuses to move a row into another chunk.
        if ((await kindOf(database)) !== 'hypertable')
          await both(
            database,
            `update TABLE set time = time + interval '40 days' where symbol = 'a' and time = ${minute} + interval '40 minutes'`,
          )
        await both(database, `delete from TABLE where symbol = 'a' and time = ${minute} + interval '10 hours'`)
        if (kind === 'set' && plan.steps[0]!.kind === 'adopt compare')
          await database.run(`create table if not exists ticks_may (like ticks including all);
insert into ticks_may values ('old', '2026-05-01T00:00:00Z', 1, null) on conflict do nothing;
insert into mirror values ('old', '2026-05-01T00:00:00Z', 1, null) on conflict do nothing;
do $$ begin if not (select relispartition from pg_class where oid = 'ticks_may'::regclass) then
  alter table ticks attach partition ticks_may for values from ('2026-05-01Z') to ('2026-06-01Z');
end if; end $$`)
      }
      expect(await kindOf(database)).toBe('hypertable')
      await expectSameAsMirror(database)
    },
  )

  it('a partition that is detached or truncated after the copy was begun ends the swap: nothing was changed', async () => {
    const database = await engine.database()
    await database.run(daily(16_000))
    const {plan} = await planAdopt(database.db, request())
    const compared = plan.steps.findIndex(({kind}) => kind === 'adopt foreign keys' || kind === 'adopt record')
    await run(database.db, {...plan, steps: plan.steps.slice(0, compared + 1)})
    await database.run('truncate ticks_3')
    const rest = await run(database.db, (await planAdopt(database.db, request())).plan)
    expect(rest.steps.find(({status}) => status === 'failed')?.error).toMatch(
      /differs|ticks_3.*was detached, dropped, truncated/,
    )
    expect(await kindOf(database)).toBe('p')
    expect(failed(await run(database.db, (await planUndo(database.db, 'ticks')).plan))).toEqual([])
  })

  it('everything that belongs to the table is on the hypertable', async () => {
    const database = await engine.database()
    await database.run(`${ticks(2_000)};
create table places (id int primary key); insert into places values (1);
alter table ticks add column place int default 1 references places, add column id int generated always as identity,
  add column twice numeric generated always as (price * 2) stored, add constraint positive check (price >= 0);
alter table ticks alter column price set statistics 500, replica identity full, set (fillfactor = 80);
create function seen() returns trigger language plpgsql as 'begin return new; end';
create trigger seen before insert on ticks for each row execute function seen();
create view latest as select symbol, max(time) as time from ticks group by symbol;
create table notes (symbol text, time timestamptz, foreign key (symbol, time) references ticks (symbol, time));
insert into notes select symbol, time from ticks limit 3;
comment on table ticks is 'prices'; grant select on ticks to public`)
    const {plan} = await planAdopt(database.db, request())
    expect(failed(await run(database.db, plan))).toEqual([])
    expect(await kindOf(database)).toBe('hypertable')
    expect(
      await database.run(
        `select conname as name from pg_constraint where conrelid = 'ticks'::regclass and contype in ('p', 'c', 'f') order by 1`,
      ),
    ).toEqual([{name: 'positive'}, {name: 'ticks_pkey'}, {name: 'ticks_place_fkey'}])
    await database.run("insert into ticks (symbol, time, price) values ('c', '2026-03-01T00:00:00Z', 4)")
    expect(await database.run("select id, twice, place from ticks where symbol = 'c'")).toEqual([
      {id: 2001, twice: '8.00000000', place: 1},
    ])
    expect(await database.run("select symbol from latest where symbol = 'c'")).toEqual([{symbol: 'c'}])
    await expect(database.run("insert into notes values ('x', '2026-03-01T00:00:00Z')")).rejects.toThrow(/foreign key/)
    await expect(
      database.run('delete from ticks where (symbol, time) in (select symbol, time from notes)'),
    ).rejects.toThrow(/foreign key/)
    expect(failed(await run(database.db, (await planUndo(database.db, 'ticks')).plan))).toEqual([])
    expect(await database.run("select id, twice from ticks where symbol = 'c'")).toEqual([
      {id: 2001, twice: '8.00000000'},
    ])
    await expect(database.run("insert into notes values ('x', '2026-03-01T00:00:00Z')")).rejects.toThrow(/foreign key/)
  })

  it('a row that an UPDATE moves to a later block while rows are copied is in the hypertable once, deferrable keys too', async () => {
    const database = await engine.database()
    // A row a block, so that the copy has two steps.
    await database.run(`create table ticks (symbol text not null, time timestamptz not null, price int, note text,
  constraint ticks_pkey primary key (symbol, time), constraint late unique (price, time) deferrable initially deferred);
alter table ticks alter column note set storage plain;
insert into ticks select 'a', '2026-01-01T00:00:00Z'::timestamptz + g * interval '1 hour', g, repeat('x', 7000)
from generate_series(1, 2100) g`)
    const {plan} = await planAdopt(database.db, request())
    const copied = plan.steps.findIndex(({kind}) => kind === 'adopt copy') + 1
    expect(failed(await run(database.db, {...plan, steps: plan.steps.slice(0, copied)}))).toEqual([])
    await database.run('update ticks set price = -1 where price = 1')
    expect(await database.run('select (ctid::text::point)[0] > 2048 as later from ticks where price = -1')).toEqual([
      {later: true},
    ])
    const {plan: rest} = await planAdopt(database.db, request())
    expect(rest.steps[0]!.kind).toBe('adopt copy')
    expect(failed(await run(database.db, rest))).toEqual([])
    expect(await database.run('select count(*) as rows, sum(price) as sum from ticks')).toEqual([
      {rows: 2100, sum: 2_206_048},
    ])
    expect(
      await database.run(
        "select condeferred as deferred from pg_constraint where conname = 'late' and conrelid = 'ticks'::regclass",
      ),
    ).toEqual([{deferred: true}])
  })

  it('what a hypertable cannot have is named before anything is changed', async () => {
    const database = await engine.database()
    await database.run(`${daily(2_000)};
alter table ticks add column id int;
create index only_here on ticks_3 (price);
create function seen() returns trigger language plpgsql as 'begin return new; end';
create trigger quiet before insert on ticks for each row execute function seen();
alter table ticks disable trigger quiet;
create publication changes for table ticks with (publish_via_partition_root = true)`)
    await expect(planAdopt(database.db, request())).rejects.toMatchObject({
      code: 'CANNOT_ADOPT',
      message: expect.stringMatching(/trigger quiet[^]*publication changes[^]*index public\.only_here/),
    })
    await database.run(`drop publication changes; drop index only_here; drop trigger quiet on ticks`)
    const {plan} = await planAdopt(database.db, request({periods: {every: null, zone: 'UTC', ahead: 1}}))
    // The length of the chunks is that of the partitions.
    expect(plan.summary).toContain('chunks of 1 day')
    expect(failed(await run(database.db, plan))).toEqual([])
    await expect(planAdopt(database.db, request({to: 'set'}))).rejects.toMatchObject({code: 'ADOPT_CHANGED'})
  })

  it('integers become chunks of the same length of time', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (at bigint primary key, n int);
insert into ticks select 1767225600000 + g * 3600000::bigint, g from generate_series(1, 500) g`)
    const {plan} = await planAdopt(database.db, request({column: 'at', declared: {timeUnit: 'ms', keyFormat: null}}))
    expect(failed(await run(database.db, plan))).toEqual([])
    expect(
      await database.run(
        "select integer_interval as length from timescaledb_information.dimensions where hypertable_name = 'ticks'",
      ),
    ).toEqual([{length: 604_800_000}])
    expect(await database.run('select count(*) as rows, sum(n) as sum from ticks')).toEqual([{rows: 500, sum: 125_250}])
  })
})
