import {expect, it} from 'vitest'
import {readStats} from '../../../src/reports/stats.js'
import {declare} from '../../../src/jobs/store/ledger-jobs.js'
import {emitJobs} from '../../../src/jobs/store/schedules.js'
import {metricsOf} from '../../../src/daemon/metrics.js'
import {readSurvey} from '../../../src/daemon/read-metrics.js'
import {createMetricsCache, type SurveyAnswer} from '../../../src/daemon/metrics-cache.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {identity, job, withCore} from '../../helpers/daemon-jobs.js'
import {notDuringTheTest, today} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('has chunks, sizes, the newest row and the undone work of policies, read at intervals and not at every scrape', async () => {
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
        return readSurvey(own, {
          sections: {tables: {}, aggregates: {}},
          limits: defaultLimits,
          partitions: () => [],
          jobs: [],
        })
      },
    )
    expect(metricsCache.look()).toEqual({tables: [], policies: [], partitions: [], lastDone: [], at: null})
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
    // The chunks of nine to four days ago ended three days ago or earlier.
    expect(policies[0]!.notDone).toBe(6)
  })

  it('has the sizes of `stats`, including aggregates and chunks that were never analyzed', async () => {
    const {db, run, autocommit} = await engine.database()
    await run(
      "create table public.t (time timestamptz not null, x int); select create_hypertable('public.t', 'time', chunk_time_interval => interval '1 day')",
    )
    await run(
      "insert into public.t select '2026-01-01Z'::timestamptz + n * interval '1 minute', n from generate_series(0, 9999) n",
    )
    await autocommit(
      "create materialized view public.per_hour with (timescaledb.continuous) as select time_bucket('1 hour', time) as bucket, max(x) as most from public.t group by 1 with no data",
    )
    await autocommit("call refresh_continuous_aggregate('public.per_hour', null, null)")
    await db.probe()
    const {tables} = await readSurvey(db, {
      sections: {tables: {}, aggregates: {}},
      limits: defaultLimits,
      partitions: () => [],
      jobs: [],
    })
    const stats = await readStats(db, {
      fast: false,
      managed: new Set(),
      lateAfter: defaultLimits.lateAfter,
      timeUnits: new Map(),
    })
    const sizes = (list: readonly {table: string; totalBytes: number | null}[]) =>
      list.map(({table, totalBytes}) => [table, totalBytes])
    expect(sizes(tables)).toEqual(sizes(stats.tables))
    expect(sizes(tables).map(([name]) => name)).toEqual(['t', 'per_hour'])
    for (const [, bytes] of sizes(tables)) expect(bytes).toBeGreaterThan(0)
  })

  it('knows after a restart when a job last succeeded, whichever runner ran it', async () => {
    const {db, run} = await withCore(await engine.database())
    const nightly = job('nightly', {schedule: '30 2 * * *'})
    await declare(db, [nightly], 'tester')
    const record = (status: string, at: string, name = 'nightly') =>
      run(
        `insert into qicore.maintenance_log (operation, job, scheduled_at, started_at, completed_at, status) values ('sql', '${name}', '${at}', '${at}', '${at}', '${status}')`,
      )
    // A job that was removed from the configuration has no age on which an alert could fire.
    await record('done', '2026-01-01T02:30:00Z', 'removed')
    await record('done', '2026-01-01T02:30:00Z')
    await record('failed', '2026-01-02T02:30:00Z')
    let cached: SurveyAnswer & {at: number | null} = {tables: [], policies: [], partitions: [], lastDone: [], at: null}
    const metrics = metricsOf({
      target: 'a',
      registry: () => null,
      connected: () => true,
      runningCount: () => 0,
      skew: () => 0,
      now: () => 0,
      metricsCache: () => cached,
    })
    await emitJobs(db, [nightly], identity('restarted'), (event) => metrics.count(event))
    const lastSuccess = async () =>
      /^qicore_db_job_last_success_timestamp_seconds\{job="nightly",target="a"\} (\d+)$/m.exec(
        await metrics.text(),
      )?.[1]
    expect(await lastSuccess()).toBe(String(Date.parse('2026-01-01T02:30:00Z') / 1000))
    await record('done_late', '2026-01-03T02:30:00Z')
    cached = {
      ...(await readSurvey(db, {
        sections: {tables: {}, aggregates: {}},
        limits: defaultLimits,
        partitions: () => [],
        jobs: ['nightly'],
      })),
      at: 1,
    }
    expect(cached.lastDone.map(({job: name}) => name)).toEqual(['nightly'])
    const later = metricsOf({
      target: 'a',
      registry: () => null,
      connected: () => true,
      runningCount: () => 0,
      skew: () => 0,
      now: () => 0,
      metricsCache: () => cached,
    })
    expect(await later.text()).toContain(
      `qicore_db_job_last_success_timestamp_seconds{job="nightly",target="a"} ${Date.parse('2026-01-03T02:30:00Z') / 1000}\n`,
    )
  })
})
