/**
 * The export of one table on a native server, read back and verified, against psql with COPY … TO STDOUT of the same
 * table, which writes to nowhere and verifies nothing; and the resident memory of this process for a fifth of the rows
 * and for all. ROWS (default 1 million). QICORE_BENCH_URL names the server (a role that may create databases); without
 * it a PostgreSQL 18 from npm is started.
 */
import {spawnSync} from 'node:child_process'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {exportRelation} from '../src/export/export-relation.js'
import type {ExportFormat} from '../src/export/settings.js'
import {startPostgres18} from '../test/helpers/postgres18.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {race, report} from './measure.js'

const rows = Number(process.env.ROWS ?? 1_000_000)
const rounds = Number(process.env.BENCH_ROUNDS ?? 3)
const scratch = mkdtempSync(join(process.env.BENCH_DIRECTORY ?? tmpdir(), 'qicore-db-bench-'))

const server = process.env.QICORE_BENCH_URL === undefined ? await startPostgres18() : null
try {
  await bench(process.env.QICORE_BENCH_URL ?? server!.url)
} finally {
  await server?.stop()
  rmSync(scratch, {recursive: true})
}

async function bench(url: string): Promise<void> {
  const made = await createDatabase(url, null)
  const db = await connect(targetOf(made.url), {applicationName: 'qicore-db/bench'})
  try {
    await fill(db, 'fifth', rows / 5)
    await fill(db, 'ticks', rows)
    const peaks = [await peakOf(() => write(db, 'parquet', 'fifth')), await peakOf(() => write(db, 'parquet', 'ticks'))]
    const taken = await race(rounds, {
      copy: () => copy(made.url),
      parquet: () => write(db, 'parquet', 'ticks'),
      csv: () => write(db, 'csv', 'ticks'),
    })
    report(
      `${rows} rows of six columns (PostgreSQL ${db.server.postgres}, ${rounds} rounds)`,
      [
        {...taken.copy, name: 'psql, COPY … TO STDOUT to nowhere'},
        {...taken.parquet, name: 'Parquet, written, read back, compared'},
        {...taken.csv, name: 'CSV, written, read back, compared'},
      ],
      [
        {what: 'Parquet against COPY', ratio: taken.parquet.median / taken.copy.median, atMost: 25},
        {what: 'CSV against COPY', ratio: taken.csv.median / taken.copy.median, atMost: 40},
        {
          what: `resident memory: ${mb(peaks[1]!)} against ${mb(peaks[0]!)} for a fifth`,
          ratio: peaks[1]! / peaks[0]!,
          atMost: 1.5,
        },
      ],
    )
  } finally {
    await db.close()
    await made.drop()
  }
}

async function fill(db: Database, table: string, count: number): Promise<void> {
  await db.query(
    statement(`create table public.${table} as select n as id, timestamptz '2026-01-01+00' + n * interval '1 s' as time,
  'sym' || n % 100 as symbol, (n::bigint * 7919 % 100000) / 7.0::float8 as price, (n % 1000000)::numeric(20, 8) / 3 as amount, n % 7 as venue
from generate_series(1, ${count}) n`),
    writing,
  )
  await db.query(statement(`alter table public.${table} alter amount type numeric(20, 8)`), writing)
  await db.autocommit(writing, statement(`vacuum analyze public.${table}`))
}

async function write(db: Database, format: ExportFormat, table: string): Promise<void> {
  const to = mkdtempSync(join(scratch, 'run-'))
  const {manifest} = await exportRelation(
    db,
    {to, format},
    {relation: `public.${table}`, from: null, to: null},
    {lockTimeout: 2_000},
  )
  if (manifest.state !== 'verified') throw new Error('not verified')
  rmSync(to, {recursive: true})
}

function copy(url: string): void {
  const {status} = spawnSync('psql', [url, '-qc', 'copy public.ticks to stdout'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error('psql failed')
}

/** The highest resident memory while something runs, seen every 20 ms. */
async function peakOf(work: () => Promise<void>): Promise<number> {
  let peak = 0
  const look = () => (peak = Math.max(peak, process.memoryUsage.rss()))
  const timer = setInterval(look, 20)
  await work()
  look()
  clearInterval(timer)
  return peak
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
