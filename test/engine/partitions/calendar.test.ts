import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {sql} from '../../../src/db/sql.js'
import {planCreate} from '../../../src/partitions/create/create.js'
import {readPeriods} from '../../../src/partitions/periods.js'
import type {Every} from '../../../src/units/period.js'
import {addDays, daysBetween, endOfMonth, parseCalendarBound} from '../../../src/units/calendar.js'
import {enginesFor, forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {childrenOf, createRequest, stepResults, ruleOf, run} from '../../helpers/partitions.js'

describe('a calendar', () => {
  it('parses months, days and instants, and refuses everything else', () => {
    expect(parseCalendarBound('2024-02')).toEqual({unit: 'month', day: '2024-02-01'})
    expect(parseCalendarBound('2024-02-29')).toEqual({unit: 'day', day: '2024-02-29'})
    expect(parseCalendarBound('2024-02-29T12:00:00+02:00')).toEqual({unit: 'instant', instant: '2024-02-29T10:00:00Z'})
    for (const wrong of ['2024-13', '2024-00', '2023-02-29', '2024', 'yesterday', '2024-1-1', ''])
      expect(() => parseCalendarBound(wrong), wrong).toThrow(/is not an instant/)
  })

  it('knows the ends of months and counts days', () => {
    expect(endOfMonth('2024-02-10')).toBe('2024-02-29')
    expect(endOfMonth('1900-02-01')).toBe('1900-02-28')
    expect(endOfMonth('2024-12-31')).toBe('2024-12-31')
    expect(addDays('2024-03-01', -1)).toBe('2024-02-29')
    expect(addDays('0099-12-31', 1)).toBe('0100-01-01')
    fc.assert(
      fc.property(
        fc.integer({min: -700_000, max: 2_900_000}),
        fc.integer({min: -5_000, max: 5_000}),
        (offset, days) => {
          const day = addDays('1970-01-01', Math.min(Math.max(offset, -719_162), 2_932_896 - 5_000))
          expect(daysBetween(day, addDays(day, days)) === days || addDays(day, days).length !== 10).toBe(true)
        },
      ),
    )
  })
})

const wanted = (relation: string, every: Every, timezone: string, first: string, last: string) => ({
  ...ruleOf(relation),
  every,
  timezone,
  first,
  last,
  ahead: 0,
})
const keyed = async ({run: query}: TestDatabase, type: string) =>
  query(`create table ticks (time ${type} not null) partition by range (time)`)

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it.each([
    [
      'Europe/Berlin, clocks forward and back',
      'Europe/Berlin',
      'day',
      '2024-03-30',
      '2024-04-01',
      ['2024-03-29T23:00:00Z', '2024-03-30T23:00:00Z', '2024-03-31T22:00:00Z', '2024-04-01T22:00:00Z'],
    ],
    [
      'Sao Paulo, where midnight was skipped',
      'America/Sao_Paulo',
      'day',
      '2018-11-03',
      '2018-11-05',
      ['2018-11-03T03:00:00Z', '2018-11-04T03:00:00Z', '2018-11-05T02:00:00Z', '2018-11-06T02:00:00Z'],
    ],
    [
      'Havana, where midnight comes twice',
      'America/Havana',
      'day',
      '2024-11-02',
      '2024-11-04',
      ['2024-11-02T04:00:00Z', '2024-11-03T04:00:00Z', '2024-11-04T05:00:00Z', '2024-11-05T05:00:00Z'],
    ],
    [
      'Toronto in 1919, where midnight lay inside of the skipped hour',
      'America/Toronto',
      'day',
      '1919-03-30',
      '1919-03-31',
      ['1919-03-30T05:00:00Z', '1919-03-31T04:30:00Z', '1919-04-01T04:00:00Z'],
    ],
    [
      'Apia, where a whole day was left out',
      'Pacific/Apia',
      'day',
      '2011-12-29',
      '2011-12-31',
      ['2011-12-29T10:00:00Z', '2011-12-30T10:00:00Z', '2011-12-31T10:00:00Z'],
    ],
    ['a leap year', 'UTC', 'month', '2024-02-01', '2024-02-29', ['2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z']],
    [
      'no leap year',
      'UTC',
      'day',
      '2100-02-28',
      '2100-03-01',
      ['2100-02-28T00:00:00Z', '2100-03-01T00:00:00Z', '2100-03-02T00:00:00Z'],
    ],
    [
      "a year's end",
      'UTC',
      'month',
      '2024-12-01',
      '2025-01-31',
      ['2024-12-01T00:00:00Z', '2025-01-01T00:00:00Z', '2025-02-01T00:00:00Z'],
    ],
    ['before 1970', 'UTC', 'month', '1969-12-01', '1969-12-31', ['1969-12-01T00:00:00Z', '1970-01-01T00:00:00Z']],
    [
      'after 2038',
      'Asia/Kolkata',
      'month',
      '2038-01-01',
      '2038-02-28',
      ['2037-12-31T18:30:00Z', '2038-01-31T18:30:00Z', '2038-02-28T18:30:00Z'],
    ],
  ] as const)('cuts %s', async (_, zone, every, first, last, edges) => {
    const database = await engine.database()
    await keyed(database, 'timestamptz')
    const periods = await readPeriods(database.db, [wanted('public.ticks', every, zone, first, last)])
    expect([...periods.map(({from}) => from), periods.at(-1)!.to]).toEqual(edges)
    expect(periods.slice(1).map(({from}) => from)).toEqual(periods.slice(0, -1).map(({to}) => to))
  })

  it.each([
    ['date', "('2024-02-01') TO ('2024-03-01')"],
    ['timestamp', "('2024-02-01 00:00:00') TO ('2024-03-01 00:00:00')"],
    ['timestamptz', "('2024-01-31 23:00:00+00') TO ('2024-02-29 23:00:00+00')"],
  ])('writes bounds of a %s key in local time, of a timestamptz key as instants', async (type, bound) => {
    const database = await engine.database()
    await keyed(database, type)
    await run(
      database.db,
      await planCreate(database.db, createRequest('public.ticks', '2024-02', '2024-02', {timezone: 'Europe/Berlin'})),
    )
    expect(await childrenOf(database, 'ticks')).toEqual([`ticks_y2024m02 ${bound}`])
  })

  it('accepts half-open ranges of days, whole months, and instants in the time zone of the table', async () => {
    const database = await engine.database()
    await keyed(database, 'timestamptz')
    const days = async (from: string, to: string, timezone = 'UTC') => {
      const plan = await planCreate(database.db, createRequest('public.ticks', from, to, {every: 'day', timezone}))
      return plan.steps.map(({id}) => id.replace(/^.*_y/, ''))
    }
    expect(await days('2024-02-27', '2024-03-01')).toEqual(['2024m02d27', '2024m02d28', '2024m02d29'])
    expect(await days('2024-02-28', '2024-03')).toHaveLength(2 + 31)
    expect(await days('2024-02-28T00:00:00Z', '2024-02-29T00:00:00Z')).toEqual(['2024m02d28'])
    expect(await days('2024-02-28T00:00:00Z', '2024-02-29T00:00:01Z')).toEqual(['2024m02d28', '2024m02d29'])
    expect(await days('2024-02-27T23:00:00Z', '2024-02-28T23:00:00Z', 'Europe/Berlin')).toEqual(['2024m02d28'])
  })
})

