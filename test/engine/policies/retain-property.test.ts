import fc from 'fast-check'
import {expect, it} from 'vitest'
import {instantOf} from '../../../src/catalog/time.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {run} from '../../helpers/aggregates.js'
import {drop} from '../../helpers/chunks.js'
import {replay} from '../../helpers/schema-replay.js'
import {agree, retain} from '../../helpers/policies-ticks.js'

const ids = "string_agg(id::text, ',')"
const hour = 3_600_000_000n
const names = ['hours', 'weeks', 'shifted', 'zone', 'days']

/** A bucket of that many days that begins that many hours after `first`, which does not depend on the current day. */
function bucketAfter(first: bigint, days: bigint, hours: bigint): string {
  const monday = BigInt(Date.parse('2000-01-03T00:00:00Z')) * 1000n
  const offset = ((first - monday) / hour + hours) % (days * 24n)
  return `time_bucket(interval '${days} days', time, "offset" => interval '${offset} hours')`
}

/** Every bucket has the ids of the rows that it counted; the daily aggregate is over the hourly one. */
function viewsOf(first: bigint): Record<string, string> {
  return {
    hours: `select time_bucket(interval '1 hour', time) as bucket, ${ids} as ids from public.ticks group by 1`,
    weeks: `select ${bucketAfter(first, 7n, 48n)} as bucket, ${ids} as ids from public.ticks group by 1`,
    shifted: `select ${bucketAfter(first, 5n, 30n)} as bucket, ${ids} as ids from public.ticks group by 1`,
    zone: "select time_bucket(interval '1 day', time, 'Asia/Tokyo') as bucket, string_agg(id::text, ',' order by id) as ids from public.ticks group by 1",
    days: "select time_bucket(interval '1 day', bucket) as bucket, string_agg(ids, ',') as ids from public.hours group by 1",
  }
}

async function fresh(database: TestDatabase): Promise<bigint> {
  for (const name of [...names].reverse()) await database.run(`drop materialized view if exists public.${name}`)
  await database.run('drop table if exists public.ticks; delete from qicore.policies')
  await database.run(
    "create table public.ticks (id serial, time timestamptz not null); select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day')",
  )
  await database.run(
    `insert into public.ticks (time) select t from generate_series(${daysAgo(16)}, ${today}, interval '3 hours') t`,
  )
  const [row] = await database.run<{first: string}>(
    'select (extract(epoch from min(time)) * 1000000)::bigint::text as first from public.ticks',
  )
  const first = BigInt(row!.first)
  const views = viewsOf(first)
  for (const name of names)
    await database.autocommit(
      `create materialized view public.${name} with (timescaledb.continuous, timescaledb.materialized_only = true) as ${views[name]} with no data`,
    )
  await agree(database, {after: '4 days', maxDropPerRun: 2})
  return first
}

const rowsOf = async ({run: query}: TestDatabase) =>
  new Set((await query<{id: number}>('select id from public.ticks')).map(({id}) => id))

/** Adds to the rows that each aggregate has ever counted. */
async function look(database: TestDatabase, counted: Map<string, Set<number>>): Promise<void> {
  for (const name of names) {
    const rows = await database.run<{ids: string}>(`select ids from public.${name}`)
    for (const row of rows) for (const id of row.ids.split(',')) counted.get(name)!.add(Number(id))
  }
}

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('no row leaves the table before every aggregate has counted it, in any sequence of writes, refreshes and drops', async () => {
    const database = await engine.database()
    await replay(database, ['core'])
    await database.db.probe()
    const at = fc.integer({min: 0, max: 16 * 24})
    const action = fc.oneof(
      // TimescaleDB's log leaves out the bucket of a time zone that begins at the last row written (its issue 10296).
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('write' as const),
          at,
          place: fc.constantFrom('anywhere', 'on the hour', 'until midnight in Tokyo'),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('refresh' as const),
          view: fc.constantFrom(...names),
          from: at,
          to: at,
        }),
      },
      {weight: 2, arbitrary: fc.record({kind: fc.constant('refresh all' as const), days: fc.constantFrom(0, 8)})},
      {weight: 3, arbitrary: fc.record({kind: fc.constant('retain' as const)})},
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('drop' as const),
          at,
          refreshFirst: fc.boolean(),
          atMost: fc.constantFrom(1, 3),
        }),
      },
    )
    const refresh = (view: string, from: string, to: string) =>
      database
        .autocommit(`call refresh_continuous_aggregate('public.${view}', '${from}', '${to}')`)
        .catch((error: unknown) => expect(String(error)).toContain('window too small'))
    let left = 0
    await fc.assert(
      fc.asyncProperty(fc.array(action, {minLength: 6, maxLength: 14}), async (actions) => {
        const first = await fresh(database)
        const counted = new Map(names.map((name) => [name, new Set<number>()]))
        const point = (hours: number) => instantOf(first + BigInt(hours) * hour)!
        for (const name of names)
          await database.autocommit(`call refresh_continuous_aggregate('public.${name}', null, null)`)
        await look(database, counted)
        for (const step of actions) {
          if (step.kind === 'write') {
            // Rows older than the dropped ones would be in new chunks, from which nothing is lost.
            await database.run(
              "insert into public.ticks (time) select $1::timestamptz + delay from unnest($2::interval[]) as delay where $1::timestamptz >= (select min(range_start) from timescaledb_information.chunks where hypertable_name = 'ticks')",
              step.place === 'until midnight in Tokyo'
                ? [point(step.at - (step.at % 24) + 13), ['30 minutes', '2 hours']]
                : [point(step.at), [step.place === 'anywhere' ? '17 minutes' : '0']],
            )
          }
          if (step.kind === 'refresh') {
            const [from, to] = [Math.min(step.from, step.to), Math.max(step.from, step.to)]
            await refresh(step.view, point(from), point(to))
          }
          if (step.kind === 'refresh all')
            for (const name of names) await refresh(name, point(step.days * 24), point(17 * 24))
          await look(database, counted)
          const before = await rowsOf(database)
          if (step.kind === 'retain') await retain(database)
          if (step.kind === 'drop') {
            const planned = await drop(database.db, 'public.ticks', point(step.at), {
              refreshFirst: step.refreshFirst,
              atMost: step.atMost,
            }).catch((error: unknown) => {
              expect(error).toMatchObject({code: 'NOT_COVERED'})
              return null
            })
            if (planned !== null) await run(database.db, planned.plan)
          }
          await look(database, counted)
          const after = await rowsOf(database)
          const gone = [...before].filter((id) => !after.has(id))
          left += gone.length
          for (const name of names)
            expect(
              gone.filter((id) => !counted.get(name)!.has(id)),
              `${name} after ${JSON.stringify(step)}`,
            ).toEqual([])
        }
      }),
      {numRuns: engine.native ? 10 : 2, endOnFailure: true},
    )
    expect(left).toBeGreaterThan(0)
  }, 300_000)
})
