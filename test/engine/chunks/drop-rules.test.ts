import {expect, it} from 'vitest'
import {readContext} from '../../../src/chunks/context.js'
import {planDrop} from '../../../src/chunks/drop.js'
import {countRows} from '../../../src/chunks/count-rows.js'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {renderChunks} from '../../helpers/rendered.js'
import {today} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {request} from '../../helpers/catalog-time-series.js'
import {stepResults, run} from '../../helpers/aggregates.js'
import {chunkNames, drop, tenDays} from '../../helpers/chunks.js'

const look = {width: 200, color: false, headers: true}

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('with a UUIDv7 key are dropped as planned, whatever bounds drop_chunks accepts', async (context) => {
    const database = await engine.database()
    const [found] = await database.run<{found: boolean}>(
      "select exists (select from pg_proc where proname = 'to_uuidv7') as found",
    )
    if (!found!.found) context.skip('this TimescaleDB has no UUIDv7 keys')
    await database.run(`create table ev (id uuid not null, v int); select create_hypertable('ev', by_range('id', interval '1 day'));
insert into ev select to_uuidv7(t), 1 from generate_series(timestamptz '2026-01-01', '2026-01-05 23:00', '6 hours') t`)
    const {plan, facts} = await drop(database.db, 'ev', '2026-01-03T00:00:00Z')
    expect([facts.chunks.length, facts.rows]).toEqual([2, 8])
    expect(stepResults(await run(database.db, plan)).map((line) => line.replace(/.*: /, ''))).toEqual(['done', 'done'])
    expect(await database.run('select count(*)::int as left from ev')).toEqual([{left: 12}])
    expect((await drop(database.db, 'ev', '2026-01-03T00:00:00Z')).plan.steps).toEqual([])
  })

  it('that a view reads are named in the plan; their drop fails, and the others are dropped', async () => {
    const database = await engine.database()
    await tenDays(database)
    const [first, second] = await chunkNames(database)
    await database.run(`create view "one day" as select * from _timescaledb_internal.${first}`)
    const {plan, notes} = await drop(database.db, 'm', '2024-01-03T00:00:00Z')
    expect(notes).toEqual([
      `_timescaledb_internal.${first}: PostgreSQL refuses to drop it until what depends on it is dropped: view public."one day". The other ` +
        'chunks are not affected.',
    ])
    expect(plan.steps.length).toBe(2)
    expect((await run(database.db, plan)).steps.map(({status}) => status)).toEqual(['failed', 'done'])
    const left = await chunkNames(database)
    expect([left.includes(first!), left.includes(second!)]).toEqual([true, false])
  })

  it('that are young are kept, and the plan has the age of the oldest', async () => {
    const database = await engine.database()
    await tenDays(database)
    const {plan, notes} = await drop(database.db, 'm', '2024-01-01T12:00:00Z')
    expect(plan.steps).toEqual([])
    expect(notes).toEqual([
      expect.stringMatching(
        /^No chunk is that old: the oldest of public\.m ends at 2024-01-02T00:00:00Z \(\d+ d old\)\.$/,
      ),
    ])
  })

  it('due is unknown if the unit of integers is, and a unit that puts all rows in 1970 is refused', async () => {
    const database = await engine.database()
    await database.run(`create table counted (ts bigint not null); select create_hypertable('counted', 'ts', chunk_time_interval => 86400);
insert into counted select extract(epoch from ${today})::bigint - 86400 * d from generate_series(0, 9) d`)
    await database
      .run("select alter_job(add_retention_policy('counted', bigint '432000'), scheduled => false)")
      .catch(() => {})
    const units = (unit: 's' | 'ms') => new Map([['public.counted', unit]])
    const context = await readContext(database.db, 'counted', {
      tables: {'public.counted': {timeUnit: 'ms'}},
      aggregates: {},
    } as never)
    await expect(
      planDrop(database.db, {
        ...context,
        olderThan: {age: {months: 0, days: 7, seconds: 0}},
        declared: null,
        refreshFirst: false,
        acceptLoss: false,
      }),
    ).rejects.toMatchObject({code: 'WRONG_UNIT', exitCode: 2, suggestions: [expect.stringContaining('timeUnit: s')]})
    const report = await readChunkStats(database.db, {...request, late: false, timeUnits: units('ms')})
    expect(report.notes.join()).toContain('in s they are current times')
    if (
      (await database.run("select from timescaledb_information.jobs where proc_name = 'policy_retention'")).length > 0
    ) {
      expect(new Set(report.chunks.map(({due, late}) => `${due} ${late}`))).toEqual(new Set(['null null']))
      expect(renderChunks(report, look, {late: false, fast: false})).toContain('not done: unknown')
    }
    const right = await readContext(database.db, 'counted', {
      tables: {'public.counted': {timeUnit: 's'}},
      aggregates: {},
    } as never)
    expect(right.clock).toMatchObject({unit: 's'})
  })

  it('are counted in few statements, and one that cannot be counted does not hide the others', async () => {
    const database = await engine.database()
    await tenDays(database)
    const {table} = await readContext(database.db, 'm', null)
    let asked = 0
    const counting = {
      ...database.db,
      query: (...args: Parameters<typeof database.db.query>) => {
        asked += 1
        return database.db.query(...args)
      },
    } as typeof database.db
    expect([...(await countRows(counting, table.chunks)).values()]).toEqual(Array.from({length: 10}, () => 288))
    expect(asked).toBe(1)
    const gone = {...table.chunks[3]!, name: 'not there'}
    const rows = await countRows(database.db, [...table.chunks.slice(0, 3), gone])
    expect([...rows.values()]).toEqual([288, 288, 288, null])
    expect(await chunkNames(database)).toHaveLength(10)
  })

  it('that are unordered are left unordered only if the policy says so', async (context) => {
    const database = await engine.database()
    const [version] = await database.run<{relid: boolean}>(
      "select exists (select from pg_attribute where attrelid = '_timescaledb_catalog.chunk'::regclass and attname = 'relid') as relid",
    )
    if (!version!.relid) context.skip('recompress_unordered came with TimescaleDB 2.29')
    await tenDays(database)
    const [name] = await chunkNames(database)
    await database.run(`select compress_chunk('_timescaledb_internal.${name}')`)
    await database.run(
      `update _timescaledb_catalog.chunk set status = status | 2 where relid = '_timescaledb_internal.${name}'::regclass`,
    )
    await database.run("select alter_job(add_compression_policy('m', interval '7 days'), scheduled => false)")
    const whys = async () =>
      (await readChunkStats(database.db, {...request, late: true})).chunks
        .map(({why}) => why)
        .filter((why) => why?.startsWith('unordered'))
    expect(await whys()).toHaveLength(1)
    await database.run(
      `select alter_job(job_id, config => config || '{"recompress_unordered": false}') from timescaledb_information.jobs where proc_name = 'policy_compression'`,
    )
    expect(await whys()).toEqual([])
  })
})
