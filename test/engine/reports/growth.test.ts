import {describe, expect, it} from 'vitest'
import {readGrowth, type GrowthRequest} from '../../../src/reports/growth.js'
import type {Disk} from '../../../src/reports/disk-forecast.js'
import {readHistory} from '../../../src/reports/growth-series.js'
import {readStats} from '../../../src/reports/stats.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {withCore} from '../../helpers/daemon-jobs.js'

const day = '2026-03-31'
const request: GrowthRequest = {
  fast: false,
  timeUnits: new Map(),
  lateAfter: 1,
  at: `${day}T12:00:00.000Z`,
  disk: null,
}
const growth = ({db}: TestDatabase, over: Partial<GrowthRequest> = {}) => readGrowth(db, {...request, ...over})

async function tableGrowth(database: TestDatabase, table: string, over: Partial<GrowthRequest> = {}) {
  return (await growth(database, over)).tables.find((row) => row.table === table)!
}

/** Two partition sets with rows, as time-series tables that every engine has. */
async function withTables(database: TestDatabase) {
  await withCore(database)
  for (const table of ['ticks', 'quotes'])
    await database.run(`
      create table public.${table} (time timestamptz not null, price float8) partition by range (time);
      create table public.${table}_1 partition of public.${table} for values from ('2026-01-01+00') to ('2026-01-11+00');
      insert into public.${table} select '2026-01-01+00'::timestamptz + n * interval '1 hour', n from generate_series(0, 239) n`)
  return database
}

const oids: Record<string, (name: string) => string> = {
  table: (name) => `'public.${name}'::regclass`,
  database: (name) => `(select oid from pg_database where datname = '${name}')`,
  tablespace: (name) => `(select oid from pg_tablespace where spcname = '${name}')`,
}

/**
 * Records sizes of an object, as the job would.
 * @param bytes SQL: bytes on the day `d`, which is `n` days after the first
 */
function record(
  {run}: TestDatabase,
  object: {kind?: string; name: string; relation?: string},
  [from, to]: readonly [string, string],
  bytes: string,
  basis = "'exact'",
) {
  const {kind = 'table', name, relation = oids[kind]!(name)} = object
  const schema = kind === 'table' ? 'public' : ''
  return run(`insert into qicore.size_snapshot (day, object_kind, schema, name, relation, taken_at, total_bytes, size_basis)
    select d, '${kind}', '${schema}', '${name}', ${relation}, d + time '00:15', (${bytes})::bigint, ${basis}
    from (select '${from}'::date + n as d, n from generate_series(0, '${to}'::date - '${from}'::date) n) days`)
}

/** Least squares and its prediction from the definitions, over the sizes of a table within 90 days of the report. */
const byHand = ({run}: TestDatabase, name: string) =>
  run<{slope: number; n: number; ahead: number; bytes: number; error: number}>(`
    with known as (
      select total_bytes::float8 as y, (day - '${day}'::date)::float8 as x from qicore.size_snapshot
      where name = '${name}' and day between date '${day}' - 89 and '${day}' and size_basis = 'exact'
    ), line as (
      select regr_slope(y, x) as b, regr_intercept(y, x) as a, count(y) as n, avg(x) filter (where y is not null) as mean from known
    ), spread as (
      select sqrt(sum((y - (a + b * x)) ^ 2) / (max(n) - 2)) as s, sum((x - mean) ^ 2) as sxx from known, line where y is not null
    )
    select b as slope, n, ahead, a + b * ahead as bytes, 2 * s * sqrt(1 + 1.0 / n + (ahead - mean) ^ 2 / sxx) as error
    from line, spread, unnest(array[30, 90]) ahead order by ahead`)

