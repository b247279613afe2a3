import fc from 'fast-check'
import {beforeEach, describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {agoFrom, dueAt, reachedAt} from '../../../src/catalog/ages.js'
import {readTables} from '../../../src/catalog/read-tables.js'
import type {TableClock} from '../../../src/catalog/table-clock.js'
import {clocksAt} from '../../helpers/table-clocks.js'
import {dueState} from '../../../src/catalog/due.js'
import {readStats} from '../../../src/reports/stats.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {instantOf, microsOf} from '../../../src/catalog/time.js'
import {localOf} from '../../../src/units/zone-arithmetic.js'
import {readContext} from '../../../src/chunks/context.js'
import {planDrop} from '../../../src/chunks/drop.js'
import {clearOf, midnightAt, thisHour} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {targetOf} from '../../helpers/server.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {request} from '../../helpers/catalog-time-series.js'

const zones = [
  'UTC',
  'America/Los_Angeles',
  'Europe/Vienna',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
]
const hour = 3_600_000_000n

describe('the time of a policy', () => {
  const vienna: TableClock = {now: null, unit: null, time: 'timestamptz', zone: {name: 'Europe/Vienna'}}
  const monthly = {months: 1, days: 0, seconds: 0}

  it('counts days of 23 and 25 hours over clock changes', () => {
    const day = {months: 0, days: 1, seconds: 0}
    expect(instantOf(agoFrom(vienna, microsOf('2026-03-29T12:00:00Z'), day)!)).toBe('2026-03-28T13:00:00Z')
    expect(instantOf(agoFrom(vienna, microsOf('2026-10-25T12:00:00Z'), day)!)).toBe('2026-10-24T11:00:00Z')
    expect(instantOf(agoFrom(vienna, microsOf('2026-03-29T12:00:00Z'), {months: 0, days: 0, seconds: 86_400})!)).toBe(
      '2026-03-28T12:00:00Z',
    )
  })

  it('is due at the first instant for which the cutoff with months reaches the chunk', () => {
    const utc: TableClock = {now: null, unit: null, time: 'timestamptz', zone: {name: 'UTC'}}
    expect(instantOf(dueAt(utc, microsOf('2026-01-31T12:00:00Z'), monthly)!)).toBe('2026-03-01T00:00:00Z')
    expect(instantOf(dueAt(utc, microsOf('2026-02-28T00:00:00Z'), monthly)!)).toBe('2026-03-28T00:00:00Z')
    expect(instantOf(dueAt(vienna, microsOf('2026-01-31T12:00:00Z'), monthly)!)).toBe('2026-02-28T23:00:00Z')
  })

  it('reaches an age exactly when the cutoff does: to the microsecond, or to the day if months are counted', () => {
    const ages = fc.record({
      months: fc.integer({min: 0, max: 14}),
      days: fc.integer({min: 0, max: 40}),
      seconds: fc.integer({min: 0, max: 100_000}),
    })
    const points = fc.bigInt({min: microsOf('2020-01-01T00:00:00Z'), max: microsOf('2030-01-01T00:00:00Z')})
    fc.assert(
      fc.property(points, ages, (point, age) => {
        const clock: TableClock = {now: null, unit: null, time: 'timestamp'}
        const at = reachedAt(clock, point, age)!
        expect(agoFrom(clock, at, age)!).toBeGreaterThanOrEqual(point)
        expect(agoFrom(clock, at - (age.months === 0 ? 1n : 24n * hour), age)!).toBeLessThan(point)
      }),
    )
  })
})

forEachEngine({}, (engine) => {
  it('is computed as on the server, in every time zone, over clock changes, for every type of key', async () => {
    const {db} = await engine.database()
    const age = fc.record({
      months: fc.integer({min: 0, max: 14}),
      days: fc.integer({min: 0, max: 40}),
      seconds: fc.integer({min: 0, max: 100_000}),
    })
    // Around both clock changes of each time zone, and at random times.
    const changes = [
      '2026-03-08T10:00:00Z',
      '2026-11-01T09:00:00Z',
      '2026-03-29T01:00:00Z',
      '2026-10-25T01:00:00Z',
      '2026-04-04T15:00:00Z',
      '2026-10-03T15:30:00Z',
    ].map(microsOf)
    const near = fc
      .tuple(fc.constantFrom(...changes), fc.bigInt({min: -30n * hour, max: 30n * hour}))
      .map(([at, by]) => at + by)
    const instants = fc.oneof(
      near,
      fc.bigInt({min: microsOf('2010-01-01T00:00:00Z'), max: microsOf('2036-01-01T00:00:00Z')}),
    )
    // What drop_chunks and the policies of TimescaleDB compute: now() cast to the key's type, minus the interval.
    const text = `select (extract(epoch from at - by) * 1000000)::int8::text as timestamptz,
      (extract(epoch from at::timestamp - by) * 1000000)::int8::text as timestamp, (extract(epoch from (at::timestamp - by)::date) * 1000000)::int8::text as date,
      (extract(epoch from at::timestamp) * 1000000)::int8::text as local
      from unnest($1::text[]::timestamptz[], $2::text[]::interval[]) with ordinality as given (at, by, position) order by position`
    for (const zone of zones) {
      const samples = fc.sample(fc.tuple(instants, age), 100)
      const intervals = samples.map(([, {months, days, seconds}]) => `${months} months ${days} days ${seconds} seconds`)
      const rows = await db.transaction({readOnly: true, lockTimeout: 50, statementTimeout: 30_000}, async (tx) => {
        await tx.query({text: `select set_config('timezone', $1, true)`, values: [zone]})
        return tx.query<Record<'timestamptz' | 'timestamp' | 'date' | 'local', string>>({
          text,
          values: [samples.map(([now]) => instantOf(now)!), intervals],
        })
      })
      for (const [index, [now, by]] of samples.entries()) {
        const what = `${zone} ${instantOf(now)} less ${intervals[index]}`
        const local = localOf({name: zone}, now)
        expect(String(local), what).toBe(rows[index]!.local)
        for (const time of ['timestamptz', 'timestamp', 'date'] as const) {
          const clock: TableClock = {now: null, unit: null, time, zone: {name: zone}}
          expect(String(agoFrom(clock, time === 'timestamptz' ? now : local, by)), `${time}: ${what}`).toBe(
            rows[index]![time],
          )
        }
      }
    }
  })
})

/**
 * A hundred hours until noon of yesterday, which no clock change makes ambiguous, in chunks of an hour (of a day if
 * the key is a date), for each type of key.
 */
async function tables({run}: TestDatabase, zone: string): Promise<number> {
  const noon = `(${midnightAt(zone)} - interval '12 hours')`
  for (const [name, type, step] of [
    ['z', 'timestamptz', '1 hour'],
    ['l', 'timestamp', '1 hour'],
    ['d', 'date', '1 day'],
  ] as const) {
    await run(`create table ${name} (t ${type} not null, v int)`)
    await run(`select create_hypertable('${name}', 't', chunk_time_interval => interval '${step}')`)
    const newest = type === 'timestamptz' ? `(${noon} at time zone '${zone}')` : noon
    await run(
      `insert into ${name} select (${newest} - g * interval '1 hour')::${type}, 1 from generate_series(0, 100) g`,
    )
  }
  const [row] = await run<{seconds: number}>(
    `select extract(epoch from ${noon} at time zone '${zone}')::float8 as seconds`,
  )
  return row!.seconds * 1000
}

// The server and the program read the clock one after the other, and a chunk has an hour.
beforeEach(() => clearOf('quarter of an hour', 15_000))

forEachEngine({kinds: ['timescaledb', 'apache'], native: true}, (engine) => {
  it.each(['UTC', 'America/Los_Angeles', 'Asia/Kathmandu', 'Pacific/Kiritimati', '<+03>-3'])(
    'takes the chunks that show_chunks has in a database at %s',
    async (zone) => {
      const database = await engine.database()
      const {db, run, url} = database
      await run(`alter database "${db.server.database}" set timezone = '${zone}'`)
      const there = await connect(targetOf(url), {applicationName: 'qicore-db/test'})
      try {
        const noon = await tables(database, zone)
        for (const table of ['z', 'l', 'd'])
          for (const age of [
            {days: 1, seconds: 0},
            {days: 0, seconds: 126_000},
          ]) {
            const interval = `${age.days} days ${age.seconds} seconds`
            const taken = await there.transaction(
              {readOnly: true, lockTimeout: 50, statementTimeout: 30_000, searchPath: 'public'},
              async (tx) => {
                await tx.query({text: `select set_config('timezone', $1, true)`, values: [zone]})
                return tx.query<{chunk: string}>({
                  text: `select c::text as chunk from show_chunks('${table}', older_than => $1::interval) c`,
                  values: [interval],
                })
              },
            )
            const context = await readContext(there, table, null)
            const {facts, plan} = await planDrop(there, {
              ...context,
              olderThan: {age: {months: 0, ...age}},
              declared: null,
              refreshFirst: false,
              acceptLoss: false,
            })
            const names = facts.chunks.map(({chunk}) => `${chunk.schema}.${chunk.name}`).sort()
            expect(names, `${table} older than ${interval}`).toEqual(taken.map(({chunk}) => chunk).sort())
            expect(names.length).toBeGreaterThan(0)
            expect(plan.summary).toContain(table === 'z' ? ' UTC' : `(${zone})`)
          }
        const {tables: rows} = await readStats(there, {...request, fast: true})
        for (const {table, newest} of rows.filter((row) => row.table !== 'd'))
          expect(Date.parse(String(newest)), table).toBe(noon)
      } finally {
        await there.close()
      }
    },
  )

  it('is in the time zone of the owner in this database, else of the owner, else of the database', async () => {
    const database = await engine.database()
    const {db, run} = database
    const owner = `zoned_${db.server.database.slice(-8)}`
    await run(`create role ${owner}`)
    try {
      await run(
        `create table l (t timestamp not null); select create_hypertable('l', 't'); alter table l owner to ${owner}`,
      )
      const zone = async () => {
        const all = await readTables(db)
        return (await clocksAt(db, all, '2026-03-29T12:00:00Z')).get(all[0]!)!
      }
      const server = (
        await run<{zone: string}>(`select reset_val as zone from pg_settings where name = 'TimeZone'`)
      )[0]!.zone
      expect((await zone()).zoneName).toBe(server)
      await run(`alter database "${db.server.database}" set timezone = 'Asia/Kathmandu'`)
      expect(await zone()).toMatchObject({zoneName: 'Asia/Kathmandu', now: microsOf('2026-03-29T17:45:00Z')})
      await run(`alter role ${owner} set timezone = 'Europe/Vienna'`)
      expect(await zone()).toMatchObject({zoneName: 'Europe/Vienna', now: microsOf('2026-03-29T14:00:00Z')})
      await run(`alter role ${owner} in database "${db.server.database}" set timezone = 'America/Los_Angeles'`)
      expect(await zone()).toMatchObject({zoneName: 'America/Los_Angeles', now: microsOf('2026-03-29T05:00:00Z')})
    } finally {
      await run(`drop owned by ${owner} cascade; drop role ${owner}`)
    }
  })

  it('is unknown if this session has a time zone of its own and that of the owner cannot be read', async () => {
    const database = await engine.database()
    const {db, run, url} = database
    const [owner, reader] = [`owner_${db.server.database.slice(-8)}`, `reader_${db.server.database.slice(-8)}`]
    await run(`create role ${owner}; create role ${reader} login; alter role ${reader} set timezone = 'Asia/Tokyo'`)
    const other = await connect(targetOf(url.replace(/\/\/[^@/]*@/, `//${reader}@`)), {
      applicationName: 'qicore-db/test',
    })
    try {
      await run(
        `create table l (t timestamp not null); select create_hypertable('l', 't'); alter table l owner to ${owner}; grant select on l to ${reader}`,
      )
      await run(`insert into l values ('2026-03-29 02:30:00')`)
      const {
        tables: [row],
      } = await readStats(other, request)
      expect(row).toMatchObject({newest: '2026-03-29T02:30:00', oldest: '2026-03-29T02:30:00'})
      await expect(
        readContext(other, 'l', null).then((context) =>
          planDrop(db, {
            ...context,
            olderThan: {age: {months: 0, days: 1, seconds: 0}},
            declared: null,
            refreshFirst: false,
            acceptLoss: false,
          }),
        ),
      ).rejects.toMatchObject({code: 'NO_CLOCK', message: expect.stringContaining('time zone')})
    } finally {
      await other.close()
      await run(`drop owned by ${owner} cascade; drop owned by ${reader}; drop role ${owner}, ${reader}`)
    }
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('is in the time zone in which a background worker of TimescaleDB runs a policy', async (context) => {
    const database = await engine.database()
    const {db, run} = database
    if (db.server.workers !== 'alive' && (await db.probe()).workers !== 'alive')
      context.skip('no background workers here')
    const owner = `worker_${db.server.database.slice(-8)}`
    await run(`create role ${owner} login; grant create, usage on schema public to ${owner}`)
    try {
      await run(`alter database "${db.server.database}" set timezone = 'Asia/Tokyo'`)
      await run(`alter role ${owner} in database "${db.server.database}" set timezone = 'America/Los_Angeles'`)
      await run(`create table seen (zone text); alter table seen owner to ${owner}`)
      await run(
        `create procedure note(job_id int, config jsonb) language plpgsql as $$ begin insert into public.seen values (current_setting('timezone')); end $$; alter procedure note owner to ${owner}`,
      )
      await run(
        `create table l (t timestamp not null, v int); select create_hypertable('l', 't', chunk_time_interval => interval '1 hour'); alter table l owner to ${owner}`,
      )
      await run(
        `insert into l select (${thisHour} at time zone 'America/Los_Angeles') - g * interval '1 hour', 1 from generate_series(0, 60) g`,
      )
      await run(
        `set local role ${owner}; select add_job('note', '1 day'); select add_retention_policy('l', interval '1 day')`,
      )
      const done = async () =>
        (await run(`select from seen`)).length > 0 &&
        (
          await run(
            `select from timescaledb_information.job_stats where last_run_status is not null and job_id in (select job_id from timescaledb_information.jobs where proc_name = 'policy_retention')`,
          )
        ).length > 0
      for (let tries = 0; tries < 300 && !(await done()); tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 100))
      expect(await run('select distinct zone from seen')).toEqual([{zone: 'America/Los_Angeles'}])
      const {
        policies: [policy],
        clock,
        at,
      } = await readContext(db, 'l', null)
      // The policy has dropped exactly what was due: nothing is left to do, and nothing much younger is missing.
      expect(dueState(policy!, clock, at, 0)).toMatchObject({due: 0, notDone: [], late: false})
      const {chunks} = await readChunkStats(db, {...request, late: false})
      expect(chunks.length).toBeGreaterThanOrEqual(24)
    } finally {
      await run(`select delete_job(job_id) from timescaledb_information.jobs where owner = '${owner}'::regrole`)
      await run(`drop owned by ${owner} cascade`)
      await run(`drop role ${owner}`)
    }
  })
})

forEachEngine({native: true}, (engine) => {
  it.each(['America/Los_Angeles', 'Pacific/Kiritimati'])(
    'is the same for gated retention, also where the session of the run is at UTC: %s',
    async (zone) => {
      const database = await withCore(await engine.database())
      const {db, run} = database
      await run(`alter database "${db.server.database}" set timezone = '${zone}'`)
      for (const [name, type] of [
        ['z', 'timestamptz'],
        ['l', 'timestamp'],
        ['d', 'date'],
      ] as const) {
        await run(`create table ${name} (t ${type} not null) partition by range (t)`)
        const [row] = await db.transaction({readOnly: true, lockTimeout: 50, statementTimeout: 30_000}, (tx) =>
          tx.query<{now: string; cutoff: string}>({
            text: `select now::text, cutoff::text from qicore.retain_scale('public.${name}', '{"after": "1 mon 3 days"}')`,
            values: [],
          }),
        )
        const all = await readTables(db)
        const [at] = await run<{at: string}>('select clock_timestamp() as at')
        const table = all.find((each) => each.name === name)!
        const clock = (await clocksAt(db, [table], at!.at)).get(table)!
        expect(clock.zoneName).toBe(zone)
        const tolerance = 30_000_000
        expect(Math.abs(Number(BigInt(row!.now) - clock.now!)), `${name}: now`).toBeLessThan(tolerance)
        expect(
          Math.abs(Number(BigInt(row!.cutoff) - agoFrom(clock, clock.now!, {months: 1, days: 3, seconds: 0})!)),
          `${name}: cut-off`,
        ).toBeLessThan(tolerance)
      }
    },
  )
})
