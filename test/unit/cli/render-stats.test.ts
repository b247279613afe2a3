import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {renderTable, wrap, type TableStyle} from '../../../src/cli/render/table.js'
import {formatAge, formatElapsed} from '../../../src/cli/render/words.js'
import {renderChunks, renderCompression, renderQueries, renderStats} from '../../helpers/rendered.js'
import type {ChunksReport, ChunkStats} from '../../../src/reports/chunks.js'
import type {CompressionReport, TableCompression} from '../../../src/reports/compression.js'
import type {Column} from '../../../src/units/report-table.js'
import type {StatsReport, TableStats} from '../../../src/reports/stats.js'

const narrow: TableStyle = {width: 80, color: false, headers: true}
const broad: TableStyle = {...narrow, width: 160}
const GB = 2 ** 30
const MB = 2 ** 20
const at = '2026-11-22T20:00:00Z'

const nameColumn: Column<{name: string}> = {id: 'name', heading: 'TABLE', type: 'name', value: ({name}) => name}

const table = (entry: Partial<TableStats>): TableStats => ({
  schema: 'public',
  table: 't',
  kind: 'hypertable',
  managed: true,
  chunks: 1,
  compressedChunks: 0,
  totalBytes: MB,
  sizeBasis: 'exact',
  skippedChunks: 0,
  shards: null,
  nodes: null,
  beforeBytes: null,
  afterBytes: null,
  ratio: null,
  savedPercent: null,
  bytesPerDay: null,
  oldest: null,
  newest: null,
  policies: 0,
  late: 0,
  paused: 0,
  nextDrop: null,
  ...entry,
})
const compressed = (before: number, after: number) => ({
  beforeBytes: before,
  afterBytes: after,
  ratio: before / after,
  savedPercent: (100 * (before - after)) / before,
})

const stats: StatsReport = {
  kind: 'stats',
  version: 1,
  target: 'prod',
  at,
  server: {
    postgres: '17.2',
    timescaledb: '2.22.1',
    edition: 'community',
    condition: [],
    inRecovery: false,
    replayedAt: null,
    workers: 'alive',
    pgCron: null,
    pgStatStatements: null,
    citus: null,
  },
  tables: [
    table({
      table: 'level1_data',
      chunks: 32,
      totalBytes: 138 * GB,
      bytesPerDay: 18.2 * GB,
      oldest: '2026-10-21T00:00:00Z',
      newest: '2026-11-22T19:59:58Z',
      policies: 1,
      nextDrop: '2026-11-23T00:00:00Z',
    }),
    table({
      table: 'ohlcv_data',
      chunks: 420,
      compressedChunks: 397,
      totalBytes: 41.9 * GB,
      bytesPerDay: 550 * MB,
      ...compressed(383 * GB, 22.4 * GB),
      oldest: '2024-11-22T20:00:00Z',
      newest: '2026-11-22T19:59:19Z',
      policies: 2,
      late: 1,
      nextDrop: '2026-11-20T00:00:00Z',
    }),
    table({
      schema: 'risk',
      table: 'fills',
      kind: 'partitioned',
      managed: false,
      chunks: 52,
      totalBytes: 8.9 * GB,
      bytesPerDay: 24 * MB,
      newest: '2026-11-22T19:51:00Z',
      policies: 2,
      paused: 1,
    }),
    table({
      table: 'hourly_price_averages',
      kind: 'aggregate',
      chunks: 16,
      totalBytes: 2.4 * GB,
      bytesPerDay: 2.3 * MB,
      newest: '2026-11-22T18:55:00Z',
      policies: 1,
    }),
    table({table: 'counted', chunks: 3, totalBytes: 300, newest: 1_795_463_130, policies: 1, late: null}),
  ],
  unansweredNodes: [],
  notes: [
    'Chunks of public.other (2) are not in the sizes, because another session holds a lock on them. Try again later.',
  ],
}

