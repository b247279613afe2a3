import {describe, expect, it} from 'vitest'
import {readTables} from '../../../src/catalog/read-tables.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {readCompression} from '../../../src/reports/compression.js'
import {dueState} from '../../../src/catalog/due.js'
import {readLivePolicies, type LivePolicy} from '../../../src/catalog/live-policies.js'
import {readStats} from '../../../src/reports/stats.js'
import {newChunk, newTable, type Chunk} from '../../../src/catalog/table.js'
import {instantOf, microsOf} from '../../../src/catalog/time.js'
import {daysAgo, thisHour, today} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {compressible, compressOldest, prices, request} from '../../helpers/catalog-time-series.js'

const day = 86_400_000_000n
const noon = '2026-11-22T12:00:00Z'
const days = (count: number) => ({months: 0, days: count, seconds: 0})

function chunk(index: number, entry: Partial<Chunk> = {}): Chunk {
  const start = microsOf('2026-11-01T00:00:00Z') + BigInt(index) * day
  return newChunk({
    relation: index,
    schema: 's',
    name: `c${index}`,
    start,
    end: start + day,
    createdAt: '2026-11-20T00:00:00Z',
    ...entry,
  })
}

function policy(chunks: Chunk[], entry: Partial<LivePolicy> = {}): LivePolicy {
  const table = newTable({
    kind: 'hypertable',
    schema: 's',
    name: 't',
    relation: 1,
    timeColumn: 'time',
    time: 'timestamptz',
    chunks,
  })
  return {
    table,
    kind: 'compression',
    job: null,
    declared: null,
    after: days(7),
    createdBefore: null,
    startOffset: null,
    endOffset: null,
    recompress: true,
    schedule: days(1),
    config: '{}',
    ...entry,
  }
}

const clock = {now: microsOf(noon), unit: null}
const sixHours = 6 * 3_600_000