// The server's answers about time zones do not depend on the server: one of them is enough.
const [server] = enginesFor({kinds: ['postgres'], native: true})
describe.runIf(server)('for any zone and any day', () => {
  it('a boundary is the instant at which the day begins: that instant is on this day or later, and the one before it earlier', async () => {
    const database = await server!.database()
    await keyed(database, 'timestamptz')
    const zones = (
      await database.run<{name: string}>(
        "select name from pg_timezone_names where name ~ '^(Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/' order by 1",
      )
    ).map(({name}) => name)
    const case_ = fc.record({
      zone: fc.constantFrom(...zones),
      offset: fc.integer({min: -40_000, max: 47_000}),
      every: fc.constantFrom<Every>('day', 'month'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(case_, {minLength: 40, maxLength: 40}), async (cases) => {
        const asked = cases.map(({zone, offset, every}) =>
          wanted(
            'public.ticks',
            every,
            zone,
            addDays('1970-01-01', offset),
            addDays('1970-01-01', offset + (every === 'day' ? 2 : 40)),
          ),
        )
        const periods = await readPeriods(database.db, asked)
        const edges = periods.flatMap(({index, from, to, partition}) => {
          const [, year, month, day = '01'] = /_y(\d+)m(\d\d)(?:d(\d\d))?$/.exec(partition)!
          return [{from, to, zone: asked[index]!.timezone, first: `${year!.padStart(4, '0')}-${month}-${day}`}]
        })
        const [{wrong}] = (await database.db.query<{wrong: string[] | null}>(
          sql`select array_agg(format('%s %s: %s', zone, first, lower)) as wrong
from unnest(${edges.map(({zone}) => zone)}::text[], ${edges.map(({first}) => first)}::text[], ${edges.map(({from}) => from)}::text[]) as e (zone, first, lower)
where not (lower::timestamptz at time zone zone >= first::timestamp and (lower::timestamptz - interval '1 microsecond') at time zone zone < first::timestamp)`,
        )) as [{wrong: string[] | null}]
        expect(wrong).toBeNull()
        for (const [index, period] of periods.entries()) {
          const next = periods[index + 1]
          expect(period.fromEpoch).toBeLessThan(period.toEpoch)
          if (next?.index === period.index) expect(next.from, 'no gap and no overlap').toBe(period.to)
        }
      }),
      {numRuns: 25},
    )
  })

  it('the name of a partition fits into 63 bytes, contains its period, and differs from that of every other table', async () => {
    const database = await server!.database()
    const name = fc
      .string({unit: 'grapheme', minLength: 1, maxLength: 60})
      .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 63)
    await fc.assert(
      fc.asyncProperty(name, fc.constantFrom<Every>('day', 'month'), async (table, every) => {
        const quoted = `"${table.replaceAll('"', '""')}"`
        await database.run(`create table ${quoted} (time date not null) partition by range (time)`)
        try {
          const plan = await planCreate(
            database.db,
            createRequest(`public.${quoted}`, '2024-01-31', '2024-02-01', {every}),
          )
          expect(stepResults(await run(database.db, plan)).every((stepResult) => stepResult.endsWith('done'))).toBe(
            true,
          )
          const [child] = await database.run<{relname: string; parent: string}>(
            'select c.relname, p.relname as parent from pg_inherits join pg_class c on c.oid = inhrelid join pg_class p on p.oid = inhparent',
          )
          expect(Buffer.byteLength(child!.relname)).toBeLessThanOrEqual(63)
          expect(child!.relname.endsWith(every === 'day' ? '_y2024m01d31' : '_y2024m01')).toBe(true)
          expect(child!.parent).toBe(table)
          if (Buffer.byteLength(table) <= 50) expect(child!.relname.startsWith(table)).toBe(true)
          expect(
            (await planCreate(database.db, createRequest(`public.${quoted}`, '2024-01-31', '2024-02-01', {every})))
              .steps,
          ).toEqual([])
        } finally {
          await database.run(`drop table ${quoted}`)
        }
      }),
      {numRuns: 60},
    )
  })
})