const compression: CompressionReport = {
  kind: 'stats.compression',
  uncompressed: [],
  version: 1,
  target: 'prod',
  at,
  notes: [],
  tables: [
    {
      schema: 'public',
      table: 'ohlcv_data',
      chunks: 420,
      compressedChunks: 397,
      dueChunks: 400,
      notDoneChunks: 3,
      late: true,
      ...compressed(383 * GB, 22.4 * GB),
      liveBytes: 22.6 * GB,
      toGainBytes: 1.8 * GB,
      segmentBy: ['exchange_id', 'coin_id', 'timeframe'],
      orderBy: ['time desc', 'id desc'],
      oldSettingsChunks: 12,
      after: '30 days',
    },
    {
      schema: 'public',
      table: 'crypto_prices',
      chunks: 604,
      compressedChunks: 596,
      dueChunks: 596,
      notDoneChunks: 0,
      late: false,
      ...compressed(212 * GB, 14.1 * GB),
      liveBytes: 14.1 * GB,
      toGainBytes: 0,
      segmentBy: ['exchange_id', 'coin_id'],
      orderBy: ['time desc', 'id desc'],
      oldSettingsChunks: 0,
      after: '7 days',
    },
    {
      schema: 'desk',
      table: 'by hand',
      chunks: 10,
      compressedChunks: 4,
      dueChunks: null,
      notDoneChunks: null,
      late: null,
      beforeBytes: null,
      afterBytes: null,
      ratio: null,
      savedPercent: null,
      liveBytes: null,
      toGainBytes: null,
      segmentBy: null,
      orderBy: null,
      oldSettingsChunks: null,
      after: null,
    } satisfies TableCompression,
  ],
}

const chunk = (entry: Partial<ChunkStats>): ChunkStats => ({
  schema: 'public',
  table: 'ohlcv_data',
  chunkSchema: '_timescaledb_internal',
  chunk: '_hyper_2_1198_chunk',
  rangeStart: '2026-10-15T00:00:00Z',
  rangeEnd: '2026-10-22T00:00:00Z',
  rangeUnit: 'time',
  estimatedRows: 20_160,
  flags: [],
  totalBytes: 961 * MB,
  indexBytes: 100 * MB,
  beforeBytes: null,
  afterBytes: null,
  ratio: null,
  space: null,
  due: false,
  dueSince: null,
  late: false,
  why: null,
  duePolicy: null,
  ...entry,
})
const chunks: ChunksReport = {
  kind: 'stats.chunks',
  version: 1,
  target: 'prod',
  at,
  notes: [],
  unansweredNodes: [],
  totalChunks: 420,
  unknownChunks: 0,
  chunks: [
    chunk({due: true, dueSince: '2026-11-21T06:00:00Z', late: true, why: 'never compressed', duePolicy: 'compression'}),
    chunk({
      chunk: '_hyper_2_702_chunk',
      rangeStart: '2026-03-05T00:00:00Z',
      rangeEnd: '2026-03-12T00:00:00Z',
      flags: ['compressed', 'partial'],
      totalBytes: 254 * MB,
      beforeBytes: 970 * MB,
      afterBytes: 97 * MB,
      ratio: 10,
      due: true,
      late: true,
      why: 'rows written since; when is not recorded',
      duePolicy: 'compression',
    }),
    chunk({chunk: '_hyper_2_3_chunk', flags: ['compressed', 'frozen'], totalBytes: null}),
    chunk({
      chunk: '_hyper_2_1_chunk',
      rangeStart: 1_000,
      rangeEnd: 2_000,
      rangeUnit: 'integer',
      flags: ['tiered'],
      totalBytes: null,
    }),
  ],
}

