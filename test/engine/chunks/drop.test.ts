import fc from 'fast-check'
import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {execute, preview} from '../../../src/run/execute.js'
import {toScript} from '../../../src/run/script.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {quick} from '../../helpers/run-steps.js'
import {replay} from '../../helpers/schema-replay.js'
import {stepResults, refreshPlan, run, span} from '../../helpers/aggregates.js'
import {chunkNames, drop, tenDays} from '../../helpers/chunks.js'

const timescaledb = {kinds: ['timescaledb', 'apache']} as const
const community = {kinds: ['timescaledb']} as const
const status = (lines: readonly string[]) => lines.map((line) => line.replace(/^.*?: /, ''))

/** An hourly aggregate over m, and a weekly one over that. */
const aggregates = `create materialized view a with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket(interval '1 hour', time) as bucket, dev, sum(1) as n from m group by 1, 2 with no data;
create materialized view w with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket(interval '1 week', bucket) as bucket, dev, sum(n) as n from a group by 1, 2 with no data;`

async function refresh({autocommit}: TestDatabase, ...views: string[]): Promise<void> {
  for (const view of views) await autocommit(`call refresh_continuous_aggregate('${view}', null, null)`)
}

forEachEngine(timescaledb, (engine) => {
  it('a dry run changes nothing, a run drops exactly what is older, and a second run has nothing to do', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    const {plan, facts, notes} = await drop(database.db, 'm', '2024-01-04T12:00:00Z')
    expect(plan.cutoff).toBe('2024-01-04T12:00:00Z')
    expect(plan.steps.map(({id, class: kind}) => [id, kind])).toEqual(
      names.slice(0, 3).map((name) => [`drop ${name}`, 'loss']),
    )
    expect(facts.chunks.map(({chunk, rows}) => [chunk.name, rows])).toEqual(
      names.slice(0, 3).map((name) => [name, 288]),
    )
    expect([facts.rows, facts.coverage, notes]).toEqual([864, [], []])
    expect(facts.bytes).toBeGreaterThan(0)
    expect((await preview(database.db, plan)).steps.map((step) => step.status)).toEqual([
      'planned',
      'planned',
      'planned',
    ])
    expect(await chunkNames(database)).toEqual(names)

    expect(status(stepResults(await run(database.db, plan)))).toEqual(['done', 'done', 'done'])
    expect(await chunkNames(database)).toEqual(names.slice(3))
    expect((await drop(database.db, 'm', '2024-01-04T12:00:00Z')).plan.steps).toEqual([])
    expect((await preview(database.db, plan)).steps.map((step) => step.status)).toEqual([
      'skipped',
      'skipped',
      'skipped',
    ])
  })

  it('drops the space partitions of one range together, and none of another', async () => {
    const database = await engine.database()
    await database.run(`create table s (time timestamptz not null, dev int not null); select create_hypertable('s', 'time', 'dev', 4, chunk_time_interval => interval '1 day');
insert into s select t, d from generate_series('2024-01-01+00'::timestamptz, '2024-01-04+00', '1 hour') t, generate_series(1, 20) d`)
    const names = await chunkNames(database, 's')
    const {plan} = await drop(database.db, 's', '2024-01-03T00:00:00Z')
    expect(plan.steps).toHaveLength(2)
    expect(plan.steps.flatMap(({relations}) => relations)).toHaveLength(8)
    expect(status(stepResults(await run(database.db, plan)))).toEqual(['done', 'done'])
    expect(await chunkNames(database, 's')).toEqual(names.slice(8))
  })

  it('drops nothing of a table that a foreign key references: TimescaleDB would drop the key too', async () => {
    const database = await engine.database()
    await tenDays(
      database,
      'alter table m add primary key (time, dev); create table notes (at timestamptz, dev int, foreign key (at, dev) references m (time, dev))',
    )
    for (const acceptLoss of [false, true])
      await expect(drop(database.db, 'm', '2024-01-04T12:00:00Z', {acceptLoss})).rejects.toMatchObject({
        code: 'DEPENDENTS',
        exitCode: 2,
        message: expect.stringContaining('the foreign key notes_at_dev_fkey of public.notes'),
      })
    await database.run('alter table notes drop constraint notes_at_dev_fkey')
    expect((await drop(database.db, 'm', '2024-01-04T12:00:00Z')).plan.steps).toHaveLength(3)
  })

  it('drops nothing of a range that has a chunk that was not planned', async () => {
    const database = await engine.database()
    await database.run(`create table s (time timestamptz not null, dev int not null); select create_hypertable('s', 'time', 'dev', 4, chunk_time_interval => interval '1 day');
insert into s select t, 1 from generate_series('2024-01-01+00'::timestamptz, '2024-01-02+00', '1 hour') t`)
    const {plan} = await drop(database.db, 's', '2024-01-02T00:00:00Z')
    await database.run("insert into s select '2024-01-01 05:00+00', d from generate_series(1, 20) d")
    const before = await chunkNames(database, 's')
    expect(stepResults(await run(database.db, plan))[0]).toMatch(/failed .*which is not what was planned/)
    expect(await chunkNames(database, 's')).toEqual(before)
  })

  it('uses the unit of integer time, and refuses if it is not known', async () => {
    const database = await engine.database()
    await database.run(`create table ticks (ms bigint not null); select create_hypertable('ticks', 'ms', chunk_time_interval => 86400000);
insert into ticks select extract(epoch from t)::bigint * 1000 from generate_series('2024-01-01+00'::timestamptz, '2024-01-05+00', '6 hours') t`)
    await expect(drop(database.db, 'public.ticks', '2024-01-03T00:00:00Z')).rejects.toMatchObject({
      code: 'NO_CLOCK',
      exitCode: 2,
    })
    const {plan} = await drop(database.db, 'public.ticks', '2024-01-03T00:00:00Z', {unit: 'ms'})
    expect(status(stepResults(await run(database.db, plan)))).toEqual(['done', 'done'])
    expect(await database.run('select min(ms)::text as first from ticks')).toEqual([
      {first: String(Date.parse('2024-01-03T00:00:00Z'))},
    ])
  })

  it.each(['timestamp', 'date', 'int'])('drops from a table on %s', async (type) => {
    const database = await engine.database()
    const [value, interval] =
      type === 'int' ? ['1704067200 + i * 86400', '86400'] : [`(date '2024-01-01' + i)::${type}`, "interval '1 day'"]
    await database.run(
      `create table d (at ${type} not null); select create_hypertable('d', 'at', chunk_time_interval => ${interval}); insert into d select ${value} from generate_series(0, 9) i`,
    )
    const {plan} = await drop(database.db, 'public.d', '2024-01-03T00:00:00Z', {unit: 's'})
    expect(status(stepResults(await run(database.db, plan)))).toEqual(['done', 'done'])
    expect(await database.run('select count(*) as n from d')).toEqual([{n: 8}])
  })

  it('names the tables that each drop locks because of a foreign key', async () => {
    const database = await engine.database()
    await tenDays(
      database,
      'create table devices (id int primary key); insert into devices values (1), (2); alter table m add foreign key (dev) references devices (id);',
    )
    const {plan, facts, notes} = await drop(database.db, 'm', '2024-01-02T00:00:00Z')
    expect(facts.referenced).toEqual(['public.devices'])
    expect(notes).toEqual([expect.stringMatching(/^Each drop locks public\.devices as well/)])
    expect(plan.steps[0]!.relations).toContain('public.devices')
    expect(status(stepResults(await run(database.db, plan)))).toEqual(['done'])
  })

  it('prints a script that the server runs with the same result', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    const {plan} = await drop(database.db, 'm', '2024-01-03T00:00:00Z')
    await database.run(statement(toScript(plan, quick).replaceAll(/^(begin|commit);$/gm, '')))
    expect(await chunkNames(database)).toEqual(names.slice(2))
  })

  it('says so if it drops everything, and skips frozen chunks', async (context) => {
    const database = await engine.database()
    await tenDays(database)
    const {notes} = await drop(database.db, 'm', '2025-01-01T00:00:00Z')
    expect(notes).toEqual(['These are all the chunks that public.m has.'])
    if (engine.kind === 'apache') context.skip('the Apache edition has no aggregates')
    const names = await chunkNames(database)
    await database.run(`select _timescaledb_functions.freeze_chunk('_timescaledb_internal.${names[0]}')`)
    const {plan, notes: more} = await drop(database.db, 'm', '2024-01-03T00:00:00Z')
    expect(plan.steps.map(({id}) => id)).toEqual([`drop ${names[1]}`])
    expect(more).toEqual([expect.stringContaining('Frozen, skipped')])
  })
})

