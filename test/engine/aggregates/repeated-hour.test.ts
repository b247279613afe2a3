import fc from 'fast-check'
import {expect, it} from 'vitest'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {refreshPlan, run, stepResults} from '../../helpers/aggregates.js'
import {runCli} from '../../helpers/cli.js'

/** Where clocks are set back: when the first of the two equal hours begins. */
const changes = {
  'Europe/Vienna': '2025-10-26T00:00:00Z',
  'America/New_York': '2025-11-02T05:00:00Z',
  'Australia/Lord_Howe': '2025-04-05T14:30:00Z',
} as const

type Zone = keyof typeof changes

const minute = 60_000
const iso = (ms: number) => new Date(ms).toISOString()
const micros = (ms: number) => BigInt(ms) * 1000n

/** Rows every five minutes for two and a half days around the change, in `s`, and the aggregate `a` without data. */
async function around({run: query}: TestDatabase, zone: Zone, bucket: string, chunk: string): Promise<void> {
  await query(`drop table if exists s cascade; create table s (ts timestamptz not null, v int not null);
select create_hypertable('s', by_range('ts', interval '${chunk}'));
insert into s select g, 1 from generate_series('${changes[zone]}'::timestamptz - interval '30 hours',
  '${changes[zone]}'::timestamptz + interval '30 hours', '5 min') g;
create materialized view a with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket('${bucket}', ts, '${zone}') as b, count(*)::int as n, sum(v)::int as total from s group by 1
  with no data`)
}

/** The buckets that have a row of the range and another figure than SQL over the rows. */
function differing({run: query}: TestDatabase, zone: Zone, bucket: string, from: number, to: number) {
  // The bucket of each row first: TimescaleDB turns a condition on time_bucket() into one on the column, and leaves
  // out rows of such an hour.
  return query(`with rows as materialized (select ts, time_bucket('${bucket}', ts, '${zone}') as b, v from s),
r as materialized (select b, count(*)::int as n, sum(v)::int as total, bool_or(ts >= '${iso(from)}' and ts < '${iso(to)}') as asked
  from rows group by b)
select r.b::text, r.n, r.total, a.n as n_there, a.total as total_there from r left join a on a.b = r.b
where r.asked and (a.n is distinct from r.n or a.total is distinct from r.total)`)
}

/** One write and one refresh, in minutes from the change. The write ends within a bucket. */
const action = fc.record({
  write: fc.tuple(fc.integer({min: -60, max: 60}), fc.integer({min: 1, max: 60})),
  from: fc.integer({min: -10, max: 10}),
  length: fc.integer({min: 1, max: 12}),
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('a refresh that ends anywhere around a repeated hour computes what SQL computes, and a second plan is empty', async () => {
    const database = await engine.database()
    const {db, run: query} = database
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Zone>('Europe/Vienna', 'America/New_York', 'Australia/Lord_Howe'),
        fc.constantFrom('15 min', '1 hour', '2 hours', '1 day'),
        fc.constantFrom('1 hour', '1 day'),
        fc.array(action, {minLength: 1, maxLength: 2}),
        async (zone, bucket, chunk, actions) => {
          await around(database, zone, bucket, chunk)
          const change = Date.parse(changes[zone])
          for (const {write, from, length} of actions) {
            const first = change + write[0] * 5 * minute + 2 * minute
            await query(
              `insert into s select g, 1 from generate_series('${iso(first)}'::timestamptz, '${iso(first + (write[1] - 1) * 5 * minute)}', '5 min') g`,
            )
            const [start, end] = [change + from * 30 * minute, change + (from + length) * 30 * minute]
            const request = {span: {start: micros(start), end: micros(end)}}
            const {plan} = await refreshPlan(db, 'public.a', request)
            expect(stepResults(await run(db, plan)).filter((line) => !line.endsWith(': done'))).toEqual([])
            const again = await refreshPlan(db, 'public.a', request)
            expect(again.plan.steps).toEqual([])
            // Before 2.25 TimescaleDB itself may leave an entry that cannot be refreshed; it is then named.
            if (again.refused.length === 0) expect(await differing(database, zone, bucket, start, end)).toEqual([])
          }
        },
      ),
      {numRuns: 3},
    )
  }, 240_000)

  it('no window begins or ends between the two hours', async () => {
    const database = await engine.database()
    await around(database, 'Europe/Vienna', '1 hour', '1 hour')
    const at = (time: string) => micros(Date.parse(`2025-10-26T${time}:00Z`))
    for (const [start, end] of [
      ['00:00', '01:00'],
      ['01:00', '02:00'],
      ['00:00', '02:00'],
    ]) {
      const {plan} = await refreshPlan(database.db, 'public.a', {span: {start: at(start!), end: at(end!)}})
      expect(plan.steps.map(({id}) => id)).toEqual(['refresh public.a 2025-10-25T23:00:00Z to 2025-10-26T02:00:00Z'])
    }
  })

  it('a range of rows that ends exactly where a bucket of a time zone begins is computed with that bucket', async () => {
    const database = await engine.database()
    const {db, run: query} = database
    await around(database, 'Europe/Vienna', '1 hour', '1 day')
    const day = {
      span: {start: micros(Date.parse('2025-10-25T00:00:00Z')), end: micros(Date.parse('2025-10-26T12:00:00Z'))},
    }
    await run(db, (await refreshPlan(db, 'public.a', day)).plan)
    await query("update s set v = 2 where ts between '2025-10-25 05:00Z' and '2025-10-25 08:00Z'")
    await query("update s set v = 3 where ts between '2025-10-26 05:00Z' and '2025-10-26 08:00Z'")
    const {plan} = await refreshPlan(db, 'public.a', day)
    expect(stepResults(await run(db, plan)).every((line) => line.endsWith(': done'))).toBe(true)
    const [from, to] = [Date.parse('2025-10-25T00:00:00Z'), Date.parse('2025-10-26T12:00:00Z')]
    expect(await differing(database, 'Europe/Vienna', '1 hour', from, to)).toEqual([])
    expect((await refreshPlan(db, 'public.a', day)).plan.steps).toEqual([])
  })

  it('exits 6 and names a range that the server cannot refresh, or refreshes it', async () => {
    const database = await engine.database()
    await around(database, 'Europe/Vienna', '15 min', '1 hour')
    await database.autocommit("call refresh_continuous_aggregate('a', '2025-10-25 20:00Z', '2025-10-26 03:00Z')")
    await database.run("update s set v = 3 where ts between '2025-10-26 00:50Z' and '2025-10-26 01:05Z'")
    await database.autocommit("call refresh_continuous_aggregate('a', '2025-10-25 20:00Z', '2025-10-25 23:00Z')")
    const {exitCode, stderr} = await runCli([
      'aggregates',
      'refresh',
      'a',
      '--from',
      '2025-10-25',
      '--to',
      '2025-10-27',
      '--yes',
      '--url',
      database.url,
    ])
    const named = stderr.replace(/\s+/g, ' ').includes('clocks are set back there')
    expect(exitCode).toBe(named ? 6 : 0)
    const missing = await differing(
      database,
      'Europe/Vienna',
      '15 min',
      Date.parse('2025-10-26T00:00:00Z'),
      Date.parse('2025-10-26T02:00:00Z'),
    )
    expect(missing.length > 0).toBe(named)
  })
})