describe('what a policy over chunks has to do', () => {
  it('is every chunk whose whole range is older than the age, done or not', () => {
    const chunks = Array.from({length: 21}, (_, index) => chunk(index, index < 5 ? {status: 1} : {}))
    const {due, notDone, late} = dueState(policy(chunks), clock, noon, sixHours)
    // Cutoff is 15 November noon: the chunk of the 14th ended at midnight.
    expect(due).toBe(14)
    expect(notDone.map(({chunk: {name}}) => name)).toEqual(Array.from({length: 9}, (_, index) => `c${index + 5}`))
    expect(instantOf(notDone.at(-1)!.since!)).toBe('2026-11-22T00:00:00Z')
    expect(late).toBe(true)
  })

  it('is late only after the schedule plus the grace time', () => {
    const last = chunk(13)
    expect(dueState(policy([last]), clock, noon, sixHours).late).toBe(false)
    expect(dueState(policy([last], {schedule: {months: 0, days: 0, seconds: 3600}}), clock, noon, sixHours).late).toBe(
      true,
    )
    expect(
      dueState(policy([last], {schedule: {months: 0, days: 0, seconds: 6 * 3600}}), clock, noon, sixHours).late,
    ).toBe(false)
    expect(dueState(policy([last], {schedule: null}), clock, noon, sixHours).late).toBe(false)
  })

  it('has an unknown start if a compressed chunk was refilled or is unordered', () => {
    const {notDone, late} = dueState(
      policy([chunk(0, {status: 1 | 8}), chunk(1, {status: 1 | 2}), chunk(2, {status: 1 | 2 | 8})]),
      clock,
      noon,
      sixHours,
    )
    expect(notDone.map(({since, why}) => ({since, why}))).toEqual([
      {since: null, why: 'refilled'},
      {since: null, why: 'unordered'},
      {since: null, why: 'refilled'},
    ])
    expect(late).toBe(false)
  })

  it('excludes refilled chunks if the policy does not recompress, and frozen and tiered chunks', () => {
    expect(dueState(policy([chunk(0, {status: 1 | 8})], {recompress: false}), clock, noon, sixHours)).toMatchObject({
      due: 1,
      notDone: [],
    })
    expect(
      dueState(
        policy([chunk(0, {status: 4}), chunk(1, {tiered: true}), chunk(2, {status: 4 | 1 | 8})]),
        clock,
        noon,
        sixHours,
      ),
    ).toMatchObject({due: 0, notDone: []})
    expect(dueState(policy([chunk(0, {status: 4})], {kind: 'retention'}), clock, noon, sixHours)).toMatchObject({
      due: 0,
      notDone: [],
    })
  })

  it('uses the creation time of chunks if the policy does', () => {
    const state = dueState(
      policy([chunk(0), chunk(1, {createdAt: '2026-11-22T00:00:00Z'})], {after: null, createdBefore: days(1)}),
      clock,
      noon,
      sixHours,
    )
    expect(state).toMatchObject({due: 1, late: true})
    expect(instantOf(state.notDone[0]!.since!)).toBe('2026-11-21T00:00:00Z')
  })

  it('counts months by the calendar', () => {
    const march = chunk(0, {start: microsOf('2026-01-30T00:00:00Z'), end: microsOf('2026-01-31T00:00:00Z')})
    const at = '2026-02-28T00:00:00Z'
    const monthly = policy([march], {after: {months: 1, days: 0, seconds: 0}})
    // 28 February minus one month is 28 January; 31 January plus one month is 28 February.
    expect(dueState(monthly, {now: microsOf(at), unit: null}, at, sixHours).due).toBe(0)
    expect(
      dueState(monthly, {now: microsOf('2026-03-01T00:00:00Z'), unit: null}, '2026-03-01T00:00:00Z', sixHours).due,
    ).toBe(1)
  })

  it('is unknown without a clock of the table', () => {
    const table = newTable({
      kind: 'hypertable',
      schema: 's',
      name: 't',
      relation: 1,
      timeColumn: 'ts',
      time: 'integer',
      chunks: [chunk(0, {start: 0n, end: 100n})],
    })
    expect(dueState(policy([], {table, after: 1000n}), {now: null, unit: null}, noon, sixHours)).toEqual({
      policy: expect.anything(),
      due: null,
      notDone: [],
      late: null,
    })
    expect(dueState(policy([], {table, after: 1000n}), {now: 2000n, unit: null}, noon, sixHours)).toMatchObject({
      due: 1,
      late: null,
    })
    expect(dueState(policy([], {table, after: days(7)}), {now: 2000n, unit: 's'}, noon, sixHours).due).toBeNull()
  })
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  /** Creates a policy that no scheduler runs, because this test needs the work undone. */
  const paused = ({run}: TestDatabase, add: string) => run(`select alter_job(${add}, scheduled => false)`)

  it('policies of hypertables and aggregates are found on their tables, on time and on integers', async () => {
    const database = await engine.database()
    await prices(database)
    await compressible(database)
    await paused(
      database,
      `add_compression_policy('prices', interval '1 month 3 days', schedule_interval => interval '2 hours')`,
    )
    await paused(database, `add_retention_policy('prices', drop_after => interval '20 years')`)
    await database.run('create table counted (ts bigint not null)')
    await database.run(`select create_hypertable('counted', 'ts', chunk_time_interval => 1000)`)
    await database.run(`create function clock() returns bigint language sql stable as 'select 5000::bigint'`)
    await database.run(`select set_integer_now_func('counted', 'clock')`)
    await paused(database, `add_retention_policy('counted', bigint '2500')`)
    await database.run(
      `create materialized view daily with (timescaledb.continuous) as select time_bucket('1 day', time) as d, avg(price) from prices group by 1 with no data`,
    )
    await paused(database, `add_continuous_aggregate_policy('daily', null, interval '2 hours', interval '30 minutes')`)
    await paused(database, `add_retention_policy('daily', interval '30 years')`)

    const policies = await readLivePolicies(database.db, await readTables(database.db))
    const shown = policies.map(({table, kind, after, startOffset, endOffset, schedule, job}) => ({
      of: `${kind} ${table.name}`,
      after,
      startOffset,
      endOffset,
      schedule,
      scheduled: job!.scheduled,
    }))
    const hours = (seconds: number) => ({months: 0, days: 0, seconds})
    expect(shown.sort((a, b) => (a.of < b.of ? -1 : 1))).toEqual([
      {
        of: 'compression prices',
        after: {months: 1, days: 3, seconds: 0},
        startOffset: null,
        endOffset: null,
        schedule: hours(7200),
        scheduled: false,
      },
      {
        of: 'refresh daily',
        after: null,
        startOffset: null,
        endOffset: hours(7200),
        schedule: hours(1800),
        scheduled: false,
      },
      {of: 'retention counted', after: 2500n, startOffset: null, endOffset: null, schedule: days(1), scheduled: false},
      {
        of: 'retention daily',
        after: {months: 360, days: 0, seconds: 0},
        startOffset: null,
        endOffset: null,
        schedule: days(1),
        scheduled: false,
      },
      {
        of: 'retention prices',
        after: {months: 240, days: 0, seconds: 0},
        startOffset: null,
        endOffset: null,
        schedule: days(1),
        scheduled: false,
      },
    ])
  })

  it('chunks that should be compressed and are not are listed with the reason, and the oldest makes the table late', async () => {
    const database = await engine.database()
    await prices(database)
    await compressible(database)
    await compressOldest(database, 4)
    await database.run(`insert into prices values ('2026-01-09 00:30', 'coin 1', 7)`)
    await paused(database, `add_compression_policy('prices', interval '7 days')`)
    const {chunks, totalChunks} = await readChunkStats(database.db, {...request, late: true})
    expect(totalChunks).toBe(6)
    expect(
      chunks.map(({rangeStart, rangeEnd, dueSince, why, late, flags}) => ({
        rangeStart,
        ends: rangeEnd,
        dueSince,
        why,
        late,
        flags,
      })),
    ).toEqual([
      {
        rangeStart: '2026-02-05T00:00:00Z',
        ends: '2026-02-12T00:00:00Z',
        dueSince: '2026-02-19T00:00:00Z',
        why: 'never compressed',
        late: true,
        flags: [],
      },
      {
        rangeStart: '2026-01-29T00:00:00Z',
        ends: '2026-02-05T00:00:00Z',
        dueSince: '2026-02-12T00:00:00Z',
        why: 'never compressed',
        late: true,
        flags: [],
      },
      {
        rangeStart: '2026-01-08T00:00:00Z',
        ends: '2026-01-15T00:00:00Z',
        dueSince: null,
        why: expect.stringContaining('rows written since'),
        late: true,
        flags: ['compressed', 'partial'],
      },
    ])
    expect((await readStats(database.db, request)).tables[0]).toMatchObject({policies: 1, late: 1})
    const {tables} = await readCompression(database.db, request)
    expect(tables[0]).toMatchObject({dueChunks: 6, notDoneChunks: 3, compressedChunks: 3, late: true})
    expect(tables[0]!.toGainBytes).toBeGreaterThan(0)
    await database.run(
      `select alter_job(job_id, config => jsonb_set(config, '{compress_after}', '"100 years"')) from timescaledb_information.jobs where proc_name = 'policy_compression'`,
    )
    expect((await readStats(database.db, request)).tables[0]).toMatchObject({policies: 1, late: 0})
    expect((await readChunkStats(database.db, {...request, late: true})).chunks).toEqual([])
  })

  it('chunks that should be dropped are late, and the next drop is predicted', async () => {
    const database = await engine.database()
    await prices(database)
    await paused(database, `add_retention_policy('prices', interval '10 years')`)
    expect((await readStats(database.db, request)).tables[0]).toMatchObject({
      policies: 1,
      late: 0,
      paused: 1,
      nextDrop: '2036-01-08T00:00:00Z',
    })
    await database.run(
      `select alter_job(job_id, config => jsonb_set(config, '{drop_after}', '"7 days"')) from timescaledb_information.jobs where proc_name = 'policy_retention'`,
    )
    expect((await readStats(database.db, request)).tables[0]).toMatchObject({late: 1, nextDrop: '2026-01-15T00:00:00Z'})
    expect((await readChunkStats(database.db, {...request, late: true})).chunks.map(({why}) => why)).toEqual(
      Array.from({length: 6}, () => 'older than the retention, not dropped'),
    )
  })

  it('an aggregate is late if rows in its window are not computed, not if its feed has stopped', async () => {
    const database = await engine.database()
    await prices(database)
    await database.run(
      `create materialized view hourly with (timescaledb.continuous) as select time_bucket('1 hour', time) as b, avg(price) from prices group by 1 with no data`,
    )
    await paused(database, `add_continuous_aggregate_policy('hourly', null, interval '1 hour', interval '1 hour')`)
    const late = async () => (await readStats(database.db, request)).tables.find(({table}) => table === 'hourly')!.late
    expect(await late(), 'never refreshed').toBe(1)
    await database.autocommit(`call refresh_continuous_aggregate('hourly', null, '2026-02-01')`)
    expect(await late(), 'nine days wait').toBe(1)
    await database.autocommit(`call refresh_continuous_aggregate('hourly', null, null)`)
    expect(await late(), 'nothing came since').toBe(0)
    await database.run(
      `insert into prices select t, 'coin 1', 1 from generate_series(${thisHour}, ${thisHour} + interval '59 minutes', '1 minute') t`,
    )
    expect(await late(), 'not due yet').toBe(0)
    await database.run(
      `insert into prices select t, 'coin 1', 1 from generate_series(${daysAgo(3)}, ${daysAgo(2)}, '1 hour') t`,
    )
    expect(await late(), 'due two days ago').toBe(1)
    // A window that begins after them never includes them.
    await database.run(
      `select alter_job(job_id, config => jsonb_set(config, '{start_offset}', '"1 day"')) from timescaledb_information.jobs where proc_name = 'policy_refresh_continuous_aggregate'`,
    )
    expect(await late(), 'outside of the window').toBe(0)
  })

  it('integer time is compared with its own clock', async () => {
    const database = await engine.database()
    await database.run('create table counted (ts bigint not null)')
    await database.run(`select create_hypertable('counted', 'ts', chunk_time_interval => 86400)`)
    await database.run(
      `insert into counted select extract(epoch from ${today})::bigint - 86400 * d from generate_series(0, 9) d`,
    )
    await database.run(
      `create function clock() returns bigint language sql stable as $$ select extract(epoch from ${today})::bigint $$`,
    )
    await database.run(`select set_integer_now_func('counted', 'clock')`)
    await paused(database, `add_retention_policy('counted', bigint '432000')`)
    const {chunks} = await readChunkStats(database.db, {...request, late: true})
    // Of the chunks of today and of nine days before, those of nine to six days ago ended at least five days ago.
    expect(chunks).toHaveLength(4)
    expect(
      chunks.every(
        ({rangeUnit, dueSince, why}) =>
          rangeUnit === 's' && dueSince !== null && why === 'older than the retention, not dropped',
      ),
    ).toBe(true)
    const at = await readStats(database.db, request)
    expect(at.tables[0]).toMatchObject({late: 1})
    // A clock whose unit is unknown: due, and since when is unknown.
    await database.run(
      `create or replace function clock() returns bigint language sql stable as $$ select (extract(epoch from ${today}) * 7)::bigint $$`,
    )
    expect((await readStats(database.db, request)).tables[0]).toMatchObject({late: null})
  })
})
