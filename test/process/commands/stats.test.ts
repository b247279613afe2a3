import {describe, expect, it} from 'vitest'
import type {ChunksReport} from '../../../src/reports/chunks.js'
import type {CompressionReport} from '../../../src/reports/compression.js'
import type {QueriesReport} from '../../../src/reports/queries.js'
import type {StatsReport} from '../../../src/reports/stats.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {compressible, compressOldest, fills, numberOf, prices} from '../../helpers/catalog-time-series.js'

// Each run of the binary opens the embedded directory again, which takes seconds on a busy machine.
const timeout = 180_000

forEachEngine({}, (engine) => {
  it(
    'every report is one JSON document that begins with its kind, and the same table is text, CSV and JSON',
    async () => {
      const url = await engine.urlFor(fills)
      const json = await runCli(['stats', '--url', url, '--json'])
      expectExit(json, 0)
      const report = jsonOf<StatsReport>(json)
      expect(Object.keys(report).slice(0, 4)).toEqual(['kind', 'version', 'target', 'at'])
      expect(report).toMatchObject({kind: 'stats', version: 1, target: expect.any(String)})
      expect(report.tables.map(({schema, table, kind}) => ({schema, table, kind}))).toEqual([
        {schema: 'risk', table: 'Fills 1', kind: 'partitioned'},
      ])

      // A suggested command repeats --url and is never broken, so a line may be longer because of it.
      const text = await runCli(['stats'], {env: {QICORE_DB_URL: url}})
      expectExit(text, 0)
      expect(text.stdout).toMatch(/^ TABLE +SIZE/)
      expect(text.stdout).toContain('risk."Fills 1"')
      expect(text.stdout).not.toContain('\u001b[')
      for (const line of text.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)

      const csv = await runCli(['stats', '--url', url, '--csv', '--no-headers'])
      expectExit(csv, 0)
      expect(csv.stdout.trim().split(',').slice(0, 5)).toEqual([
        'risk',
        'Fills 1',
        'partitioned',
        'false',
        String(report.tables[0]!.totalBytes),
      ])

      const chunks = jsonOf<ChunksReport>(await runCli(['chunks', 'list', 'risk."Fills 1"', '--url', url, '--json']))
      expect(chunks).toMatchObject({kind: 'stats.chunks', totalChunks: 3})
      expect(chunks.chunks.map(({rangeStart}) => rangeStart)).toEqual([
        '2026-02-01T00:00:00.000Z',
        '2026-02-01T00:00:00.000Z',
        '2026-01-01T00:00:00.000Z',
      ])
      expect(jsonOf<CompressionReport>(await runCli(['stats', 'compression', '--url', url, '--json']))).toMatchObject({
        kind: 'stats.compression',
        tables: [],
      })
      expect(jsonOf<QueriesReport>(await runCli(['stats', 'queries', '--url', url, '--json']))).toMatchObject({
        kind: 'stats.queries',
        queries: [],
      })
    },
    timeout,
  )
})

// These assertions do not depend on the engine, and a server opens in a tenth of the time.
forEachEngine({native: true}, (engine) => {
  it(
    'a table that does not exist, no database at all and an unknown flag exit 2 with one sentence',
    async () => {
      const url = await engine.urlFor(fills)
      for (const [args, code] of [
        [['stats', 'chunks', 'nowhere'], 'NO_SUCH_TABLE'],
        [['stats', 'compression', 'f2a'], 'NOT_A_HYPERTABLE'],
        [['stats', 'queries', 'no where'], 'BAD_NAME'],
        [['stats', 'chunks', '--frist'], 'USAGE'],
      ] as const) {
        const result = await runCli([...args, '--url', url, '--json'])
        expectExit(result, 2)
        expect(jsonOf(result)).toMatchObject({error: {code, exitCode: 2, message: expect.any(String)}})
        const text = await runCli([...args, '--url', url])
        expectExit(text, 2)
        expect(text.stdout).toBe('')
        expect(text.stderr).not.toMatch(/\n\s+at /)
      }
    },
    timeout,
  )

  it(
    'the configuration says which tables are managed and what unit integers have',
    async () => {
      const url = await engine.urlFor(async (database) => {
        await fills(database)
        await database.run('create table counted (ts bigint not null) partition by range (ts)')
        await database.run('create table counted_1 partition of counted for values from (0) to (9223372036854775807)')
        await database.run('insert into counted values (1767225600123)')
      })
      const cwd = directoryWith({
        'qicore-db.config.yaml': 'version: 1\ntables:\n  risk."Fills 1": {}\n  public.counted: { timeUnit: ms }\n',
      })
      const {tables} = jsonOf<StatsReport>(await runCli(['stats', '--url', url, '--json'], {cwd}))
      expect(tables.map(({table, managed}) => ({table, managed}))).toEqual([
        {table: 'Fills 1', managed: true},
        {table: 'counted', managed: true},
      ])
      expect(tables[1]!.newest).toBe('2026-01-01T00:00:00.123Z')
    },
    timeout,
  )
})

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  describe('on a database with compressed chunks', () => {
    it(
      'shows the same bytes as SQL, and chunks newest first',
      async () => {
        let size = 0
        const url = await engine.urlFor(async (database) => {
          await prices(database)
          await compressible(database)
          await compressOldest(database, 3)
          await database.run(
            `select alter_job(add_compression_policy('prices', interval '7 days'), scheduled => false)`,
          )
          size = await numberOf(database, `hypertable_size('prices')`)
        })
        const {tables} = jsonOf<StatsReport>(await runCli(['stats', '--url', url, '--json']))
        expect(tables[0]).toMatchObject({table: 'prices', totalBytes: size, compressedChunks: 3, late: 1})
        const late = await runCli(['stats', 'chunks', 'prices', '--late', '--url', url])
        expectExit(late, 0)
        expect(late.stdout.split('\n').filter((line) => line.startsWith('!'))).toHaveLength(3)
        expect(late.stdout).toContain('3 of 6 chunks.')
        const compression = await runCli(['stats', 'compression', '--url', url], {columns: 160})
        expect(compression.stdout).toMatch(/^!prices +3\/6 +0 +7 days/m)
      },
      timeout,
    )
  })
})