describe('tables', () => {
  it('of statistics fit 80 columns, with the result in the last column', () => {
    expect(renderStats(stats, narrow)).toMatchInlineSnapshot(`
      " TABLE                    SIZE   IN/DAY  CHUNKS  COMPR  SAVED   NEWEST  POLICIES
       level1_data            138 GB  18.2 GB      32      0      -       2s  ok
      !ohlcv_data            41.9 GB   550 MB     420    397  94.2%      41s  1 late
       risk.fills *          8.90 GB  24.0 MB      52      0      -     9min  1 paused
       hourly_pri…_averages  2.40 GB  2.30 MB      16      0      -  1h 5min  ok
       counted                 300 B        -       3      0      -        -  unknown
       TOTAL                  191 GB  18.8 GB     523    397  94.2%           1 late
      - Chunks of public.other (2) are not in the sizes, because another session holds
        a lock on them. Try again later.
      * not in the configuration, never changed. Sizes exact.
      Why late: qicore-db policies status"
    `)
  })

  it('of statistics show more columns at 160, and the same columns are not wider', () => {
    expect(renderStats(stats, broad)).toMatchInlineSnapshot(`
      " TABLE                     SIZE   IN/DAY  CHUNKS  AVG CHUNK  COMPR  BEFORE    AFTER  SAVED   OLDEST   NEWEST  NEXT DROP  POLICIES
       level1_data             138 GB  18.2 GB      32    4.31 GB      0       -        -      -  32d 20h       2s      in 4h  ok
      !ohlcv_data             41.9 GB   550 MB     420     102 MB    397  383 GB  22.4 GB  94.2%       2y      41s        now  1 late
       risk.fills *           8.90 GB  24.0 MB      52     175 MB      0       -        -      -        -     9min          -  1 paused
       hourly_price_averages  2.40 GB  2.30 MB      16     154 MB      0       -        -      -        -  1h 5min          -  ok
       counted                  300 B        -       3      100 B      0       -        -      -        -        -          -  unknown
       TOTAL                   191 GB  18.8 GB     523     374 MB    397  383 GB  22.4 GB  94.2%                               1 late
      - Chunks of public.other (2) are not in the sizes, because another session holds a lock on them. Try
        again later.
      * not in the configuration, never changed. Sizes exact. Why late: qicore-db policies status"
    `)
  })

  it('of compression fit 80 columns', () => {
    expect(renderCompression(compression, narrow)).toMatchInlineSnapshot(`
      " TABLE           DONE/DUE  BEFORE    AFTER  RATIO  SAVED  LIVE NOW  TO GAIN
      !ohlcv_data       397/400  383 GB  22.4 GB   17.1  94.2%   22.6 GB  1.80 GB
       crypto_prices    596/596  212 GB  14.1 GB   15.0  93.3%   14.1 GB        -
       desk."by hand"       4/-       -        -      -      -         -        -
       TOTAL              997/-  595 GB  36.5 GB   16.3  93.9%   36.7 GB  1.80 GB
      No policy compresses desk."by hand": nothing is due there.
      BEFORE, AFTER: recorded at compression. LIVE NOW: the same chunks today.
      Not done: qicore-db stats chunks ohlcv_data --late"
    `)
  })

  it('of compression show more columns at 160', () => {
    expect(renderCompression(compression, broad)).toMatchInlineSnapshot(`
      " TABLE           DONE/DUE  NOT DUE      AGE  BEFORE    AFTER  RATIO  SAVED  LIVE NOW  TO GAIN  SEGMENT BY                       ORDER BY            OLD SETTINGS
      !ohlcv_data       397/400       20  30 days  383 GB  22.4 GB   17.1  94.2%   22.6 GB  1.80 GB  exchange_id, coin_id, timeframe  time desc, id desc            12
       crypto_prices    596/596        8   7 days  212 GB  14.1 GB   15.0  93.3%   14.1 GB        -  exchange_id, coin_id             time desc, id desc             0
       desk."by hand"       4/-        -        -       -        -      -      -         -        -  -                                -                              -
       TOTAL              997/-        -           595 GB  36.5 GB   16.3  93.9%   36.7 GB  1.80 GB                                                                 12
      No policy compresses desk."by hand": nothing is due there.
      BEFORE, AFTER: recorded at compression. LIVE NOW: the same chunks today.
      Not done: qicore-db stats chunks ohlcv_data --late"
    `)
  })

  it('of chunks fit 80 columns', () => {
    expect(renderChunks(chunks, narrow, {late: true, fast: false})).toMatchInlineSnapshot(`
      " CHUNK                FROM (UTC)  SPAN  STATUS                SIZE  DUE SINCE
      !_hyper_2_1198_chunk  2026-10-15  7d    uncompressed        961 MB     1d 14h
      !_hyper_2_702_chunk   2026-03-05  7d    partial             254 MB    unknown
       _hyper_2_3_chunk     2026-10-15  7d    compressed, frozen       -          -
       _hyper_2_1_chunk     1000        1000  tiered                   -          -
       Omitted at 80 columns: ~ROWS, BEFORE.
      4 of 420 chunks. Fix: qicore-db chunks compress ohlcv_data --dry-run"
    `)
  })

  it('of chunks show more columns at 160', () => {
    expect(renderChunks(chunks, broad, {late: false, fast: true})).toMatchInlineSnapshot(`
      " CHUNK                FROM (UTC)  TO          SPAN  STATUS              ~ROWS     SIZE    INDEX  BEFORE  DUE SINCE  WHY
      !_hyper_2_1198_chunk  2026-10-15  2026-10-22  7d    uncompressed        20.2k  ~961 MB  ~100 MB       -     1d 14h  never compressed
      !_hyper_2_702_chunk   2026-03-05  2026-03-12  7d    partial             20.2k  ~254 MB  ~100 MB  970 MB    unknown  rows written since; when is not recorded
       _hyper_2_3_chunk     2026-10-15  2026-10-22  7d    compressed, frozen  20.2k        -  ~100 MB       -          -
       _hyper_2_1_chunk     1000        2000        1000  tiered              20.2k        -  ~100 MB       -          -
      420 chunks, 2 not done. Fix: qicore-db chunks compress ohlcv_data --dry-run"
    `)
  })

  it('of queries print each statement on one line', () => {
    const unknown = {minMs: null, maxMs: null, sharedBlocksHit: null, sharedBlocksRead: null, tempBlocksWritten: null}
    const queries = [
      {
        ...unknown,
        queryId: '1',
        roles: ['market'],
        topLevel: true,
        sharePercent: 99.96,
        query: 'select *\n  from crypto_prices\n where time > now() - $1::interval and exchange_id = $2',
        calls: 1_234,
        totalMs: 987_654,
        meanMs: 800.37,
        rows: 5_000_000,
      },
      {
        ...unknown,
        queryId: '2',
        roles: ['market'],
        topLevel: false,
        sharePercent: 0.04,
        query: 'select 2',
        calls: 1,
        totalMs: 400,
        meanMs: 400,
        rows: 1,
      },
      {
        ...unknown,
        queryId: null,
        roles: ['desk'],
        topLevel: null,
        sharePercent: null,
        query: null,
        calls: 3,
        totalMs: 1.5,
        meanMs: 0.5,
        rows: 0,
      },
    ]
    expect(
      renderQueries(
        {kind: 'stats.queries', version: 1, target: null, at, countedSince: '2026-11-01T08:00:00Z', queries, notes: []},
        narrow,
      ),
    ).toMatchInlineSnapshot(`
      "     TOTAL    MEAN  CALLS     ROWS   SHARE  QUERY
       16min 28s   800ms   1234  5000000  100.0%  select * from crypto_prices where t…
           400ms   400ms      1        1    0.0%  > select 2
          1.50ms  0.50ms      3        0       -  (texts of other roles)
      > ran inside another statement, whose time includes it.
      3 statements, by total time, counted since 2026-11-01 08:00. Full texts: --csv"
    `)
  })

  it('list twenty chunks and count the rest', () => {
    const many = Array.from({length: 25}, (_, index) => chunk({chunk: `_hyper_1_${index}_chunk`}))
    const text = renderChunks({...chunks, chunks: many, totalChunks: 25}, narrow, {late: false, fast: false})
    expect(text.split('\n').filter((line) => line.includes('_chunk ')).length).toBe(20)
    expect(text).toContain(' … and 5 more (--limit shows more; --csv and --json have them all)')
  })

  it('list as many chunks as the screen shows with the headline, the headers and the next prompt', () => {
    const many = Array.from({length: 60}, (_, index) => chunk({chunk: `_hyper_1_${index}_chunk`}))
    for (const height of [24, 50]) {
      const style = {...narrow, height}
      const text = renderChunks({...chunks, chunks: many, totalChunks: 60}, style, {late: false, fast: false})
      const headlineAndPrompt = 4
      expect(text.split('\n').length).toBeLessThanOrEqual(height - headlineAndPrompt)
      expect(text.split('\n').length).toBeGreaterThan(height - 8)
    }
    const tiny = renderChunks(
      {...chunks, chunks: many, totalChunks: 60},
      {...narrow, height: 3},
      {late: false, fast: false},
    )
    expect(tiny.split('\n').filter((line) => line.includes('_chunk ')).length).toBe(5)
  })

  it('are never wider than the terminal and have no trailing spaces, whatever the names', () => {
    const name = fc
      .string({unit: 'grapheme', minLength: 1, maxLength: 63})
      .filter((text) => !/[\p{C}\u2028\u2029]/u.test(text) && /^[\x20-\x7e]*$/.test(text))
    fc.assert(
      fc.property(name, name, fc.integer({min: 80, max: 240}), (schema, entry, width) => {
        const style = {...narrow, width}
        const texts = [
          renderStats({...stats, tables: stats.tables.map((row) => ({...row, schema, table: entry}))}, style),
          renderCompression(
            {...compression, tables: compression.tables.map((row) => ({...row, schema, table: entry}))},
            style,
          ),
          renderChunks(
            {
              ...chunks,
              chunks: [...chunks.chunks.map((row) => ({...row, schema, table: entry, chunk: entry})), chunk({})],
            },
            style,
            {late: false, fast: false},
          ),
        ]
        for (const line of texts.flatMap((text) =>
          text.split('\n').filter((each) => !/qicore-db (chunks|stats) /.test(each)),
        )) {
          expect(line.length, line).toBeLessThanOrEqual(width)
          expect(line, 'no space at the end').not.toMatch(/ $/)
        }
      }),
    )
  })

  it('are not truncated in a pipe', () => {
    const long = `${'x'.repeat(60)}_y`
    expect(renderStats({...stats, tables: [table({table: long})]}, {...narrow, width: null})).toContain(long)
  })

  it('have colours only if asked for, and the mark in both cases', () => {
    const plain = renderStats(stats, narrow)
    expect(plain).not.toContain('\u001b[')
    const coloured = renderStats(stats, {...narrow, color: true})
    expect(coloured).toContain('\u001b[')
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain)
    expect(plain).toContain('\n!ohlcv_data')
  })

  it('have no headers with --no-headers', () => {
    const rows = renderStats(stats, {...narrow, headers: false}).split('\n')
    expect(rows[0]).toMatch(/^ level1_data /)
    const headless = {style: {...narrow, headers: false}}
    expect(renderTable({columns: [nameColumn]}, [], {at}, headless).text).toBe('')
  })

  it('say so if there are no rows', () => {
    expect(renderStats({...stats, tables: [], notes: []}, narrow)).toContain('no hypertable')
    expect(renderCompression({...compression, tables: []}, narrow)).toContain('No table has compression')
    expect(renderChunks({...chunks, chunks: []}, narrow, {late: true, fast: false})).toBe(
      'None of the 420 chunks has outstanding work.',
    )
  })

  it('mark no table as unmanaged if none is managed', () => {
    const text = renderStats({...stats, tables: stats.tables.map((row) => ({...row, managed: false}))}, narrow)
    expect(text).not.toContain('*')
  })
})

