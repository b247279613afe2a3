import {readFileSync} from 'node:fs'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {sqlDirectory} from '../../../src/db/load-sql.js'
import type {PartitionRule} from '../../../src/partitions/periods.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPeriods} from '../../../src/partitions/periods.js'
import type {Every} from '../../../src/units/period.js'
import {addDays} from '../../../src/units/calendar.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {fingerprint} from './fingerprint.js'
import {replay} from '../../helpers/schema-replay.js'
import {childrenOf, createRequest, ruleOf, run} from '../../helpers/partitions.js'

const routine = (name: string) => readFileSync(new URL(`routines/${name}.sql`, sqlDirectory), 'utf8')

const routines = [
  'grid_start',
  'partition_cell',
  'local_start',
  'partition_key',
  'partition_point',
  'partition_bound',
  'partition_ranges',
  'partition_suffix',
  'copy_subpartitions',
  'partition_name',
  'attach_partition',
  'create_partition',
  'create_monthly_partition',
  'create_monthly_partition_of',
  'fill_period',
  'partition_levels',
]

async function withRoutines(engine: Engine): Promise<TestDatabase> {
  const database = await engine.database()
  await database.run('create schema qicore')
  for (const name of routines) await database.run(routine(name))
  return database
}

const monthly = ({run}: TestDatabase, table: string, day: string) =>
  run<{child: string}>(`select create_monthly_partition(${table}, '${day}')::text as child`).then(([row]) => row!.child)
