import {describe, expect, it} from 'vitest'
import {qualifiedName} from '../../../src/catalog/table.js'
import {instantOf} from '../../../src/catalog/time.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine, type Engine, type TestDatabase} from '../../helpers/engines.js'
import {stepResults, micros, refreshPlan, run} from '../../helpers/aggregates.js'
import {drop} from '../../helpers/chunks.js'
import {replay} from '../../helpers/schema-replay.js'
import {agree, retain} from '../../helpers/policies-ticks.js'

/**
 * Hours in chunks of a day, from two days before a Monday 19 to 26 days ago, and a count for each week: a week loses a
 * part of its chunks, whatever day it is.
 */
async function weeks(engine: Engine): Promise<{database: TestDatabase; first: bigint; border: string}> {
  const database = await engine.database()
  await replay(database, ['core'])
  await database.db.probe()
  await database.run('create table public.ticks (id serial, time timestamptz not null)')
  await database.run("select create_hypertable('public.ticks', 'time', chunk_time_interval => interval '1 day')")
  await database.run(
    `insert into public.ticks (time) select t from generate_series(date_trunc('week', ${daysAgo(19)}, 'UTC') - interval '2 days', ${today}, interval '1 hour') t`,
  )
  const [{first}] = (await database.run<{first: string}>(
    'select (extract(epoch from min(time)) * 1000000)::bigint::text as first from public.ticks',
  )) as [{first: string}]
  const border = instantOf(BigInt(first) + 2n * 86_400_000_000n)!
  await database.autocommit(
    "create materialized view public.weeks with (timescaledb.continuous) as select time_bucket(interval '7 days', time) as bucket, count(*) as rows from public.ticks group by 1 with no data",
  )
  await database.autocommit("call refresh_continuous_aggregate('public.weeks', null, null)")
  return {database, first: BigInt(first), border}
}

const late = "insert into public.ticks select -1, min(time) + interval '90 minutes' from public.ticks"

describe('a late row in the rest of a bucket', () => {
  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('is not dropped uncounted by gated retention, also if a refresh of other buckets has moved the log', async () => {
      const {database, border} = await weeks(engine)
      await agree(database, {after: '14 days', maxDropPerRun: 2})
      // The first run drops the two chunks of the first bucket, the second two of the seven of the next.
      expect([await retain(database), await retain(database)]).toEqual([null, null])
      await database.run(late)
      const [begin, end] = [border, instantOf(micros(border) + 7n * 86_400_000_000n)!]
      await database.autocommit(
        `call refresh_continuous_aggregate('public.weeks', '${end}', '${instantOf(micros(end) + 14n * 86_400_000_000n)}')`,
      )
      const refused = await retain(database)
      expect(refused).toContain('public.weeks may not have counted all rows of its bucket')
      expect(await database.run('select from public.ticks where id = -1')).toHaveLength(1)
      // The suggested command computes the bucket from the remaining rows, and retention continues.
      expect(refused).toContain(`qicore-db aggregates refresh public.weeks --from ${begin} --to ${end} --accept-loss`)
      const {plan} = await refreshPlan(database.db, 'public.weeks', {
        span: {start: micros(begin), end: micros(end)},
        acceptLoss: true,
      })
      expect(stepResults(await run(database.db, plan)).every((line) => line.endsWith(': done'))).toBe(true)
      expect(await database.run('select rows::int from public.weeks order by bucket offset 1 limit 1')).toEqual([
        {rows: 5 * 24 + 1},
      ])
      expect(await retain(database)).toBeNull()
      expect(await database.run('select from public.ticks where id = -1')).toHaveLength(0)
    })

    it('is not dropped uncounted if it is at the very first instant of the chunk', async () => {
      const {database} = await weeks(engine)
      await agree(database, {after: '14 days', maxDropPerRun: 2})
      expect([await retain(database), await retain(database)]).toEqual([null, null])
      await database.run('insert into public.ticks select -1, min(time) from public.ticks')
      expect(await retain(database)).toContain('public.weeks')
      expect(await database.run('select from public.ticks where id = -1')).toHaveLength(1)
    })

    it('is not dropped uncounted by chunks drop, which suggests how to continue', async () => {
      const {database, first, border} = await weeks(engine)
      const cutoff = (days: bigint) => instantOf(first + days * 86_400_000_000n)!
      await run(database.db, (await drop(database.db, 'public.ticks', cutoff(4n))).plan)
      await database.run(late)
      const end = instantOf(micros(border) + 7n * 86_400_000_000n)!
      await database.autocommit(
        `call refresh_continuous_aggregate('public.weeks', '${end}', '${instantOf(micros(end) + 14n * 86_400_000_000n)}')`,
      )
      await expect(drop(database.db, 'public.ticks', cutoff(5n), {atMost: 1})).rejects.toMatchObject({
        code: 'NOT_COVERED',
        message: expect.stringContaining('rows of the bucket were dropped before'),
        suggestions: [
          `To compute the bucket from the rows that are left: qicore-db aggregates refresh public.weeks --from ${border} --to ${end} --accept-loss`,
          expect.stringMatching(/^--accept-loss /),
        ],
      })
      const {plan} = await drop(database.db, 'public.ticks', cutoff(5n), {acceptLoss: true})
      expect(stepResults(await run(database.db, plan)).map((line) => line.replace(/^.*: /, ''))).toEqual(['done'])
      // What was computed before is unchanged.
      expect(await database.run('select rows::int from public.weeks order by bucket offset 1 limit 1')).toEqual([
        {rows: 7 * 24},
      ])
    })

    it('is the only reason to stop: without one, a chunk is dropped with each run', async () => {
      const {database, first} = await weeks(engine)
      const before = instantOf(first + 9n * 86_400_000_000n)!
      for (let turn = 0; turn < 9; turn += 1) {
        const {plan} = await drop(database.db, 'public.ticks', before, {atMost: 1})
        expect(
          stepResults(await run(database.db, plan)).map((line) => line.replace(/^.*: /, '')),
          `run ${turn}`,
        ).toEqual(['done'])
      }
      expect((await drop(database.db, 'public.ticks', before)).plan.steps).toEqual([])
      expect(await database.run('select min(id) as oldest from public.ticks')).toEqual([{oldest: 9 * 24 + 1}])
      expect(await database.run('select rows::int from public.weeks order by bucket limit 2')).toEqual([
        {rows: 48},
        {rows: 7 * 24},
      ])
    })

    it('cannot be distinguished from a range that drop_chunks dropped, which stops retention until it is resolved by hand', async () => {
      const {database, first, border} = await weeks(engine)
      const cutoff = (days: bigint) => instantOf(first + days * 86_400_000_000n)!
      await database.run(`select drop_chunks('public.ticks', older_than => timestamptz '${cutoff(4n)}')`)
      const plan = drop(database.db, 'public.ticks', cutoff(5n))
      await expect(plan).rejects.toMatchObject({code: 'NOT_COVERED', message: expect.stringContaining('public.weeks')})
      const accepted = await drop(database.db, 'public.ticks', instantOf(micros(border) + 7n * 86_400_000_000n)!, {
        acceptLoss: true,
      })
      await run(database.db, accepted.plan)
      // From the next whole bucket on nothing has to be accepted.
      expect((await drop(database.db, 'public.ticks', cutoff(10n))).plan.steps).toHaveLength(1)
      expect(accepted.facts.coverage.map(({aggregate}) => qualifiedName(aggregate!))).toEqual(['public.weeks'])
    })
  })
})