describe('texts', () => {
  it.each([
    [0, '0s'],
    [41, '41s'],
    [60, '1min'],
    [599, '9min'],
    [3_900, '1h 5min'],
    [7_200, '2h'],
    [223_200, '2d 14h'],
    [86_400, '1d'],
    [400 * 86_400, '1y 35d'],
    [-90, 'in 1min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatAge(seconds)).toBe(text)
  })

  it.each([
    [0.0213, '0.02ms'],
    [9.4, '9.40ms'],
    [12.34, '12.3ms'],
    [250, '250ms'],
    [1_500, '1.50s'],
    [65_000, '1min 5s'],
    [600_000, '10min'],
    [36_300_000, '10h 5min'],
  ])('%d milliseconds are %s', (ms, text) => {
    expect(formatElapsed(ms)).toBe(text)
  })

  it('escape line breaks and escape sequences in names', () => {
    const rows = [{name: 'one\nline'}, {name: 'red\u001B[31m'}, {name: 'late'}]
    const marked = ({name}: {name: string}) => name === 'late'
    const {text} = renderTable({columns: [nameColumn], marked}, rows, {at}, {style: narrow})
    expect(text.split('\n')).toEqual([' TABLE', String.raw` one\nline`, String.raw` red\u001b[31m`, '!late'])
    expect(wrap('chunks of "a\u001B]0;x\u0007"', 80)).toBe(String.raw`chunks of "a\u001b]0;x\u0007"`)
  })

  it('wrap without losing words', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/), {minLength: 1, maxLength: 60}),
        fc.integer({min: 30, max: 100}),
        (words, width) => {
          const text = wrap(words.join(' '), width)
          expect(text.split(/\s+/)).toEqual(words)
          for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width)
        },
      ),
    )
  })
})
