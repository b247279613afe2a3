import {expect, it} from 'vitest'
import {readChunkStats} from '../../../src/reports/chunks.js'
import {readCompression} from '../../../src/reports/compression.js'
import {readStats} from '../../../src/reports/stats.js'
import {forEachEngine} from '../../helpers/engines.js'
import {compressible, compressOldest, numberOf, prices, request} from '../../helpers/catalog-time-series.js'

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('reports the same as TimescaleDB on every installed version', async () => {
    const versions: (string | undefined)[] = [undefined]
    if (engine.native) {
      const {run, db} = await engine.database()
      const rows = await run<{version: string}>(
        `select version from pg_available_extension_versions where name = 'timescaledb' and version <> '${db.server.timescaledb}' order by 1`,
      )
      versions.push(...rows.map(({version}) => version))
    }
    const tried: string[] = []
    for (const version of versions) {
      const database = await engine.database(version === undefined ? {} : {timescaledb: {version, schema: 'ts ext'}})
      const ext = version === undefined ? 'public' : '"ts ext"'
      // The functions that the helpers call are in the extension's schema.
      const entry = {
        ...database,
        run: (text: Parameters<typeof database.run>[0]) =>
          database.run(
            typeof text === 'string'
              ? text.replace(
                  /\b(create_hypertable|compress_chunk|show_chunks|time_bucket|alter_job|hypertable_size|add_\w+_policy|hypertable_compression_stats|chunks_detailed_size)\(/g,
                  `${ext}.$1(`,
                )
              : text,
          ),
      } as typeof database
      await prices(entry)
      await compressible(entry)
      await compressOldest(entry, 3)
      await entry.run(`insert into prices values ('2026-01-02 00:30', 'coin 1', 7)`)
      // Paused in the same transaction: the scheduler would otherwise do the work that this test needs undone.
      await entry.run(`select alter_job(add_compression_policy('prices', interval '7 days'), scheduled => false)`)
      await entry.run(
        `create materialized view hourly with (timescaledb.continuous) as select time_bucket('1 hour', time) as b, coin, avg(price) from prices group by 1, 2 with no data`,
      )
      await entry.run(
        `select alter_job(add_continuous_aggregate_policy('hourly', interval '30 days', interval '1 hour', interval '1 hour'), scheduled => false)`,
      )
      await entry.run(`select add_retention_policy('hourly', interval '50 years')`)

      const {tables} = await readStats(entry.db, request)
      const price = tables.find(({table}) => table === 'prices')!
      const [sizes] = await entry.run<{before: number; after: number}>(
        `select before_compression_total_bytes as before, after_compression_total_bytes as after from hypertable_compression_stats('prices')`,
      )
      expect(price, entry.db.server.timescaledb!).toMatchObject({
        kind: 'hypertable',
        chunks: 6,
        compressedChunks: 2,
        totalBytes: await numberOf(entry, `hypertable_size('prices')`),
        sizeBasis: 'exact',
        beforeBytes: sizes!.before,
        afterBytes: sizes!.after,
        policies: 1,
        late: 1,
        oldest: '2026-01-01T00:00:00Z',
        newest: '2026-02-09T23:00:00Z',
      })
      expect(
        tables.find(({table}) => table === 'hourly'),
        entry.db.server.timescaledb!,
      ).toMatchObject({kind: 'aggregate', policies: 2, totalBytes: await numberOf(entry, `hypertable_size('hourly')`)})

      const {chunks} = await readChunkStats(entry.db, {...request, table: 'prices', late: false})
      const theirs = await entry.run<{chunk: string; bytes: number}>(
        `select chunk_name as chunk, total_bytes as bytes from chunks_detailed_size('prices') order by 1`,
      )
      expect(
        chunks.map(({chunk, totalBytes: bytes}) => ({chunk, bytes})).sort((a, b) => (a.chunk < b.chunk ? -1 : 1)),
      ).toEqual(theirs)
      const ranges = await entry.run<{chunk: string; start: string; end: string}>(
        `select chunk_name as chunk, range_start as start, range_end as end from timescaledb_information.chunks where hypertable_name = 'prices' order by range_start desc`,
      )
      expect(chunks.map(({chunk, rangeStart: start, rangeEnd: end}) => ({chunk, start, end}))).toEqual(ranges)
      expect(chunks.map(({flags}) => flags.join(' '))).toEqual([
        '',
        '',
        '',
        'compressed',
        'compressed',
        'compressed partial',
      ])

      const compression = await readCompression(entry.db, {...request, table: 'prices'})
      expect(compression.tables).toEqual([
        expect.objectContaining({
          chunks: 6,
          compressedChunks: 2,
          dueChunks: 6,
          notDoneChunks: 4,
          late: true,
          segmentBy: ['coin'],
          orderBy: ['time desc'],
          oldSettingsChunks: 0,
          after: '7 days',
        }),
      ])
      tried.push(entry.db.server.timescaledb!)
    }
    expect(tried).toHaveLength(versions.length)
    if (tried.length > 1) process.stderr.write(`versions: ${tried.join(', ')}\n`)
  }, 120_000)
})
