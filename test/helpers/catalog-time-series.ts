import type {StatsRequest} from '../../src/reports/stats.js'
import type {TestDatabase} from './engines.js'

/** What commands read if no configuration is given. */
export const request: StatsRequest = {fast: false, managed: new Set(), timeUnits: new Map(), lateAfter: 6 * 3_600_000}

/** 40 days of hourly prices of three coins in chunks of a week, compression enabled, nothing compressed. */
export async function prices({run}: TestDatabase, name = 'prices'): Promise<void> {
  await run(`create table ${name} (time timestamptz not null, coin text not null, price numeric not null)`)
  await run(`select create_hypertable('${name}', 'time', chunk_time_interval => interval '7 days')`)
  await run(
    `insert into ${name} select t, 'coin ' || c, 100 + c from generate_series(timestamptz '2026-01-01', timestamptz '2026-02-09 23:00', '1 hour') t, generate_series(1, 3) c`,
  )
}

export async function compressible({run}: TestDatabase, name = 'prices', orderBy = 'time desc'): Promise<void> {
  await run(
    `alter table ${name} set (timescaledb.compress, timescaledb.compress_segmentby = 'coin', timescaledb.compress_orderby = '${orderBy}')`,
  )
}

/** Compresses the oldest chunks and returns their names, oldest first. */
export async function compressOldest({run}: TestDatabase, count: number, name = 'prices'): Promise<string[]> {
  const rows = await run<{chunk: string}>(
    `select compress_chunk(c)::text as chunk from show_chunks('${name}') c order by c limit ${count}`,
  )
  return rows.map(({chunk}) => chunk)
}

/** A partition set with two months and a default partition, in a schema and with names that need quotes. */
export async function fills({run}: TestDatabase): Promise<void> {
  await run('create schema risk')
  await run('create table risk."Fills 1" (t timestamptz not null, note text) partition by range (t)')
  await run(
    `create table risk."Fills 1_y2026m01" partition of risk."Fills 1" for values from ('2026-01-01') to ('2026-02-01')`,
  )
  await run(
    `create table risk."Fills 1_y2026m02" partition of risk."Fills 1" for values from ('2026-02-01') to ('2026-03-01') partition by hash (note)`,
  )
  await run('create table risk.f2a partition of risk."Fills 1_y2026m02" for values with (modulus 2, remainder 0)')
  await run('create table risk.f2b partition of risk."Fills 1_y2026m02" for values with (modulus 2, remainder 1)')
  await run(
    `insert into risk."Fills 1" select t, repeat('x', 3000) || t from generate_series(timestamptz '2026-01-03 04:05:06.789', '2026-02-20', '1 hour') t`,
  )
}

/** The number returned by a query with one row and one column. */
export async function numberOf({run}: TestDatabase, text: string): Promise<number> {
  const [row] = await run<Record<string, number | string | null>>(`select ${text}`)
  const [value] = Object.values(row ?? {})
  if (value == null) throw new Error(`no number: ${text}`)
  return Number(value)
}
