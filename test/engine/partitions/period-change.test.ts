import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {sql} from '../../../src/db/sql.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPeriods} from '../../../src/partitions/periods.js'
import {gridOf, parseEvery, periodUnits, type Every} from '../../../src/units/period.js'
import {addDays} from '../../../src/units/calendar.js'
import {enginesFor, forEachEngine} from '../../helpers/engines.js'
import {ruleOf, run} from '../../helpers/partitions.js'
import {replay} from '../../helpers/schema-replay.js'

const everyPeriod = fc
  .tuple(fc.constantFrom(...periodUnits), fc.constantFrom(1, 2, 3, 4, 6))
  .map(([unit, count]) => parseEvery(`${count} ${unit}s`))

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('an hour that the clocks repeat is one partition, and one that they skip is none', async () => {
    const database = await engine.database()
    await database.run('create table ticks (time timestamptz not null) partition by range (time)')
    const hours = (first: string, last: string, every: Every = 'hour') =>
      readPeriods(database.db, [
        {...ruleOf('public.ticks'), every, timezone: 'Europe/Berlin', first, last, ahead: 0},
      ]).then((periods) => periods.map(({partition, from, to}) => [partition.slice(-3), from, to]))
    expect(await hours('2026-10-25T01:00', '2026-10-25T03:00')).toEqual([
      ['h01', '2026-10-24T23:00:00Z', '2026-10-25T00:00:00Z'],
      ['h02', '2026-10-25T00:00:00Z', '2026-10-25T02:00:00Z'],
      ['h03', '2026-10-25T02:00:00Z', '2026-10-25T03:00:00Z'],
    ])
    expect(await hours('2026-03-29T01:00', '2026-03-29T03:00')).toEqual([
      ['h01', '2026-03-29T00:00:00Z', '2026-03-29T01:00:00Z'],
      ['h03', '2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z'],
    ])
    expect(await hours('2026-03-29T00:00', '2026-03-29T06:00', '6 hours')).toEqual([
      ['h00', '2026-03-28T23:00:00Z', '2026-03-29T04:00:00Z'],
      ['h06', '2026-03-29T04:00:00Z', '2026-03-29T10:00:00Z'],
    ])
  })

  it.each([
    ['week', '2027-01-01', 'ticks_y2026w53', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
    ['quarter', '2026-11-29', 'ticks_y2026q4', '2026-10-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['year', '2026-11-29', 'ticks_y2026', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['2 weeks', '2026-11-29', 'ticks_y2026w47', '2026-11-16T00:00:00Z', '2026-11-30T00:00:00Z'],
    ['5 years', '1999-06-01', 'ticks_y1995', '1995-01-01T00:00:00Z', '2000-01-01T00:00:00Z'],
  ] as const)('a period of %s that contains %s', async (every, day, partition, from, to) => {
    const database = await engine.database()
    await database.run('create table ticks (time timestamptz not null) partition by range (time)')
    const wanted = {...ruleOf('public.ticks'), every, first: day, last: day, ahead: 0}
    expect(await readPeriods(database.db, [wanted])).toMatchObject([{partition, from, to, state: 'missing'}])
  })

  it.each(['planEnsure', 'qicore.ensure_partitions'])(
    '%s names a partition by its instant if the former zone gave its local time to another one',
    async (by) => {
      const database = await engine.database()
      await replay(database, ['core'])
      await database.run('create table ticks (time timestamptz not null) partition by range (time)')
      // Until the clocks of Kolkata show the hour of UTC that its present hour is named after, 5 h 30 min are left.
      await database.run(`do $$
      declare hour timestamp := date_trunc('hour', now() at time zone 'Asia/Kolkata');
      begin
        execute format('create table %I partition of ticks for values from (%L) to (%L)',
          to_char(hour, '"ticks_y"FMYYYY"m"MM"d"DD"h"HH24'), hour at time zone 'UTC', (hour + interval '1 hour') at time zone 'UTC');
      end $$`)
      const rule = ruleOf('public.ticks', {every: 'hour', timezone: 'Asia/Kolkata', ahead: 0})
      if (by === 'planEnsure') {
        const {plan, findings} = await planEnsure(database.db, [rule])
        expect(findings.filter(({kind}) => kind === 'conflict')).toEqual([])
        await run(database.db, plan)
      } else {
        await database.run("select qicore.fill_period('ticks', 'timestamptz', 'hour', 'Asia/Kolkata', 0)")
      }
      expect((await planEnsure(database.db, [rule])).plan.steps).toEqual([])
      expect(
        await database.run(`select c.relname = to_char(lower at time zone 'UTC', '"ticks_y"FMYYYY"m"MM"d"DD"h"HH24MI"z"') as by_instant
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        cross join lateral (select (regexp_match(pg_get_expr(c.relpartbound, 0), 'FROM \\(''(.*?)''\\)'))[1]::timestamptz as lower) as bound
        where i.inhparent = 'ticks'::regclass order by lower`),
      ).toEqual([{by_instant: true}, {by_instant: false}])
    },
  )

  it('a set whose period and zone change again and again has no gap, no overlap, and nothing to do after each run', async () => {
    const database = await engine.database()
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/New_York', 'Australia/Lord_Howe')
    const short = everyPeriod.filter((every) => gridOf(every).months <= 12 && gridOf(every).hours <= 24 * 50)
    const change = fc.record({every: short, timezone: zone, ahead: fc.integer({min: 0, max: 4})})
    const key = fc.constantFrom('timestamptz', 'timestamp', 'bigint')
    await fc.assert(
      fc.asyncProperty(key, fc.array(change, {minLength: 2, maxLength: 4}), async (type, changes) => {
        await database.run(
          `drop table if exists ticks; create table ticks (time ${type} not null) partition by range (time)`,
        )
        for (const each of changes) {
          // Columns without a zone: another zone sets their clock, so that hours can be left out.
          const timezone = type === 'timestamp' ? changes[0]!.timezone : each.timezone
          const rules = [ruleOf('public.ticks', {...each, timezone, timeUnit: 'ns'})]
          const {plan, findings} = await planEnsure(database.db, rules)
          expect(findings.filter(({kind}) => kind !== 'period')).toEqual([])
          expect((await run(database.db, plan)).steps.filter(({status}) => status !== 'done')).toEqual([])
          expect((await planEnsure(database.db, rules)).plan.steps).toEqual([])
          const ends = await database.run<{lower: string; upper: string}>(
            "select e[1] as lower, e[2] as upper from pg_inherits join pg_class c on c.oid = inhrelid cross join regexp_match(pg_get_expr(relpartbound, 0), 'FROM \\(''?([^'')]+)''?\\) TO \\(''?([^'')]+)''?\\)') e where inhparent = 'ticks'::regclass",
          )
          const uppers = new Set(ends.map(({upper}) => upper))
          // Every partition but the first begins where another one ends.
          expect(ends.filter(({lower}) => !uppers.has(lower))).toHaveLength(1)
        }
      }),
      {numRuns: 25},
    )
  })

  it('says from when on partitions have another length: at the end of the existing ones', async () => {
    const database = await engine.database()
    await database.run('create table ticks (time timestamptz not null) partition by range (time)')
    await run(database.db, (await planEnsure(database.db, [ruleOf('public.ticks', {ahead: 2})])).plan)
    const [{end}] = (await database.run<{end: string}>(
      `select to_char(max((regexp_match(pg_get_expr(relpartbound, 0), 'TO \\(''(.*)''\\)'))[1]::timestamptz) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as end from pg_inherits join pg_class on oid = inhrelid`,
    )) as [{end: string}]
    const {plan, findings} = await planEnsure(database.db, [ruleOf('public.ticks', {every: 'year', ahead: 1})])
    expect(findings).toMatchObject([
      {
        kind: 'period',
        message: `public.ticks: existing partitions reach ${end}; from there on the length of a partition is year.`,
      },
    ])
    expect((await run(database.db, plan)).steps.every(({status}) => status === 'done')).toBe(true)
  })
})

