import {describe, expect, it} from 'vitest'
import {readStats, type StatsReport, type TableStats} from '../../../src/reports/stats.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {compressible, compressOldest, fills, numberOf, prices, request} from '../../helpers/catalog-time-series.js'

function tableOf(report: StatsReport, name: string): TableStats {
  const found = report.tables.find(({schema, table}) => `${schema}.${table}` === name)
  if (!found)
    throw new Error(`${name} is not among ${report.tables.map(({schema, table}) => `${schema}.${table}`).join(', ')}`)
  return found
}

forEachEngine({}, (engine) => {
  it('reports an empty database as one without tables', async () => {
    const {db} = await engine.database()
    const report = await readStats(db, request)
    expect(report).toMatchObject({kind: 'stats', version: 1, tables: [], notes: []})
    expect(report.at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(report.server.timescaledb).toBe(db.server.timescaledb)
    expect(Object.keys(report.server).sort()).toEqual([
      'citus',
      'condition',
      'edition',
      'inRecovery',
      'pgCron',
      'pgStatStatements',
      'postgres',
      'replayedAt',
      'timescaledb',
      'workers',
    ])
  })

  it('the size of a partition set is the sum of pg_total_relation_size of its leaves, also with TimescaleDB', async () => {
    const database = await engine.database()
    await fills(database)
    const fill = tableOf(await readStats(database.db, request), 'risk.Fills 1')
    const leaves = await numberOf(
      database,
      `sum(pg_total_relation_size(c.oid)) from pg_class c where relnamespace = 'risk'::regnamespace and relkind = 'r'`,
    )
    expect(fill).toMatchObject({
      kind: 'partitioned',
      chunks: 3,
      compressedChunks: 0,
      totalBytes: leaves,
      sizeBasis: 'exact',
      skippedChunks: 0,
      beforeBytes: null,
      ratio: null,
      savedPercent: null,
      policies: 0,
      late: 0,
      oldest: '2026-01-03T04:05:06.789Z',
      newest: '2026-02-19T23:05:06.789Z',
    })
  })

  it('finds the oldest and newest row in the default partition too, and none if there is no row', async () => {
    const database = await engine.database()
    await fills(database)
    await database.run('create table risk.other partition of risk."Fills 1" default')
    await database.run(`insert into risk."Fills 1" values ('2031-05-06', 'x')`)
    await database.run('create table nothing (day date not null) partition by range (day)')
    await database.run(`create table nothing_1 partition of nothing for values from (minvalue) to ('2026-01-01')`)
    const report = await readStats(database.db, request)
    expect(tableOf(report, 'risk.Fills 1').newest).toBe('2031-05-06T00:00:00Z')
    expect(tableOf(report, 'public.nothing')).toMatchObject({oldest: null, newest: null, chunks: 1})
  })
})

forEachEngine({kinds: ['timescaledb', 'apache']}, (engine) => {
  it('the size of a hypertable is that of hypertable_size, with indexes, TOAST and the root, in every schema', async () => {
    const database = await engine.database()
    await prices(database)
    await database.run('create index on prices (coin, time desc)')
    await database.run('create schema desk')
    await database.run('create table desk."Odd ""Name" (time timestamptz not null, note text)')
    await database.run(`select create_hypertable('desk."Odd ""Name"', 'time')`)
    await database.run(
      `insert into desk."Odd ""Name" select t, string_agg(md5(random()::text), '') from generate_series(timestamptz '2026-01-01', '2026-02-01', '12 hours') t, generate_series(1, 300) group by t`,
    )
    await database.run('create table empty (time timestamptz not null)')
    await database.run(`select create_hypertable('empty', 'time')`)
    const report = await readStats(database.db, request)
    expect(report.tables.map(({table}) => table)).toEqual(['Odd "Name', 'prices', 'empty'])
    for (const [name, sql] of [
      ['public.prices', 'prices'],
      ['desk.Odd "Name', 'desk."Odd ""Name"'],
      ['public.empty', 'empty'],
    ] as const) {
      const {totalBytes, sizeBasis, skippedChunks, chunks} = tableOf(report, name)
      expect({totalBytes, sizeBasis, skippedChunks}).toEqual({
        totalBytes: await numberOf(database, `hypertable_size('${sql}')`),
        sizeBasis: 'exact',
        skippedChunks: 0,
      })
      expect(chunks).toBe(await numberOf(database, `count(*) from show_chunks('${sql}')`))
    }
    expect(tableOf(report, 'public.empty')).toMatchObject({chunks: 0, oldest: null, newest: null, bytesPerDay: null})
    expect(tableOf(report, 'public.prices')).toMatchObject({
      oldest: '2026-01-01T00:00:00Z',
      newest: '2026-02-09T23:00:00Z',
      managed: false,
      kind: 'hypertable',
    })
  })

  it('computes what is written per day from the newest complete ranges', async () => {
    const database = await engine.database()
    await prices(database)
    const {bytesPerDay} = tableOf(await readStats(database.db, request), 'public.prices')
    // All ranges are complete, and the newest is a week long: that one counts.
    const newest = await numberOf(
      database,
      `pg_total_relation_size(c) from show_chunks('prices') c order by c desc limit 1`,
    )
    expect(bytesPerDay).toBe(Math.round(newest / 7))
  })

  it('does not count the part of a range before the first row as time in which little was written', async () => {
    const database = await engine.database()
    await database.run('create table late (time timestamptz not null, note text)')
    await database.run(`select create_hypertable('late', 'time', chunk_time_interval => interval '30 days')`)
    // All rows are in one complete range; its days before the first row do not count.
    await database.run(
      `insert into late select t, md5(random()::text) from generate_series(timestamptz '2026-01-27', '2026-01-29 23:59', '1 minute') t`,
    )
    const [{until}] = (await database.run<{until: string}>(
      "select range_end as until from timescaledb_information.chunks where hypertable_name = 'late'",
    )) as [{until: string}]
    const {bytesPerDay} = tableOf(await readStats(database.db, request), 'public.late')
    expect(bytesPerDay).toBe(
      Math.round(
        (await numberOf(database, `pg_total_relation_size(c) from show_chunks('late') c`)) /
          ((Date.parse(until) - Date.parse('2026-01-27T00:00:00Z')) / 86_400_000),
      ),
    )
  })

  it('treats the space partitions of one range together for oldest and newest', async () => {
    const database = await engine.database()
    await database.run('create table spread (time timestamptz not null, coin text not null)')
    await database.run(`select create_hypertable('spread', 'time', 'coin', 4, chunk_time_interval => interval '1 day')`)
    await database.run(
      `insert into spread select timestamptz '2026-01-01' + c * interval '1 minute' + d * interval '1 day', 'coin ' || c from generate_series(1, 40) c, generate_series(0, 2) d`,
    )
    expect(tableOf(await readStats(database.db, request), 'public.spread')).toMatchObject({
      oldest: '2026-01-01T00:01:00Z',
      newest: '2026-01-03T00:40:00Z',
    })
  })

  it('skips empty ranges, up to a limit', async () => {
    const database = await engine.database()
    await prices(database)
    await database.run(`delete from prices where time >= '2026-01-20' or time < '2026-01-10 05:00'`)
    expect(tableOf(await readStats(database.db, request), 'public.prices')).toMatchObject({
      oldest: '2026-01-10T05:00:00Z',
      newest: '2026-01-19T23:00:00Z',
    })
    await database.run('create table long (time timestamptz not null)')
    await database.run(`select create_hypertable('long', 'time', chunk_time_interval => interval '1 day')`)
    await database.run(`insert into long select generate_series(timestamptz '2025-07-01', '2026-01-31', '1 day')`)
    await database.run(`delete from long where time <> '2025-10-15'`)
    const report = await readStats(database.db, request)
    expect(tableOf(report, 'public.long')).toMatchObject({oldest: null, newest: null})
    expect(report.notes.join('\n')).toContain('public.long')
  }, 120_000)

  it.each([
    ['bigint', `extract(epoch from ${today})::bigint`, 1_767_225_600n, '2026-01-01T00:00:00Z'],
    ['bigint', `(extract(epoch from ${today}) * 1000)::bigint`, 1_767_225_600_000n, '2026-01-01T00:00:00Z'],
    [
      'bigint',
      `(extract(epoch from ${today}) * 1000000000)::bigint`,
      1_767_225_600_000_000_001n,
      '2026-01-01T00:00:00Z',
    ],
    ['integer', `extract(epoch from ${today})::int`, 1_767_225_600n, '2026-01-01T00:00:00Z'],
  ])('reads integer time of type %s by its clock %s', async (type, clock, value, instant) => {
    const database = await engine.database()
    const interval = value / 10_000n
    await database.run(`create table counted (ts ${type} not null)`)
    await database.run(`select create_hypertable('counted', 'ts', chunk_time_interval => ${interval})`)
    await database.run(`insert into counted values (${value})`)
    const before = tableOf(await readStats(database.db, request), 'public.counted')
    expect(before.newest).toBe(Number.isSafeInteger(Number(value)) ? Number(value) : String(value))
    await database.run(`create function clock() returns ${type} language sql stable as $$ select ${clock} $$`)
    await database.run(`select set_integer_now_func('counted', 'clock')`)
    expect(tableOf(await readStats(database.db, request), 'public.counted').newest).toBe(instant)
  })

  it('uses the unit of integer time in the configuration', async () => {
    const database = await engine.database()
    await database.run('create table counted (ts bigint not null)')
    await database.run(`select create_hypertable('counted', 'ts', chunk_time_interval => 86400000)`)
    await database.run('insert into counted values (1767225600123), (1767330000000)')
    const counted = tableOf(
      await readStats(database.db, {...request, timeUnits: new Map([['public.counted', 'ms']])}),
      'public.counted',
    )
    expect(counted).toMatchObject({oldest: '2026-01-01T00:00:00.123Z', newest: '2026-01-02T05:00:00Z'})
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  describe('compressed chunks', () => {
    it('count only if they are entirely compressed, with the sizes that TimescaleDB recorded', async () => {
      const database = await engine.database()
      await prices(database)
      await compressible(database)
      await compressOldest(database, 4)
      await database.run(`insert into prices values ('2026-01-02 00:30', 'coin 1', 7)`)
      const stats = tableOf(await readStats(database.db, request), 'public.prices')
      const [value] = await database.run<{before: number; after: number; compressed: number}>(
        `select before_compression_total_bytes as before, after_compression_total_bytes as after, number_compressed_chunks as compressed from hypertable_compression_stats('prices')`,
      )
      expect(value!.compressed).toBe(4)
      expect(stats).toMatchObject({
        chunks: 6,
        compressedChunks: 3,
        beforeBytes: value!.before,
        afterBytes: value!.after,
        ratio: value!.before / value!.after,
        savedPercent: (100 * (value!.before - value!.after)) / value!.before,
        totalBytes: await numberOf(database, `hypertable_size('prices')`),
        oldest: '2026-01-01T00:00:00Z',
        newest: '2026-02-09T23:00:00Z',
      })
    })

    it.each(['time desc', 'coin, time', 'price'])(
      'give their oldest row, ordered by %s, and a later row before it counts',
      async (orderBy) => {
        const database = await engine.database()
        await prices(database)
        await database.run(`alter table prices set (timescaledb.compress, timescaledb.compress_orderby = '${orderBy}')`)
        await compressOldest(database, 6)
        expect(tableOf(await readStats(database.db, request), 'public.prices')).toMatchObject({
          oldest: '2026-01-01T00:00:00Z',
          newest: '2026-02-09T23:00:00Z',
        })
        // Into the first chunk, which is compressed.
        await database.run(`insert into prices values ('2025-12-31 22:10:00.5', 'coin 1', 7)`)
        expect(tableOf(await readStats(database.db, request), 'public.prices').oldest).toBe('2025-12-31T22:10:00.5Z')
      },
    )

    it('have no size before compression if it was not recorded', async () => {
      const database = await engine.database()
      await prices(database)
      await compressible(database)
      await compressOldest(database, 2)
      await database.run('delete from _timescaledb_catalog.compression_chunk_size')
      const report = await readStats(database.db, request)
      expect(tableOf(report, 'public.prices')).toMatchObject({
        compressedChunks: 2,
        beforeBytes: null,
        afterBytes: null,
        ratio: null,
        savedPercent: null,
      })
      expect(report.notes.join('\n')).toContain('public.prices')
    })
  })

  it('shows aggregates under the name of their view, with the data of their storage', async () => {
    const database = await engine.database()
    await prices(database)
    await database.run('create schema agg')
    await database.run(
      `create materialized view agg.hourly with (timescaledb.continuous) as select time_bucket('1 hour', time) as b, coin, avg(price) as price from prices group by 1, 2 with no data`,
    )
    await database.run(
      `create materialized view daily with (timescaledb.continuous) as select time_bucket('1 day', b) as d, avg(price) from agg.hourly group by 1 with no data`,
    )
    await database.autocommit(`call refresh_continuous_aggregate('agg.hourly', null, '2026-02-01')`)
    const report = await readStats(database.db, {...request, managed: new Set(['agg.hourly'])})
    expect(report.tables.map(({schema, table, kind}) => `${kind} ${schema}.${table}`).sort()).toEqual([
      'aggregate agg.hourly',
      'aggregate public.daily',
      'hypertable public.prices',
    ])
    expect(tableOf(report, 'agg.hourly')).toMatchObject({
      managed: true,
      totalBytes: await numberOf(database, `hypertable_size('agg.hourly')`),
      oldest: '2026-01-01T00:00:00Z',
      newest: '2026-01-31T23:00:00Z',
    })
    expect(tableOf(report, 'public.daily')).toMatchObject({managed: false, chunks: 0, oldest: null, newest: null})
  })
})
