import {expect, it} from 'vitest'
import {preview} from '../../../src/run/execute.js'
import {toScript} from '../../../src/run/script.js'
import {forEachEngine} from '../../helpers/engines.js'
import {quick} from '../../helpers/run-steps.js'
import {replay} from '../../helpers/schema-replay.js'
import {stepResults, hourly, refreshPlan, run, span} from '../../helpers/aggregates.js'

const community = {kinds: ['timescaledb']} as const
const rows = (view: string) =>
  `select count(*) as n, min(bucket)::text as first, max(bucket)::text as last from ${view}`

forEachEngine(community, (engine) => {
  it('a dry run changes nothing, a run does it, and a second run has nothing to do', async () => {
    const database = await engine.database()
    await hourly(database)
    const {plan, notes} = await refreshPlan(database.db, 'public.a', {span: span('2024-01-02', '2024-01-04')})
    expect(notes).toEqual([])
    expect(plan.steps.map(({id}) => id)).toEqual([
      'refresh public.a 2024-01-02 to 2024-01-03',
      'refresh public.a 2024-01-03 to 2024-01-04',
    ])
    expect((await preview(database.db, plan)).steps.map(({status}) => status)).toEqual(['planned', 'planned'])
    expect(await database.run(rows('a'))).toMatchObject([{n: 0}])

    expect(stepResults(await run(database.db, plan)).map((line) => line.replace(/.*: /, ''))).toEqual(['done', 'done'])
    expect(await database.run(rows('a'))).toEqual([
      {n: 96, first: '2024-01-02 00:00:00+00', last: '2024-01-03 23:00:00+00'},
    ])
    expect((await refreshPlan(database.db, 'public.a', {span: span('2024-01-02', '2024-01-04')})).plan.steps).toEqual(
      [],
    )
    expect((await preview(database.db, plan)).steps.map(({status}) => status)).toEqual(['skipped', 'skipped'])
  })

  it('widens the requested range to whole buckets, and ends at the last complete one', async () => {
    const database = await engine.database()
    await hourly(database)
    const now = span('2024-01-05T10:30:00Z', '2024-01-06').start
    const {plan, notes} = await refreshPlan(database.db, 'public.a', {
      span: span('2024-01-05T03:20:00Z', '2024-01-05T10:20:00Z'),
      clock: {now, unit: null},
    })
    expect(plan.steps.map(({id}) => id)).toEqual(['refresh public.a 2024-01-05T03:00:00Z to 2024-01-05T10:00:00Z'])
    expect(notes).toEqual([
      '2024-01-05 10:00 to 2024-01-05 11:00 UTC is not refreshed: its bucket is not complete yet.',
    ])
  })

  it('recomputes only ranges in which rows changed', async () => {
    const database = await engine.database()
    await hourly(database)
    await run(database.db, (await refreshPlan(database.db, 'public.a', {span: span('2024-01-01', '2024-01-11')})).plan)
    // One transaction is logged as a single range.
    await database.run("update m set v = 5 where time = '2024-01-03 04:10+00'")
    await database.run("insert into m values ('2024-01-07 22:59+00', 9, 9)")
    const {plan} = await refreshPlan(database.db, 'public.a', {span: span('2024-01-01', '2024-01-11')})
    expect(plan.steps.map(({id}) => id)).toEqual([
      'refresh public.a 2024-01-03T04:00:00Z to 2024-01-03T05:00:00Z',
      'refresh public.a 2024-01-07T22:00:00Z to 2024-01-07T23:00:00Z',
    ])
    await run(database.db, plan)
    expect(
      await database.run("select dev, total::int from a where bucket = '2024-01-03 04:00+00' order by dev"),
    ).toEqual([
      {dev: 1, total: 10},
      {dev: 2, total: 10},
    ])
    expect((await refreshPlan(database.db, 'public.a', {span: span('2024-01-01', '2024-01-11')})).plan.steps).toEqual(
      [],
    )
  })

  it('never recomputes ranges whose source rows were dropped, and says so', async () => {
    const database = await engine.database()
    await hourly(
      database,
      `create materialized view w with (timescaledb.continuous) as
      select time_bucket(interval '1 week', time) as bucket, count(*) as n from m group by 1 with no data`,
    )
    for (const view of ['public.a', 'public.w'])
      await run(database.db, (await refreshPlan(database.db, view, {span: span('2024-01-01', '2024-01-15')})).plan)
    const before = await database.run('select bucket, n from w order by 1')
    // The week from 1 to 8 January loses its first three days.
    await database.run("select drop_chunks('m', older_than => '2024-01-04+00'::timestamptz)")
    await database.run("insert into m values ('2024-01-05 12:00+00', 1, 1), ('2024-01-09 12:00+00', 1, 1)")
    for (const view of ['public.a', 'public.w']) {
      const {plan} = await refreshPlan(database.db, view, {span: span('2024-01-01', '2024-01-15')})
      expect(stepResults(await run(database.db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
    }
    const {notes, plan} = await refreshPlan(database.db, 'public.w', {span: span('2024-01-01', '2024-01-15')})
    expect(plan.steps).toEqual([])
    expect(notes).toEqual([
      expect.stringMatching(/^2024-01-01 to 2024-01-08 UTC is not refreshed: rows of public\.m are gone there/),
    ])
    const after = await database.run<{n: number}>('select bucket, n from w order by 1')
    expect(after[0]).toEqual(before[0])
    expect(after[1]!.n).toBe(865)
    expect(await database.run("select count(*) as n from a where bucket < '2024-01-04+00'")).toEqual([{n: 144}])
    // Requested by range with --accept-loss, it is a loss.
    const {plan: loss} = await refreshPlan(database.db, 'public.w', {
      span: span('2024-01-01', '2024-01-15'),
      acceptLoss: true,
    })
    expect(loss.steps.map((step) => step.class)).toEqual(['loss'])
  })

  it('computes single buckets with an origin other than the default, and they are done afterwards', async () => {
    const database = await engine.database()
    await hourly(
      database,
      `create materialized view d with (timescaledb.continuous) as
      select time_bucket(interval '1 day', time, "offset" => interval '5 hours') as bucket, count(*) as n from m group by 1 with no data`,
    )
    await run(database.db, (await refreshPlan(database.db, 'public.d', {span: span('2024-01-01', '2024-01-11')})).plan)
    expect(await database.run('select count(*) as buckets, sum(n)::int as n from d')).toEqual([{buckets: 11, n: 2880}])
    await database.run("insert into m values ('2024-01-05 06:00+00', 1, 1)")
    const {plan} = await refreshPlan(database.db, 'public.d', {span: span('2024-01-01', '2024-01-11')})
    expect(stepResults(await run(database.db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
    expect(await database.run("select n from d where bucket = '2024-01-05 05:00+00'")).toEqual([{n: 289}])
    expect((await refreshPlan(database.db, 'public.d', {span: span('2024-01-01', '2024-01-11')})).plan.steps).toEqual(
      [],
    )
  })

  it('prints a script that psql runs with the same result', async () => {
    const database = await engine.database()
    await hourly(database)
    const {plan} = await refreshPlan(database.db, 'public.a', {span: span('2024-01-02', '2024-01-03')})
    for (const line of toScript(plan, quick)
      .split(/;\n/)
      .filter((text) => /call/.test(text)))
      await database.autocommit(line.replace(/^--.*\n/gm, ''))
    expect(await database.run(rows('a'))).toMatchObject([{n: 48}])
  })
})

forEachEngine({kinds: ['postgres', 'apache']}, (engine) => {
  it('computes an emulated aggregate by windows: ranges that are missing, and ranges in which rows changed', async () => {
    const database = await engine.database()
    await replay(database)
    await database.db.probe()
    if (!engine.hypertables)
      for (const month of ['2024-01-05', '2024-02-05'])
        await database.run(`select qicore.create_partition('public.ohlcv_data', 'month', '${month}+00')`)
    await database.run(`insert into ohlcv_data (coin_id, symbol, exchange_id, time, open_price, high_price, low_price, close_price, volume, timeframe, source, attribution)
select 'bitcoin', 'BTC', 'binance', t, 1, 2, 1, 2, 10, '1h', 'test', '' from generate_series('2024-01-01+00'::timestamptz, '2024-02-15 23:00+00', '1 hour') t`)
    const all = span('2024-01-01', '2024-02-16')
    const {plan} = await refreshPlan(database.db, 'public.daily_ohlcv_summary', {span: all})
    expect(plan.steps.length).toBeGreaterThan(1)
    expect((await preview(database.db, plan)).steps.every(({status}) => status === 'planned')).toBe(true)
    expect(await database.run('select count(*) as n from daily_ohlcv_summary')).toEqual([{n: 0}])
    expect(stepResults(await run(database.db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
    expect(
      await database.run('select count(*) as n, sum(total_volume)::int as volume from daily_ohlcv_summary'),
    ).toEqual([{n: 46, volume: 46 * 240}])
    expect((await refreshPlan(database.db, 'public.daily_ohlcv_summary', {span: all})).plan.steps).toEqual([])
    expect((await preview(database.db, plan)).steps.every(({status}) => status === 'skipped')).toBe(true)

    await database.run("update ohlcv_data set volume = 11 where time = '2024-02-05 05:00+00'")
    const again = await refreshPlan(database.db, 'public.daily_ohlcv_summary', {span: all})
    expect(again.plan.steps).toHaveLength(1)
    await run(database.db, again.plan)
    expect(
      await database.run("select total_volume::int as volume from daily_ohlcv_summary where bucket = '2024-02-05+00'"),
    ).toEqual([{volume: 241}])
    expect((await refreshPlan(database.db, 'public.daily_ohlcv_summary', {span: all})).plan.steps).toEqual([])
  })

  it('keeps what was computed from rows that are gone', async () => {
    const database = await engine.database()
    await replay(database)
    await database.db.probe()
    if (!engine.hypertables)
      for (const month of ['2024-01-05', '2024-02-05'])
        await database.run(`select qicore.create_partition('public.ohlcv_data', 'month', '${month}+00')`)
    await database.run(`insert into ohlcv_data (coin_id, symbol, exchange_id, time, open_price, high_price, low_price, close_price, volume, timeframe, source, attribution)
select 'bitcoin', 'BTC', 'binance', t, 1, 2, 1, 2, 10, '1h', 'test', '' from generate_series('2024-01-01+00'::timestamptz, '2024-02-15 23:00+00', '1 hour') t`)
    const all = span('2024-01-01', '2024-02-16')
    await run(database.db, (await refreshPlan(database.db, 'public.daily_ohlcv_summary', {span: all})).plan)
    await database.run(
      !engine.hypertables
        ? 'drop table ohlcv_data_y2024m01'
        : "select drop_chunks('ohlcv_data', older_than => '2024-02-01+00'::timestamptz)",
    )
    await database.run("update qicore.aggregates set covered = '{}'")
    const {plan, notes} = await refreshPlan(database.db, 'public.daily_ohlcv_summary', {span: all})
    expect(notes.join()).toContain('rows of public.ohlcv_data are gone there')
    expect(stepResults(await run(database.db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
    expect(
      await database.run('select count(*) as n, sum(total_volume)::int as volume from daily_ohlcv_summary'),
    ).toEqual([{n: 46, volume: 46 * 240}])
  })
})