const ticks = 'create table ticks (time timestamptz not null) partition by range (time)'

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('create_monthly_partition accepts any day of the month, a regclass or a qualified name, and returns the partition each time', async () => {
    const database = await withRoutines(engine)
    await database.run(
      `${ticks}; create schema "Market.x"; create table "Market.x"."The ticks" (time date) partition by range (time)`,
    )
    expect(await monthly(database, "'ticks'", '2024-02-29')).toBe('ticks_y2024m02')
    expect(await monthly(database, "'public.ticks'", '2024-02-01')).toBe('ticks_y2024m02')
    expect(await monthly(database, "'ticks'::regclass", '2024-12-31')).toBe('ticks_y2024m12')
    expect(await monthly(database, `'"Market.x"."The ticks"'`, '1969-12-31')).toBe('"Market.x"."The ticks_y1969m12"')
    expect(await childrenOf(database, 'ticks')).toEqual([
      "ticks_y2024m02 ('2024-02-01') TO ('2024-03-01')",
      "ticks_y2024m12 ('2024-12-01') TO ('2025-01-01')",
    ])
  })

  it('raises an error that names another table or partition in the way', async () => {
    const database = await withRoutines(engine)
    await database.run(`${ticks}; create table ticks_y2024m01 (x int); create table ticks_y2024m02 partition of ticks for values from ('2023-02-01+00') to ('2023-03-01+00');
create table odd partition of ticks for values from ('2024-03-10+00') to ('2024-03-11+00')`)
    await expect(monthly(database, "'ticks'", '2024-01-01')).rejects.toThrow(
      'public.ticks_y2024m01 already exists and is not a partition of public.ticks',
    )
    await expect(monthly(database, "'ticks'", '2024-02-01')).rejects.toThrow(
      'public.ticks_y2024m02 is a partition of public.ticks with other bounds than 2024-02-01',
    )
    await expect(monthly(database, "'ticks'", '2024-03-01')).rejects.toThrow(
      'public.odd (2024-03-10 00:00:00+00 to 2024-03-11 00:00:00+00) overlaps 2024-03-01',
    )
    await database.run("update pg_inherits set inhdetachpending = true where inhrelid = 'odd'::regclass")
    await expect(monthly(database, "'ticks'", '2024-03-01')).rejects.toThrow(
      'public.odd is pending detach from public.ticks and still has 2024-03-10',
    )
  })

  it.each([
    ["'nope'", '2024-01-01', /relation "nope" does not exist/],
    ["'plain'", '2024-01-01', /public\.plain is not partitioned by range of one column/],
    ["'listed'", '2024-01-01', /not partitioned by range/],
    ["'numbered'", '2024-01-01', /partitioned by a column of type bigint, not by a date or a time/],
    ["'ticks'", 'infinity', /a partition of public\.ticks cannot be created for the time infinity/],
  ])('refuses %s at %s', async (table, day, message) => {
    const database = await withRoutines(engine)
    await database.run(
      `${ticks}; create table plain (x int); create table listed (x int) partition by list (x); create table numbered (x bigint) partition by range (x)`,
    )
    await expect(monthly(database, table, day)).rejects.toThrow(message)
  })

  it('does not depend on the time zone or date style of the caller', async () => {
    const database = await withRoutines(engine)
    await database.run(ticks)
    await database.run(
      "set local timezone = 'Asia/Kolkata'; set local datestyle = 'German'; select create_monthly_partition('ticks', date '2024-02-29')",
    )
    expect(await monthly(database, "'ticks'", '2024-02-01')).toBe('ticks_y2024m02')
    expect(await childrenOf(database, 'ticks')).toEqual(["ticks_y2024m02 ('2024-02-01') TO ('2024-03-01')"])
  })

  it('creates what PARTITION OF creates', async () => {
    const database = await withRoutines(engine)
    await database.run(`create table coins (id int primary key);
create table ticks (id bigserial, coin int references coins, price numeric check (price > 0), double numeric generated always as (price * 2) stored, note text default 'x', time timestamptz, primary key (id, time)) partition by range (time);
create index on ticks (coin, time desc); create table twin_y2024m01 partition of ticks for values from ('2024-02-01+00') to ('2024-03-01+00')`)
    await monthly(database, "'ticks'", '2024-01-15')
    expect(await fingerprint(database, 'public.ticks_y2024m01')).toEqual(
      await fingerprint(database, 'public.twin_y2024m01'),
    )
  })

  it('creates partitions with the same names and bounds as the commands, in every time zone', async () => {
    const database = await withRoutines(engine)
    const zones = (
      await database.run<{name: string}>(
        "select name from pg_timezone_names where name ~ '^(Africa|America|Asia|Atlantic|Australia|Europe|Pacific)/' order by 1",
      )
    ).map(({name}) => name)
    const given = fc.record({
      zone: fc.oneof(
        fc.constantFrom('UTC', 'America/Havana', 'America/Toronto', 'Pacific/Apia', 'America/Sao_Paulo'),
        fc.constantFrom(...zones),
      ),
      day: fc.oneof(
        fc.constantFrom('2024-11-03', '1919-03-31', '2011-12-30', '2018-11-04'),
        fc.integer({min: -40_000, max: 47_000}).map((offset) => addDays('1970-01-01', offset)),
      ),
      every: fc.constantFrom<Every>('day', 'month', 'week', 'quarter', 'year', '2 weeks', '5 months', '3 days'),
      type: fc.constantFrom('timestamptz', 'timestamp', 'date'),
      name: fc.oneof(
        fc.constant('ticks'),
        fc
          .string({unit: 'grapheme', minLength: 1, maxLength: 63})
          .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 63),
      ),
    })
    await fc.assert(
      fc.asyncProperty(given, async ({zone, day, every, type, name}) => {
        const quoted = `"${name.replaceAll('"', '""')}"`
        await database.run(`create table ${quoted} (time ${type} not null) partition by range (time)`)
        try {
          const [period] = await readPeriods(database.db, [
            {...ruleOf(`public.${quoted}`, {every, timezone: zone}), first: day, last: day, ahead: 0},
          ])
          // A day that the time zone skipped: the function returns the partition of the instant, which belongs to
          // another day.
          if (!period || (type !== 'timestamptz' && zone === 'Pacific/Apia')) return
          await database.run(
            `select qicore.create_partition('public.${quoted.replaceAll("'", "''")}', '${every}', '${period.from}'::timestamptz ${type === 'timestamptz' ? '' : `at time zone 'UTC' at time zone '${zone}'`}, '${zone}')`,
          )
          const [made] = await database.run<{name: string; bound: string}>(
            'select c.relname as name, pg_get_expr(c.relpartbound, 0) as bound from pg_inherits join pg_class c on c.oid = inhrelid',
          )
          expect(made).toEqual({
            name: period.partition,
            bound: `FOR VALUES FROM ('${period.range.lowerText}') TO ('${period.range.upperText}')`,
          })
        } finally {
          await database.run(`drop table ${quoted}`)
        }
      }),
      {numRuns: 150},
    )
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('fill_period creates the partitions that partitions ensure plans, for any key, period and zone', async () => {
    const database = await withRoutines(engine)
    const keys: [type: string, unit: string, more: Partial<PartitionRule>][] = [
      ['timestamptz', 'null', {}],
      ['timestamp', 'null', {}],
      ['date', 'null', {}],
      ['bigint', "'ms'", {timeUnit: 'ms'}],
      ['bigint', "'ns'", {timeUnit: 'ns'}],
      ['uuid', 'null', {}],
      ['text collate "C"', 'null', {keyFormat: 'ulid'}],
    ]
    const key = fc.constantFrom(...keys)
    const rule = fc.record({
      every: fc.constantFrom<Every>('day', 'week', 'month', 'quarter', 'year', '2 weeks', '5 days'),
      timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/Havana', 'Pacific/Auckland'),
      ahead: fc.integer({min: 0, max: 3}),
    })
    await fc.assert(
      fc.asyncProperty(key, rule, rule, async ([type, unit, more], first, second) => {
        await database.run(
          `drop table if exists ticks, twin; create table ticks (k ${type} not null) partition by range (k); create table twin (like ticks) partition by range (k)`,
        )
        for (const each of [first, second]) {
          await run(database.db, (await planEnsure(database.db, [ruleOf('public.ticks', {...each, ...more})])).plan)
          for (let ahead = 0; ahead <= each.ahead; ahead += 1)
            await database.run(
              `select qicore.fill_period('twin', qicore.partition_key('twin', ${unit}, 'ulid'), '${each.every}', '${each.timezone}', ${ahead})`,
            )
        }
        const made = (await childrenOf(database, 'twin')).map((child) => child.replace('twin', 'ticks'))
        expect(made).toEqual(await childrenOf(database, 'ticks'))
      }),
      {numRuns: 60},
    )
  })

  it('finds the tables that carry time, and copies how partitions are partitioned', async () => {
    const database = await withRoutines(engine)
    await database.run(`create table ticks (venue text, id int, time timestamptz not null) partition by list (venue);
create table ticks_a partition of ticks for values in ('a') partition by range (time); create table ticks_rest partition of ticks default;
create table a_old partition of ticks_a for values from ('2020-01-01+00') to ('2020-02-01+00') partition by hash (id);
create table a_old_p0 partition of a_old for values with (modulus 1, remainder 0)`)
    expect(await database.run("select qicore.partition_levels('ticks', null, null)::text as level")).toEqual([
      {level: 'ticks_a'},
    ])
    await database.run("select qicore.create_partition('ticks_a', '6 hours', '2024-05-01 07:00+00')")
    expect(await childrenOf(database, 'ticks_a_y2024m05d01h06')).toEqual([
      'ticks_a_y2024m05d01h06_p0 FOR VALUES WITH (modulus 1, remainder 0)',
    ])
  })
})