// The server's answers do not depend on the server: one of them is enough.
const [timescale] = enginesFor({kinds: ['timescaledb']})
describe.runIf(timescale)('the grid', () => {
  it('is that of time_bucket', async () => {
    const database = await timescale!.database()
    await database.run('create table ticks (time timestamp not null) partition by range (time)')
    const given = fc.record({every: everyPeriod, day: fc.integer({min: -10_000, max: 40_000})})
    await fc.assert(
      fc.asyncProperty(fc.array(given, {minLength: 30, maxLength: 30}), async (cases) => {
        const wanted = cases.map(({every, day}) => {
          const first = addDays('1970-01-01', day)
          return {...ruleOf('public.ticks'), every, first, last: first, ahead: 0}
        })
        const periods = await readPeriods(database.db, wanted)
        const widths = cases
          .map(({every}) => gridOf(every))
          .map(({months, hours}) => (months > 0 ? `${months} months` : `${hours} hours`))
        const buckets = await database.db.query<{bucket: string}>(
          sql`select to_char(public.time_bucket(width::interval, day::timestamp), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as bucket
from unnest(${widths}::text[], ${wanted.map(({first}) => first)}::text[]) with ordinality as w (width, day, n) order by n`,
        )
        expect(periods.map(({from}) => from)).toEqual(buckets.map(({bucket}) => bucket))
      }),
      {numRuns: 10},
    )
  })
})
