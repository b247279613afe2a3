import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'
import {agree, daysLeft, refresh, retain, seven, ticks} from '../../helpers/policies-ticks.js'

/** Writes into the oldest chunk. */
const lateRow = `insert into public.ticks values (${daysAgo(20)} + interval '90 minutes', 2)`

/** What gated retention must not lose while other sessions write. */
describe('gated retention', () => {
  forEachEngine({native: true}, (engine) => {
    it('sees a row that is committed between its check and its drop', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      await refresh(database, daysAgo(30), today)
      const [complaint] = await whileWriting(database, lateRow)
      expect(complaint).toMatch(
        /1 (chunk|partition) older than 7 days not dropped: .*(has not covered|rows changed after)/,
      )
      const late = await database.run('select from public.ticks where v = 2')
      expect(late).toHaveLength(1)
    })

    it('gives up on a chunk that a session writes to for longer than its lock timeout, and drops the others', async () => {
      const database = await ticks(engine)
      await agree(database, {...seven, maxDropPerRun: 3})
      await refresh(database, daysAgo(30), today)
      const writer = await database.db.openSession()
      try {
        await writer.transaction(writing, async (tx) => {
          await tx.query(statement(lateRow))
          // On plain PostgreSQL dropping a partition locks the whole set, so the writer blocks all of them.
          const expected = !engine.hypertables
            ? /13 (chunks|partitions) older than 7 days not dropped: .*55P03/
            : /1 (chunk|partition) older than 7 days not dropped: .*55P03/
          expect(await retain(database)).toMatch(expected)
        })
      } finally {
        await writer.close()
      }
      expect(await daysLeft(database)).toBe(!engine.hypertables ? 21 : 18)
    })

    it('stops if the declaration is withdrawn while it runs', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      await refresh(database, daysAgo(30), today)
      const [complaint] = await whileWriting(database, lateRow, async (other) => {
        await other.transaction(writing, (tx) =>
          tx.query(statement('update qicore.policies set config = config || \'{"after": "1 year"}\'')),
        )
      })
      expect(complaint).toMatch(/not dropped: /)
      expect(await daysLeft(database)).toBe(21)
      const notes = await database.run<{note: string}>(
        "select distinct detail ->> 'note' as note from qicore.maintenance_step where position > 0",
      )
      expect(notes).toEqual([{note: 'the policy was changed during the run'}])
    })

    it('succeeds if two runs start at once, and drops each chunk once', async () => {
      const database = await ticks(engine)
      await agree(database, {...seven, maxDropPerRun: 20})
      await refresh(database, daysAgo(30), today)
      const other = await database.db.openSession()
      try {
        const complaints = (await Promise.all([retain(database), retain({db: other})])).filter(
          (complaint) => complaint !== null,
        )
        // They may block each other for a moment, but not longer.
        for (const complaint of complaints) expect(complaint).toMatch(/55P03|40P01/)
      } finally {
        await other.close()
      }
      expect(await retain(database)).toBeNull()
      expect(await daysLeft(database)).toBe(8)
      const [row] = await database.run<{steps: number; done: number}>(
        "select count(distinct step)::int as steps, count(*) filter (where status = 'done')::int as done from qicore.maintenance_step",
      )
      expect(row).toEqual({steps: 13, done: 13})
    })
  })

  forEachEngine({kinds: ['apache', 'postgres']}, (engine) => {
    it('holds back the rest of a bucket that spans two partitions if no log of changes exists, and says why', async () => {
      const database = await ticks(engine)
      await database.run(
        "update qicore.aggregates set bucket = interval '5 days'; create or replace function qicore.daily_window(timestamptz, timestamptz) returns setof qicore.daily_data language sql stable as $$ select date_bin('5 days', time, '2000-01-03 00:00:00+00'), count(*) from public.ticks where time >= $1 and time < $2 group by 1 $$",
      )
      await agree(database, {...seven, maxDropPerRun: 20})
      await refresh(database, daysAgo(30), today)
      expect(await retain(database)).toMatch(
        /rows of the bucket of public\.daily from .* were dropped before|has not covered/,
      )
      expect(await retain(database)).toMatch(
        /rows of the bucket of public\.daily from .* were dropped before: whether it has covered the others is not known/,
      )
    })
  })

  forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
    it('drops nothing of a hypertable that a foreign key references: TimescaleDB would drop the key too', async () => {
      const database = await ticks(engine)
      await database.run(
        'alter table public.ticks add primary key (time); create table public.notes (at timestamptz references public.ticks (time))',
      )
      await agree(database, seven)
      await refresh(database, daysAgo(30), today)
      expect(await retain(database)).toMatch(
        /13 (chunks|partitions) older than 7 days not dropped: .*foreign key notes_at_fkey of public\.notes references it/,
      )
      expect(await daysLeft(database)).toBe(21)
      expect(
        await database.run(
          "select from pg_constraint where conrelid = 'public.notes'::regclass and confrelid = 'public.ticks'::regclass",
        ),
      ).toHaveLength(1)
    })
  })

  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('skips frozen chunks without an error', async () => {
      const database = await ticks(engine)
      await agree(database, {...seven, maxDropPerRun: 20})
      await refresh(database, daysAgo(30), today)
      await database.run(
        "select _timescaledb_functions.freeze_chunk(c) from (select c from show_chunks('public.ticks') as c limit 2) as oldest",
      )
      expect(await retain(database)).toBeNull()
      expect(await daysLeft(database)).toBe(10)
    })

    it('drops the space partitions of one range together, or none of them', async () => {
      const database = await spaced(engine)
      await agree(database, {...seven, maxDropPerRun: 8})
      await refresh(database, daysAgo(30), today)
      await database.run(`insert into public.ticks values (${daysAgo(20)} + interval '90 minutes', 3)`)
      const before = await database.run('select from public.ticks')
      expect(await retain(database)).toMatch(
        /\d (chunks|partitions) older than 7 days not dropped: .*public\.daily has not covered/,
      )
      const [left] = await database.run<{rows: number; oldest: number}>(
        `select count(*)::int as rows, count(*) filter (where time < ${daysAgo(19)})::int as oldest from public.ticks`,
      )
      // Every partition of the range with the late row still exists, and the next two ranges are gone.
      expect(left).toEqual({rows: before.length - 2 * 24 * 8, oldest: 24 * 8 + 1})
    })

    it('holds back a bucket of which a chunk was dropped if a session writes to the rest of it', async () => {
      const database = await ticks(engine)
      // One bucket around all rows, on every day.
      const [{origin}] = (await database.run<{origin: string}>(`select ${daysAgo(25)}::text as origin`)) as [
        {origin: string},
      ]
      await database.autocommit(
        `create materialized view public.months with (timescaledb.continuous) as select time_bucket(interval '30 days', time, timestamptz '${origin}') as bucket, count(*) as rows from public.ticks group by 1 with no data`,
      )
      await database.autocommit("call refresh_continuous_aggregate('public.months', null, null)")
      await agree(database, {...seven, maxDropPerRun: 2})
      await refresh(database, daysAgo(30), today)
      expect(await retain(database)).toBeNull()
      expect(await retain(database)).toBeNull()
      expect(await daysLeft(database)).toBe(17)
      await database.run("insert into public.ticks select min(time) + interval '90 minutes', 2 from public.ticks")
      await refresh(database, daysAgo(30), today)
      expect(await retain(database)).toMatch(
        /public\.months (has not covered|may not have counted all rows of its bucket)/,
      )
      expect(await database.run('select from public.ticks where v = 2')).toHaveLength(1)
    })

    it('also checks aggregates over aggregates', async () => {
      const database = await ticks(engine)
      await database.autocommit(
        "create materialized view public.weekly with (timescaledb.continuous) as select time_bucket(interval '7 days', bucket) as bucket, sum(rows) as rows from public.daily group by 1 with no data",
      )
      await agree(database, seven)
      await refresh(database, daysAgo(30), today)
      expect(await retain(database)).toMatch(/public\.weekly has not covered/)
      await database.autocommit("call refresh_continuous_aggregate('public.weekly', null, null)")
      expect(await retain(database)).toBeNull()
    })

    it('holds back a range whose refresh was started and not finished', async (context) => {
      const database = await ticks(engine)
      if (database.db.server.materializationRanges === null)
        context.skip('this TimescaleDB keeps no record of unfinished refreshes')
      await agree(database, seven)
      await refresh(database, daysAgo(30), today)
      await database.run(`insert into _timescaledb_catalog.continuous_aggs_materialization_ranges
select mat_hypertable_id, (extract(epoch from ${daysAgo(20)}) * 1000000)::bigint, (extract(epoch from ${daysAgo(19)}) * 1000000)::bigint from _timescaledb_catalog.continuous_agg`)
      expect(await retain(database)).toMatch(
        /1 (chunk|partition) older than 7 days not dropped: .*public\.daily has not covered/,
      )
    })

    it('uses the clock of integers, and checks their aggregates', async () => {
      const database = await ticks(engine)
      await database.run(`create table public.beats (at bigint not null, v int); select create_hypertable('public.beats', 'at', chunk_time_interval => 86400000);
create function public.beat_now() returns bigint language sql stable as $$ select (extract(epoch from ${today}) * 1000)::bigint $$; select set_integer_now_func('public.beats', 'public.beat_now');
insert into public.beats select public.beat_now() - i * 3600000, 1 from generate_series(0, 480) i;
create materialized view public.beats_daily with (timescaledb.continuous) as select time_bucket(86400000::bigint, at) as bucket, count(*) as n from public.beats group by 1 with no data`)
      const config = JSON.stringify({after: '7 days', maxDropPerRun: 50, timeUnit: 'ms'})
      await database.run(
        "insert into qicore.policies (object, kind, config) values ('public.beats', 'retention', $1::jsonb || jsonb_build_object('consent', jsonb_build_object('hash', qicore.retention_hash('public.beats', $1::jsonb))))",
        [config],
      )
      expect(await retain(database, '{"object": "public.beats"}')).toMatch(
        /public\.beats_daily has not covered -?\d+ to \d+/,
      )
      await database.autocommit("call refresh_continuous_aggregate('public.beats_daily', null, null)")
      expect(await retain(database, '{"object": "public.beats"}')).toBeNull()
      const [row] = await database.run<{days: number}>(
        'select (max(at) - min(at)) / 86400000.0 as days from public.beats',
      )
      expect(Number(row!.days)).toBe(7)
    })

    it('does not invalidate what it drops, and drops the compressed chunk with it', async () => {
      const database = await ticks(engine)
      await database.run(
        "alter table public.ticks set (timescaledb.compress, timescaledb.compress_orderby = 'time'); select compress_chunk(c) from show_chunks('public.ticks', older_than => interval '2 days') as c",
      )
      await agree(database, {...seven, maxDropPerRun: 20})
      await refresh(database, daysAgo(30), today)
      const logs =
        'select (select count(*) from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log)::int as changed, (select count(*) from _timescaledb_catalog.continuous_aggs_materialization_invalidation_log)::int as pending'
      const relations =
        "select from pg_class where relnamespace = '_timescaledb_internal'::regnamespace and relkind = 'r'"
      const [before, parts] = [await database.run(logs), await database.run(relations)]
      expect(await retain(database)).toBeNull()
      expect(await database.run(logs)).toEqual(before)
      expect(await database.run(relations)).toHaveLength(parts.length - 2 * 13)
    })
  })
})