forEachEngine({}, (engine) => {
  it('crypto_prices_partitioned, created beside our tables, gets its months and rows and is managed', async () => {
    const database = await engine.database()
    await replay(database)
    await database.run(
      'create table crypto_prices_partitioned (like crypto_prices including all) partition by range (time)',
    )
    expect(await monthly(database, "'crypto_prices_partitioned'", '2024-01-31')).toBe(
      'crypto_prices_partitioned_y2024m01',
    )
    const {planCreate} = await import('../../../src/partitions/create/create.js')
    expect(
      (
        await run(
          database.db,
          await planCreate(database.db, createRequest('public.crypto_prices_partitioned', '2024-01', '2024-03')),
        )
      ).steps.map(({id, status}) => `${id} ${status}`),
    ).toEqual([
      'create public.crypto_prices_partitioned_y2024m02 done',
      'create public.crypto_prices_partitioned_y2024m03 done',
    ])
    await database.run(`insert into crypto_prices_partitioned (coin_id, symbol, name, exchange_id, usd_price, time, last_updated, source, attribution)
select 'bitcoin', 'BTC', 'Bitcoin', 'binance', 40000, at, at, 'test', 'test' from generate_series('2024-01-01+00'::timestamptz, '2024-03-31 23:00+00', '1 hour') at`)
    expect(
      await database.run('select count(*) as n, count(distinct id) as ids from crypto_prices_partitioned'),
    ).toEqual([{n: 91 * 24, ids: 91 * 24}])
    expect(await database.run('select count(*) as n from crypto_prices_partitioned_y2024m02')).toEqual([{n: 29 * 24}])
    await expect(
      database.run('insert into crypto_prices_partitioned select * from crypto_prices_partitioned limit 1'),
    ).rejects.toThrow(/duplicate key/)
  })
})

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it("QiCore's tables are partition sets here: level1_data by day, the others by month, three ahead, equal by commands and migrations", async () => {
    const database = await engine.database()
    await replay(database)
    await database.db.probe()
    const {partitionRules} = await import('../../../src/config/partitions.js')
    const {planEnsure} = await import('../../../src/partitions/create/ensure.js')
    const rules = partitionRules(null, true)
    expect(
      rules.map(({relation, every, ahead, retention}) => [
        relation,
        every,
        ahead,
        retention?.months ?? null,
        retention?.days ?? null,
      ]),
    ).toEqual([
      ['public.crypto_prices', 'month', 3, null, null],
      ['public.ohlcv_data', 'month', 3, 24, 0],
      ['public.market_analytics', 'month', 3, null, null],
      ['public.level1_data', 'day', 3, 0, 7],
    ])
    expect(await planEnsure(database.db, rules)).toMatchObject({plan: {steps: []}, findings: []})
    for (const {relation} of rules) expect(await childrenOf(database, relation), relation).toHaveLength(4)
  })
})
