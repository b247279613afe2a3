import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {calendarSql} from '../../../src/catalog/calendar-sql.js'
import {readPeriods} from '../../../src/partitions/periods.js'
import {sql} from '../../../src/db/sql.js'
import {gridOf, periodUnits, type Every} from '../../../src/units/period.js'
import {enginesFor} from '../../helpers/engines.js'
import {ruleOf} from '../../helpers/partitions.js'
import {replay} from '../../helpers/schema-replay.js'

const hour = 3_600_000

/** The local time of an instant as milliseconds, counted as if it were UTC. */
function localAt(zone: string, at: number): number {
  const part = Object.fromEntries(
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      ...{year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric'},
    } as Intl.DateTimeFormatOptions)
      .formatToParts(at)
      .map(({type, value}) => [type, Number(value)]),
  )
  return Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute)
}

/** The first instant at which a local time is reached: zones of today change at whole quarters of an hour. */
function firstInstant(zone: string, local: number): number {
  for (let at = local - 15 * hour; ; at += hour / 4) if (localAt(zone, at) >= local) return at
}

/** The beginning of the period that contains a local time, and of the next one. */
function cellOf(every: Every, local: number): [number, number] {
  const {months, hours} = gridOf(every)
  if (months === 0) {
    const monday = Date.UTC(2000, 0, 3)
    const start = monday + Math.floor((local - monday) / (hours * hour)) * hours * hour
    return [start, start + hours * hour]
  }
  const date = new Date(local)
  const number = (date.getUTCFullYear() - 2000) * 12 + date.getUTCMonth()
  const start = Math.floor(number / months) * months
  return [Date.UTC(2000, start), Date.UTC(2000, start + months)]
}

// Days around both changes of each zone: Havana repeats and skips midnight, Lord Howe half an hour.
const changes: Record<string, string[]> = {
  'Europe/Berlin': ['2024-03-31', '2024-10-27'],
  'America/New_York': ['2024-03-10', '2024-11-03'],
  'America/Havana': ['2024-03-10', '2024-11-03'],
  'Australia/Lord_Howe': ['2024-04-07', '2024-10-06'],
}

const everyPeriod = fc
  .tuple(fc.constantFrom(...periodUnits), fc.constantFrom(1, 2, 3, 4, 6, 12))
  .map(([unit, count]) => (count === 1 ? unit : (`${count} ${unit}s` as Every)))
const given = fc.constantFrom(...Object.keys(changes)).chain((zone) =>
  fc.record({
    zone: fc.constant(zone),
    every: everyPeriod,
    change: fc.constantFrom(...changes[zone]!),
    hours: fc.integer({min: -40, max: 60}),
  }),
)

// The server's answers about time zones do not depend on the server: one of them is enough.
const [server] = enginesFor({kinds: ['postgres'], native: true})
describe.runIf(server)('where a period begins and ends', () => {
  it('is one rule in the query, in the routines and in TypeScript, across both changes of the clock', async () => {
    const database = await server!.database()
    await replay(database, ['core'])
    await database.run('create table ticks (time timestamptz not null) partition by range (time)')
    await fc.assert(
      fc.asyncProperty(fc.array(given, {minLength: 40, maxLength: 40}), async (cases) => {
        const asked = cases.map(({zone, every, change, hours}) => {
          const local = Date.parse(change) + hours * hour
          return {zone, every, local, text: new Date(local).toISOString().slice(0, 19)}
        })
        const periods = await readPeriods(
          database.db,
          asked.map(({zone, every, text}) => ({
            ...ruleOf('public.ticks'),
            every,
            timezone: zone,
            first: text,
            last: text,
            ahead: 0,
          })),
        )
        const expected = asked.map(({zone, every, local}, index) => {
          const [from, to] = cellOf(every, local).map((edge) => firstInstant(zone, edge))
          return {index, from, to}
        })
        // An hour that a zone skips has no period.
        const kept = expected.filter(({from, to}) => from! < to!)
        expect(periods.map(({index, from, to}) => ({index, from: Date.parse(from), to: Date.parse(to)}))).toEqual(kept)
        const routine = await database.db.query<{from: string; to: string}>(
          sql`select extract(epoch from qicore.local_start(qicore.partition_cell(every, local::timestamp), zone))::text as from,
extract(epoch from qicore.local_start(qicore.partition_cell(every, local::timestamp, 1), zone))::text as to
from unnest(${asked.map(({every}) => every)}::text[], ${asked.map(({text}) => text)}::text[], ${asked.map(({zone}) => zone)}::text[])
  with ordinality as w (every, local, zone, n) order by n`,
        )
        expect(routine.map(({from, to}) => [Number(from) * 1000, Number(to) * 1000])).toEqual(
          expected.map(({from, to}) => [from, to]),
        )
      }),
      {numRuns: 12},
    )
  })

  it('needs no routine: the query calls none of the schema qicore', () => {
    for (const name of ['partitions/periods', 'adopt/periods'])
      expect(calendarSql(name).replaceAll(/--.*/g, '')).not.toMatch(/qicore\./)
  })
})