forEachEngine({}, (engine) => {
  it('growth and forecasts are those of regr_slope and regr_intercept with two standard errors of the prediction, also with holes and unknown sizes', async () => {
    const database = await withTables(await engine.database())
    await record(database, {name: 'ticks'}, ['2024-04-01', day], '1e9 + 7e6 * n + 3e6 * (n * n % 7)')
    await record(database, {name: 'quotes'}, ['2025-12-01', day], '9e8 - 1e6 * n + 2e6 * (n % 5)')
    await database.run(`delete from qicore.size_snapshot where name = 'quotes' and extract(dow from day) = 0;
      update qicore.size_snapshot set total_bytes = null, size_basis = null where name = 'quotes' and day = '2026-03-20';
      update qicore.size_snapshot set total_bytes = 1, size_basis = 'mixed' where name = 'quotes' and day = '2026-03-21'`)
    for (const name of ['ticks', 'quotes']) {
      const row = await tableGrowth(database, name)
      const [in30, in90] = await byHand(database, name)
      expect(row).toMatchObject({basis: 'snapshots', days: in30!.n})
      const close = (actual: number | null, expected: number) => expect(Math.abs(actual! - expected)).toBeLessThan(2)
      close(row.bytesPerDay, in30!.slope)
      close(row.bytesPerWeek, in30!.slope * 7)
      close(row.bytesPerMonth, in30!.slope * 30)
      expect(row.forecast!.map(({days}) => days)).toEqual([30, 90])
      for (const [index, expected] of [in30!, in90!].entries()) {
        const forecast = row.forecast![index]!
        close(forecast.bytes, expected.bytes)
        close(forecast.low, expected.bytes - expected.error)
        close(forecast.high, expected.bytes + expected.error)
      }
    }
    const ticks = await tableGrowth(database, 'ticks')
    expect(ticks).toMatchObject({days: 90, firstDay: '2026-01-01', lastDay: day})
    expect(ticks.points).toHaveLength(90)
    const quotes = await tableGrowth(database, 'quotes', {table: 'quotes'})
    const sundays = quotes.points.filter((point) => new Date(point.day).getUTCDay() === 0)
    expect([sundays.length, quotes.points.length, quotes.days]).toEqual([0, 77, 75])
    expect(quotes.points.filter(({totalBytes}) => totalBytes === null).map((point) => point.day)).toEqual([
      '2026-03-20',
      '2026-03-21',
    ])
    expect(quotes.bytesPerDay).toBeLessThan(0)
  })

  it('without recorded sizes a table has what stats shows as written a day, and a note names the job', async () => {
    const database = await withTables(await engine.database())
    await database.run('create table public.none (time timestamptz not null) partition by range (time)')
    const stats = await readStats(database.db, {...request, managed: new Set()})
    const {tables, storage, notes} = await growth(database)
    expect(tables.map((row) => [row.table, row.totalBytes, row.sizeBasis, row.bytesPerDay])).toEqual(
      stats.tables.map((row) => [row.table, row.totalBytes, row.sizeBasis, row.bytesPerDay]),
    )
    const {bytesPerDay: perDay, ...ticks} = tables.find(({table}) => table === 'ticks')!
    expect(perDay).toBeGreaterThan(1_000)
    expect(ticks).toMatchObject({
      basis: 'chunks',
      days: 0,
      firstDay: null,
      bytesPerWeek: perDay! * 7,
      bytesPerMonth: perDay! * 30,
      forecast: null,
      points: [],
    })
    expect(tables.find(({table}) => table === 'none')).toMatchObject({basis: null, bytesPerDay: null, forecast: null})
    expect(storage.map(({kind, basis, bytesPerDay}) => [kind, basis, bytesPerDay])).toContainEqual([
      'database',
      null,
      null,
    ])
    expect(notes.join('\n')).toMatch(/No sizes were recorded.*qicore-db jobs run snapshot[\s\S]*before compression/)
  })

  it('six days of sizes are too few, and the report names the day from which growth is known', async () => {
    const database = await withTables(await engine.database())
    await record(database, {name: 'ticks'}, ['2026-03-26', day], '1e9 + 1e6 * n')
    await record(database, {name: 'quotes'}, ['2026-03-25', day], '1e9')
    expect(await tableGrowth(database, 'ticks')).toMatchObject({basis: 'chunks', days: 6, firstDay: '2026-03-26'})
    expect(await tableGrowth(database, 'quotes')).toMatchObject({basis: 'snapshots', days: 7, bytesPerDay: 0})
    const {notes} = await growth(database, {table: 'ticks'})
    expect(notes[0]).toBe(
      'public.ticks: sizes of 6 days are recorded, and growth needs 7. ' +
        'It will be known on 2026-04-01 if the daemon records sizes every day.',
    )
    const later = await growth(database, {at: '2026-04-02T00:00:00Z'})
    expect(later.notes[0]).toContain('The newest recorded sizes are from 2026-03-31.')
  })

  it('a table that was dropped and created again does not have the growth of the former one', async () => {
    const database = await withTables(await engine.database())
    await record(database, {name: 'ticks'}, ['2026-01-01', '2026-03-21'], '5e9 + 1e8 * n')
    await record(database, {name: 'quotes'}, ['2026-01-01', day], '5e9 + 1e8 * n')
    await database.run(
      'drop table public.ticks; create table public.ticks (time timestamptz not null) partition by range (time)',
    )
    expect(await tableGrowth(database, 'ticks')).toMatchObject({basis: null, days: 0, bytesPerDay: null, points: []})
    await record(database, {name: 'ticks'}, ['2026-03-22', day], '1e6 + 1e3 * n')
    expect(await tableGrowth(database, 'ticks')).toMatchObject({
      basis: 'snapshots',
      days: 10,
      firstDay: '2026-03-22',
      bytesPerDay: 1_000,
    })
    await database.run('drop table public.quotes')
    expect((await growth(database)).tables.map(({table}) => table)).toEqual(['ticks'])
  })

  describe('the day on which a disk is full', () => {
    const disk = async (database: TestDatabase, over: Partial<Disk>) =>
      (await growth(database, {disk: {bytes: 2e10, tablespace: null, ...over}})).disk!

    it('is the one of the database or of a tablespace, between the days of the bounds', async () => {
      const database = await withTables(await engine.database())
      const {database: name} = database.db.server
      expect(await disk(database, {})).toMatchObject({
        state: 'unknown',
        fullOn: null,
        why: 'sizes of the database are known for 0 of the 7 days that are needed',
      })
      await record(database, {kind: 'database', name}, ['2026-01-01', day], '1e10 + 1e8 * n')
      expect(await disk(database, {})).toEqual({
        bytes: 2e10,
        tablespace: null,
        state: 'growing',
        fullOn: '2026-04-11',
        earliest: '2026-04-11',
        latest: '2026-04-11',
        why: null,
      })
      await database.run('delete from qicore.size_snapshot')
      await record(database, {kind: 'database', name}, ['2026-01-01', day], '1e10 + 1e8 * n + 3e8 * (n * n % 7 - 2)')
      const uncertain = await disk(database, {bytes: 3e10})
      expect(uncertain).toMatchObject({state: 'growing', why: null})
      const {storage} = await growth(database)
      const [in30, in90] = storage[0]!.forecast!
      const boundOf = (date: string) => (Date.parse(date) - Date.parse(day)) / 86_400_000
      expect(boundOf(uncertain.earliest!)).toBeLessThan(boundOf(uncertain.fullOn!))
      expect(boundOf(uncertain.fullOn!)).toBeLessThan(boundOf(uncertain.latest!))
      // The size that the upper bound has in 90 days is reached in 90 days at the earliest, and so on.
      expect(await disk(database, {bytes: in90!.high})).toMatchObject({
        earliest: expect.stringMatching(/2026-06-(28|29)/),
      })
      expect(await disk(database, {bytes: in90!.bytes})).toMatchObject({
        fullOn: expect.stringMatching(/2026-06-(28|29)/),
      })
      expect(await disk(database, {bytes: in90!.low})).toMatchObject({latest: expect.stringMatching(/2026-06-(28|29)/)})
      expect(in30!.low).toBeLessThan(in30!.bytes)

      await record(database, {kind: 'tablespace', name: 'pg_default'}, ['2026-01-01', day], '1e10 - 1e7 * n')
      expect(await disk(database, {tablespace: 'pg_default'})).toMatchObject({
        state: 'never',
        fullOn: null,
        why: 'tablespace pg_default does not grow',
      })
      expect(await disk(database, {bytes: 1_000})).toMatchObject({state: 'full', fullOn: null})
      await expect(disk(database, {tablespace: 'fast'})).rejects.toMatchObject({
        code: 'NO_SUCH_TABLESPACE',
        suggestions: [expect.stringContaining('pg_default')],
      })
    })
  })

  it('the schema of an older version, and a database without the schema, have no recorded sizes', async () => {
    const database = await withTables(await engine.database())
    await database.run('drop table qicore.size_snapshot')
    expect(await tableGrowth(database, 'ticks')).toMatchObject({basis: 'chunks', days: 0})
    await database.run('drop schema qicore cascade')
    await database.db.probe()
    expect(await tableGrowth(database, 'ticks')).toMatchObject({basis: 'chunks', days: 0})
  })
})

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('the history of 1 000 tables over two years is read in one statement, of which only the last 90 days are fetched', async () => {
    const database = await withCore(await engine.database())
    await database.run(`insert into qicore.size_snapshot (day, object_kind, schema, name, relation, taken_at, total_bytes, size_basis)
      select '${day}'::date - d, 'table', 'public', 't' || t, t, '${day}', 1e9 - 1e6 * d, 'exact'
      from generate_series(0, 729) d, generate_series(1, 1000) t`)
    await database.run('analyze qicore.size_snapshot')
    const {history} = await readHistory(database.db, day, null)
    expect(history.size).toBe(1_000)
    expect([...history.values()].filter(({points, slope}) => points.length !== 90 || slope !== 1e6)).toEqual([])
  })
})