forEachEngine(community, (engine) => {
  it('refuses ranges that an aggregate has not covered, covers them with --refresh-first, and no aggregate loses a row', async () => {
    const database = await engine.database()
    await tenDays(database, aggregates)
    await expect(drop(database.db, 'm', '2024-01-08T00:00:00Z')).rejects.toMatchObject({
      code: 'NOT_COVERED',
      exitCode: 7,
      message: expect.stringMatching(/public\.a has not covered .*\n.*public\.w has not covered /),
    })
    const {plan, facts} = await drop(database.db, 'm', '2024-01-08T00:00:00Z', {refreshFirst: true})
    expect(facts.coverage.map(({view, level}) => [view, level])).toEqual([
      ['a', 1],
      ['w', 2],
    ])
    expect(new Set(plan.steps.map(({kind}) => kind))).toEqual(new Set(['refresh', 'drop']))
    expect(stepResults(await run(database.db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
    expect(await database.run('select sum(n)::int as n from a')).toEqual([{n: 7 * 288}])
    expect(await database.run('select sum(n)::int as n from w')).toEqual([{n: 7 * 288}])
    expect(await database.run('select count(*) as n from m')).toEqual([{n: 3 * 288}])
    // A later refresh does not lose it either.
    for (const view of ['public.a', 'public.w'])
      await run(database.db, (await refreshPlan(database.db, view, {span: span('2023-12-01', '2024-02-01')})).plan)
    expect(await database.run("select sum(n)::int as n from a where bucket < '2024-01-08+00'")).toEqual([{n: 7 * 288}])
    expect(await database.run("select sum(n)::int as n from w where bucket < '2024-01-08+00'")).toEqual([{n: 7 * 288}])
  })

  it('drops covered chunks one after another, and not even a refresh of everything loses the history', async () => {
    const database = await engine.database()
    await tenDays(database, aggregates)
    await refresh(database, 'a', 'w')
    const {plan, facts} = await drop(database.db, 'm', '2024-01-08T00:00:00Z')
    expect(facts.coverage.map(({gaps}) => gaps)).toEqual([[], []])
    expect(status(stepResults(await run(database.db, plan)))).toEqual(Array.from({length: 7}, () => 'done'))
    // A drop by qicore-db invalidates nothing: not even an open-ended refresh erases the history.
    await refresh(database, 'a', 'w')
    expect(await database.run('select sum(n)::int as n from a')).toEqual([{n: 10 * 288}])
    expect(await database.run('select sum(n)::int as n from w')).toEqual([{n: 10 * 288}])
  })

  it('does not drop a chunk that received rows after the plan, and continues with the others', async () => {
    const database = await engine.database()
    await tenDays(database, aggregates)
    await refresh(database, 'a', 'w')
    const names = await chunkNames(database)
    const {plan} = await drop(database.db, 'm', '2024-01-04T00:00:00Z')
    await database.run("insert into m values ('2024-01-02 05:05+00', 3, 1)")
    const lines = stepResults(await run(database.db, plan))
    expect(lines[1]).toMatch(/failed \(.*not covered by public\.a, so not dropped .*\[55000\]/)
    expect([lines[0], lines[2]].map((line) => line!.replace(/^.*: /, ''))).toEqual(['done', 'done'])
    expect(await chunkNames(database)).toEqual([names[1], ...names.slice(3)])
    const {plan: again} = await drop(database.db, 'm', '2024-01-04T00:00:00Z', {refreshFirst: true})
    await run(database.db, again)
    expect(await database.run("select n::int from a where bucket = '2024-01-02 05:00+00' and dev = 3")).toEqual([
      {n: 1},
    ])
    expect(await chunkNames(database)).toEqual(names.slice(3))
  })

  it('keeps the rest of a partly dropped bucket if rows were written to it, before or after the plan', async () => {
    const database = await engine.database()
    await tenDays(
      database,
      `create materialized view d3 with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket(interval '3 days', time, timestamptz '2023-12-31+00') as bucket, count(*) as n from m group by 1 with no data;`,
    )
    await refresh(database, 'd3')
    // The bucket of the 3rd to the 5th loses its first day.
    await run(database.db, (await drop(database.db, 'm', '2024-01-04T00:00:00Z')).plan)
    const {plan} = await drop(database.db, 'm', '2024-01-05T00:00:00Z')
    await database.run("insert into m values ('2024-01-04 05:05+00', 3, 1)")
    expect(stepResults(await run(database.db, plan))[0]).toMatch(/not covered by public\.d3/)
    await expect(drop(database.db, 'm', '2024-01-05T00:00:00Z')).rejects.toMatchObject({code: 'NOT_COVERED'})
    expect(await database.run('select from m where dev = 3')).toHaveLength(1)
  })

  it('respects an aggregate that was created after the plan', async () => {
    const database = await engine.database()
    await tenDays(database, aggregates)
    await refresh(database, 'a', 'w')
    const {plan} = await drop(database.db, 'm', '2024-01-02T00:00:00Z')
    await database.run(
      "create materialized view late with (timescaledb.continuous) as select time_bucket(interval '1 day', time) as bucket, count(*) from m group by 1 with no data",
    )
    expect(stepResults(await run(database.db, plan))[0]).toMatch(/not covered by public\.late/)
  })

  it('drops uncovered ranges only with --accept-loss', async () => {
    const database = await engine.database()
    await tenDays(database, aggregates)
    const {plan, facts} = await drop(database.db, 'm', '2024-01-03T00:00:00Z', {acceptLoss: true})
    expect(facts.coverage.every(({gaps}) => gaps.length > 0)).toBe(true)
    expect(status(stepResults(await run(database.db, plan)))).toEqual(['done', 'done'])
  })

  it('an aggregate over an aggregate need not have buckets that are not complete yet', async () => {
    const database = await engine.database()
    await tenDays(database, aggregates)
    await database.autocommit("call refresh_continuous_aggregate('a', null, null)")
    await database.autocommit("call refresh_continuous_aggregate('w', '2024-01-01', '2024-01-08')")
    // In the week of the 8th it is the 10th: that week's bucket does not exist yet and need not.
    const clock = {now: BigInt(Date.parse('2024-01-10T12:00:00Z')) * 1000n, unit: null}
    const {facts} = await drop(database.db, 'm', '2024-01-10T00:00:00Z', {clock})
    expect(facts.coverage.map(({view, gaps}) => [view, gaps])).toEqual([
      ['a', []],
      ['w', []],
    ])
    // A week later it must exist.
    await expect(drop(database.db, 'm', '2024-01-10T00:00:00Z')).rejects.toMatchObject({
      code: 'NOT_COVERED',
      message: expect.stringContaining('public.w has not covered'),
    })
  })

  it('drops chunks of an aggregate by its name, once the aggregates over it have covered them', async () => {
    const database = await engine.database()
    await tenDays(database, aggregates.replaceAll("interval '1 hour', time", "interval '1 hour', time"))
    await database.run("select set_chunk_time_interval('a', interval '1 day')").catch(() => {})
    await refresh(database, 'a')
    await expect(drop(database.db, 'public.a', '2024-02-01T00:00:00Z')).rejects.toMatchObject({
      code: 'NOT_COVERED',
      message: expect.stringContaining('public.w'),
    })
    await refresh(database, 'w')
    const {plan} = await drop(database.db, 'public.a', '2024-02-01T00:00:00Z')
    expect(plan.steps.length).toBeGreaterThan(0)
    expect(stepResults(await run(database.db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
    expect(await database.run('select sum(n)::int as n from w')).toEqual([{n: 2880}])
  })

  it('an aggregate never loses a bucket that it can keep, in any sequence of changes', async () => {
    const database = await engine.database()
    const minute = 60_000
    const first = Date.parse('2024-01-01T00:00:00Z')
    const at = fc.integer({min: 0, max: 9 * 1440}).map((minutes) => new Date(first + minutes * minute).toISOString())
    const action = fc.oneof(
      fc.record({kind: fc.constant('write' as const), at, size: fc.constantFrom(1, 30)}),
      fc.record({kind: fc.constant('refresh' as const), view: fc.constantFrom('a', 'w', 'd'), from: at, to: at}),
      fc.record({kind: fc.constant('drop' as const), at}),
    )
    let drops = 0
    await fc.assert(
      fc.asyncProperty(fc.array(action, {minLength: 3, maxLength: 8}), async (actions) => {
        await database.run('drop materialized view if exists w cascade')
        await database.run('drop materialized view if exists a cascade')
        await database.run(
          'drop table if exists m cascade; drop table if exists truth; create table truth (time timestamptz, dev int)',
        )
        await tenDays(
          database,
          `${aggregates}
create materialized view d with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket(interval '1 day', time, "offset" => interval '5 hours') as bucket, sum(1) as n from m group by 1 with no data;
insert into truth select time, dev from m`,
        )
        for (const step of actions) {
          if (step.kind === 'write') {
            // Rows older than the dropped ones would be in new chunks, which this test does not count.
            await database.run(
              `with rows as (select $1::timestamptz + i * interval '11 minutes' as time from generate_series(1, $2::int) i), kept as (select time, 1 as dev from rows where time >= coalesce((select min(range_start) from timescaledb_information.chunks where hypertable_name = 'm'), '-infinity')),
w as (insert into m select time, dev, 0 from kept) insert into truth select time, dev from kept`,
              [step.at, step.size],
            )
          }
          if (step.kind === 'refresh') {
            const [from, to] = [step.from, step.to].sort()
            await run(
              database.db,
              (
                await refreshPlan(database.db, `public.${step.view}`, {
                  span: span(from!.replace('.000Z', 'Z'), to!.replace('.000Z', 'Z')),
                })
              ).plan,
            )
          }
          if (step.kind === 'drop') {
            const plan = await drop(database.db, 'm', step.at.replace('.000Z', 'Z'), {refreshFirst: true}).catch(
              (error: unknown) => {
                expect(error).toMatchObject({code: 'NOT_COVERED'})
                return null
              },
            )
            if (plan === null) continue
            drops += 1
            const report = await run(database.db, plan.plan)
            expect(
              report.steps
                .filter(({error}) => error !== null && !error.includes('not covered'))
                .map(({error}) => error),
            ).toEqual([])
          }
        }
        // The rows that were dropped from the table are in the aggregates.
        const lost =
          await database.run(`with oldest as (select min(range_start) as at from timescaledb_information.chunks where hypertable_name = 'm')
select t.bucket, t.n, a.n as stored from (select time_bucket(interval '1 hour', time) as bucket, dev, count(*) as n from truth group by 1, 2) t
left join a using (bucket, dev) where t.bucket + interval '1 hour' <= (select at from oldest) and a.n is distinct from t.n`)
        expect(lost).toEqual([])
      }),
      {numRuns: engine.native ? 6 : 2, endOnFailure: true},
    )
    expect(drops).toBeGreaterThan(0)
  }, 240_000)
})

forEachEngine({kinds: ['apache']}, (engine) => {
  it('refuses ranges that emulated aggregates have not covered or that changed since, and covers them with --refresh-first', async () => {
    const database = await engine.database()
    await replay(database)
    await database.db.probe()
    await database.run(`insert into ohlcv_data (coin_id, symbol, exchange_id, time, open_price, high_price, low_price, close_price, volume, timeframe, source, attribution)
select 'bitcoin', 'BTC', 'binance', t, 1, 2, 1, 2, 10, '1h', 'test', '' from generate_series('2024-01-01+00'::timestamptz, '2024-02-01+00', '1 hour') t`)
    const table = 'public.ohlcv_data'
    await expect(drop(database.db, table, '2024-01-20T00:00:00Z')).rejects.toMatchObject({
      code: 'NOT_COVERED',
      message: expect.stringContaining('public.daily_ohlcv_summary has not covered'),
    })
    const {plan} = await drop(database.db, table, '2024-01-20T00:00:00Z', {refreshFirst: true})
    const before = await chunkNames(database, 'ohlcv_data')
    // A row that arrives after the plan in a range that will be computed is computed too; one that arrives later is
    // not.
    expect(
      stepResults(await run(database.db, {...plan, steps: plan.steps.filter(({kind}) => kind === 'refresh')})).filter(
        (line) => !line.endsWith(': done'),
      ),
    ).toEqual([])
    await database.run("update ohlcv_data set volume = 11 where time = '2024-01-05 05:00+00'")
    await expect(drop(database.db, table, '2024-01-20T00:00:00Z')).rejects.toMatchObject({code: 'NOT_COVERED'})
    const drops = {
      ...plan,
      steps: plan.steps.filter(({kind}) => kind === 'drop').map((step) => ({...step, dependsOn: []})),
    }
    const lines = stepResults(await run(database.db, drops))
    expect(lines.filter((line) => /failed .*not covered by public\.daily_ohlcv_summary/.test(line))).toHaveLength(1)
    const {plan: rest} = await drop(database.db, table, '2024-01-20T00:00:00Z', {refreshFirst: true})
    expect(stepResults(await run(database.db, rest)).filter((line) => !line.endsWith(': done'))).toEqual([])
    expect(
      await database.run(
        "select count(*) as n, sum(total_volume)::int as volume from daily_ohlcv_summary where bucket < '2024-01-18+00'",
      ),
    ).toEqual([{n: 17, volume: 17 * 240 + 1}])
    expect((await chunkNames(database, 'ohlcv_data')).length).toBeLessThan(before.length)
    expect((await drop(database.db, table, '2024-01-20T00:00:00Z')).plan.steps).toEqual([])
  })
})

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it('waits for a long reader only on its chunk, and drops the others meanwhile', async () => {
    const database = await engine.database()
    await tenDays(database)
    const names = await chunkNames(database)
    const reader = await connect(database.target, {applicationName: 'a-long-reader'})
    let free = () => {}
    const held = reader.transaction({readOnly: true, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      await tx.query(statement(`select count(*) from _timescaledb_internal.${names[0]}`))
      await new Promise<void>((resolve) => (free = resolve))
    })
    await expect
      .poll(() =>
        database.db.query(
          statement(
            "select from pg_stat_activity where application_name = 'a-long-reader' and state = 'idle in transaction'",
          ),
        ),
      )
      .toHaveLength(1)
    const {plan} = await drop(database.db, 'm', '2024-01-04T00:00:00Z')
    const ends: string[] = []
    const report = await execute(database.db, plan, {
      limits: quick,
      ledger: null,
      onProgress: (progress) => {
        if (progress.event === 'end') ends.push(progress.step.id)
        if (ends.length === 2) free()
      },
    })
    await held
    await reader.close()
    expect(report.steps.map((step) => step.status)).toEqual(['done', 'done', 'done'])
    expect(ends.at(-1)).toBe(`drop ${names[0]}`)
  })
})
