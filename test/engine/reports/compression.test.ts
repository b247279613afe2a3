import {expect, it} from 'vitest'
import {aroundCompression} from '../../../src/cli/render/stats.js'
import {readCompression} from '../../../src/reports/compression.js'
import {forEachEngine} from '../../helpers/engines.js'

const request = {fast: false, lateAfter: 3_600_000, timeUnits: new Map()}

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('stats compression names an aggregate without compression, and counts no due chunks if no policy defines what is due', async () => {
    const {db, run, autocommit} = await engine.database()
    await run('create table raw (time timestamptz not null, v int)')
    await run("select create_hypertable('raw', 'time', chunk_time_interval => interval '1 day')")
    await run(
      "insert into raw select at, 1 from generate_series('2026-11-01Z'::timestamptz, '2026-11-05Z', '1 min') at",
    )
    await run('create table byhand (like raw)')
    await run("select create_hypertable('byhand', 'time', chunk_time_interval => interval '1 day')")
    await run("insert into byhand values ('2026-11-01Z', 1), ('2026-11-03Z', 1)")
    await autocommit(
      "create materialized view minutes with (timescaledb.continuous) as select time_bucket('1 min', time) b, sum(v) v from raw group by 1 with no data",
    )
    await autocommit("call refresh_continuous_aggregate('minutes', null, '2026-11-05Z')")
    await run('alter table raw set (timescaledb.compress); alter table byhand set (timescaledb.compress)')
    await run("select compress_chunk(c) from show_chunks('byhand') c")
    await run("select add_compression_policy('raw', interval '400 years')")

    const report = await readCompression(db, request)
    expect(report.uncompressed).toMatchObject([{schema: 'public', table: 'minutes', totalBytes: expect.any(Number)}])
    expect(report.uncompressed[0]!.totalBytes).toBeGreaterThan(100_000)
    const due = Object.fromEntries(report.tables.map(({table, dueChunks}) => [table, dueChunks]))
    expect(due).toEqual({byhand: null, raw: 0})
    const {total, below} = aroundCompression(report)
    expect(total).toMatchObject({chunks: 7, compressedChunks: 2, dueChunks: null, notDoneChunks: null})
    expect(JSON.stringify(below)).toMatch(/Compression is off for minutes \(\d+ kB\)\./)

    await run('alter materialized view minutes set (timescaledb.compress)')
    expect((await readCompression(db, request)).uncompressed).toEqual([])
    expect((await readCompression(db, {...request, table: 'raw'})).uncompressed).toEqual([])
  })
})

forEachEngine({kinds: ['apache'], native: true}, (engine) => {
  it('stats compression gives no advice about tables if the edition cannot compress', async () => {
    const {db, run} = await engine.database()
    await run('create table raw (time timestamptz not null, v int)')
    await run("select create_hypertable('raw', 'time')")
    expect((await readCompression(db, request)).uncompressed).toEqual([])
  })
})
