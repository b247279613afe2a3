import {expect, it} from 'vitest'
import {readSurvey} from '../../../src/daemon/read-metrics.js'
import {createMetricsCache} from '../../../src/daemon/metrics-cache.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {notDuringTheTest, today} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('tells chunks, sizes, the newest row and what a policy has not done, once in a while and not at each question', async () => {
    const {db, run} = await engine.database()
    await run(
      "create table public.t (time timestamptz not null, x int); select create_hypertable('public.t', 'time', chunk_time_interval => interval '1 day')",
    )
    await run(`insert into public.t select ${today} - n * interval '1 day', n from generate_series(0, 9) n`)
    await run(
      `alter table public.t set (timescaledb.compress, timescaledb.compress_orderby = 'time desc'); select add_compression_policy('public.t', interval '3 days', initial_start => ${notDuringTheTest})`,
    )
    await db.probe()
    let looks = 0
    const metricsCache = createMetricsCache(
      async () => ({db, done() {}}),
      (own) => {
        looks += 1
        return readSurvey(own, {sections: {tables: {}, aggregates: {}}, limits: defaultLimits, partitions: () => []})
      },
    )
    expect(metricsCache.look()).toEqual({tables: [], policies: [], partitions: [], at: null})
    for (let tries = 0; tries < 100 && metricsCache.look().at === null; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 100))
    const {tables, policies, at} = metricsCache.look()
    expect(looks).toBe(1)
    expect(at).not.toBeNull()
    expect(tables).toMatchObject([{schema: 'public', table: 't', compressedChunks: 0}])
    const [newest] = await run<{seconds: number}>(
      'select extract(epoch from max(time))::float8 as seconds from public.t',
    )
    expect(tables[0]).toMatchObject({chunks: 10, newest: newest!.seconds})
    expect(policies).toMatchObject([{schema: 'public', table: 't', kind: 'compression', ok: false}])
    // The chunks of nine to four days ago end three days ago or earlier.
    expect(policies[0]!.notDone).toBe(6)
  })
})
