import type {ReportDocument} from '../../src/page/document.js'
import type {ChunkStats} from '../../src/reports/chunks.js'
import type {StorageGrowth} from '../../src/reports/growth-report.js'
import type {TableStats} from '../../src/reports/stats.js'
import {addDays} from '../../src/units/calendar-day.js'
import {instantFromMillis} from '../../src/units/instant.js'

/** The time of every document made here. */
export const reportedAt = '2026-02-01T12:00:00Z'
const hour = 3_600_000

/** A chunk of one hour. */
export function hourlyChunk(table: string, index: number, fields: Partial<ChunkStats> = {}): ChunkStats {
  const from = Date.parse(reportedAt) - (index + 1) * hour
  return {
    schema: 'public',
    table,
    chunkSchema: '_timescaledb_internal',
    chunk: `_hyper_1_${index}_chunk`,
    rangeStart: instantFromMillis(from),
    rangeEnd: instantFromMillis(from + hour),
    rangeUnit: 'time',
    flags: index > 100 ? ['compressed'] : [],
    estimatedRows: null,
    totalBytes: 1_000_000 + 1_000 * index,
    indexBytes: null,
    beforeBytes: null,
    afterBytes: null,
    ratio: null,
    space: null,
    due: false,
    dueSince: null,
    late: false,
    why: null,
    duePolicy: null,
    ...fields,
  }
}

function statsOf(table: string, chunks: number): TableStats {
  return {
    schema: 'public',
    table,
    kind: 'hypertable',
    managed: true,
    chunks,
    compressedChunks: 0,
    totalBytes: chunks * 1_000_000,
    sizeBasis: 'exact',
    skippedChunks: 0,
    shards: null,
    nodes: null,
    beforeBytes: 4_000_000,
    afterBytes: 1_000_000,
    ratio: 4,
    savedPercent: 75,
    bytesPerDay: 24_000_000,
    oldest: '2026-01-01T00:00:00Z',
    newest: reportedAt,
    policies: 1,
    late: 0,
    paused: 0,
    nextDrop: null,
  }
}

const head = {version: 1, target: null, at: reportedAt} as const

/** A complete report of tables with a number of chunks each. */
export function reportDocument(chunksOf: Readonly<Record<string, number>>): ReportDocument {
  const chunks = Object.entries(chunksOf).flatMap(([table, count]) =>
    Array.from({length: count}, (_, index) => hourlyChunk(table, index)),
  )
  const tables = Object.entries(chunksOf).map(([table, count]) => statsOf(table, count))
  const server = {
    postgres: '17.2',
    timescaledb: '2.22.1',
    edition: 'community',
    condition: [],
    inRecovery: false,
    replayedAt: null,
    workers: 'alive',
    pgCron: null,
    pgStatStatements: null,
  } as const
  return {
    kind: 'report',
    ...head,
    target: 'prod',
    program: '0.1.0',
    stats: known({
      kind: 'stats',
      ...head,
      server: {...server, citus: null, condition: []},
      tables,
      unansweredNodes: [],
      notes: [],
    }),
    compression: known({kind: 'stats.compression', ...head, tables: [], uncompressed: [], notes: []}),
    chunks: known({
      kind: 'stats.chunks',
      ...head,
      chunks,
      totalChunks: chunks.length,
      unknownChunks: 0,
      unansweredNodes: [],
      notes: [],
    }),
    policies: known({
      kind: 'policies.status',
      ...head,
      policies: [],
      other: [],
      qicoreSchema: {state: 'current'} as never,
      notes: [],
    }),
    doctor: known({
      kind: 'doctor',
      ...head,
      server: {...server, condition: []},
      checks: [
        {
          id: 'chunks.count',
          group: 'chunks',
          status: 'warning',
          title: 'too many chunks',
          findings: [
            {
              severity: 'warning',
              object: {schema: 'public', table: tables[0]?.table ?? 't'},
              message: 'Has many chunks, see https://example.org/chunks.',
              data: {},
              fix: {kind: 'command', text: 'qicore-db stats chunks'},
            },
          ],
          missing: null,
          missingFix: null,
        },
      ],
      counts: {critical: 0, warning: 1, unknown: 0, passed: 0},
    }),
    growth: known({kind: 'stats.growth', ...head, tables: [], storage: [databaseGrowth()], disk: null, notes: []}),
    jobs: known({
      kind: 'jobs.calendar',
      version: 1,
      at: reportedAt,
      days: ['2026-01-31', '2026-02-01', '2026-02-02'],
      jobs: [
        {
          name: 'maintain',
          kind: 'maintain',
          schedule: '0 2 * * *',
          timezone: 'UTC',
          runner: 'daemon',
          state: 'active',
          next: '2026-02-02T02:00:00Z',
          lastStatus: 'failed',
          lastError: 'disk full',
          runs: [
            {day: '2026-01-31', status: 'done', count: 1},
            {day: '2026-02-01', status: 'failed', count: 1},
          ],
          planned: [{day: '2026-02-02', count: 1}],
        },
      ],
      daemons: [],
    }),
    history: known({kind: 'history', version: 1, at: reportedAt, source: 'recorded', runs: []}),
    queries: known({kind: 'stats.queries', ...head, countedSince: null, queries: [], notes: []}),
  }
}

/** Thirty days of a database that grows by a gigabyte a day. */
function databaseGrowth(): StorageGrowth {
  const gigabyte = 2 ** 30
  const points = Array.from({length: 30}, (_, index) => ({
    day: addDays('2026-01-02', index),
    totalBytes: (100 + index) * gigabyte,
  }))
  const forecast = [30, 90].map((days) => ({
    days,
    bytes: (130 + days) * gigabyte,
    low: (120 + days) * gigabyte,
    high: (140 + days) * gigabyte,
  }))
  return {
    kind: 'database',
    name: 'prod',
    totalBytes: 130 * gigabyte,
    basis: 'snapshots',
    days: 30,
    firstDay: points[0]!.day,
    lastDay: points.at(-1)!.day,
    bytesPerDay: gigabyte,
    bytesPerWeek: 7 * gigabyte,
    bytesPerMonth: 30 * gigabyte,
    forecast,
    points,
  }
}

function known<Report>(report: Report): {report: Report; error: null} {
  return {report, error: null}
}