/**
 * Runs the retention while another session has written and not committed; it commits once the retention waits for it.
 */
async function whileWriting(
  database: TestDatabase,
  text: string,
  before: (other: TestDatabase['db']) => Promise<void> = async () => {},
): Promise<[string | null]> {
  const writer = await database.db.openSession()
  const watcher = await database.db.openSession()
  try {
    let retention: Promise<string | null> = Promise.resolve(null)
    await writer.transaction(writing, async (tx) => {
      await tx.query(statement(text))
      retention = retain(database)
      await waits(watcher)
      await before(watcher)
    })
    return [await retention]
  } finally {
    await writer.close()
    await watcher.close()
  }
}

async function waits(watcher: TestDatabase['db']): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    const waiting = await watcher.query(
      statement(
        'select from pg_locks l join pg_database d on d.oid = l.database where d.datname = current_database() and not l.granted',
      ),
    )
    if (waiting.length > 0) return
    await sleep(5)
  }
  throw new Error('the retention never waited for the writer')
}

/** As ticks, in four space partitions. */
async function spaced(engine: Engine): Promise<TestDatabase> {
  const database = await ticks(engine)
  await database.run(`drop table public.ticks cascade; create table public.ticks (time timestamptz not null, v int);
select create_hypertable('public.ticks', 'time', 'v', 4, chunk_time_interval => interval '1 day');
insert into public.ticks select at, v from generate_series(${daysAgo(20)}, ${today}, interval '1 hour') as at, generate_series(1, 8) v`)
  await database.autocommit(
    "create materialized view public.daily with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as bucket, count(*) as rows from public.ticks group by 1 with no data",
  )
  return database
}
