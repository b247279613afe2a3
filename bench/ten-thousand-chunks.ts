import {randomBytes} from 'node:crypto'
import {connect} from '../src/db/connect.js'
import type {Database, Target} from '../src/db/database.js'
import {ident, sql, statement} from '../src/db/sql.js'

export const chunks = Number(process.env.CHUNKS ?? 10_000)
export const compressed = Math.round(chunks * 0.4)
export const rounds = Number(process.env.ROUNDS ?? 5)
export const writing = {readOnly: false, lockTimeout: 10_000, statementTimeout: 0, searchPath: 'public'} as const

/** A database with one hypertable `ticks`, and a role that may only read. */
export interface Place {
  /** For a contestant that is a process. */
  url: string
  /** Uses a new connection: a backend caches the chunks that it has opened, and a command starts without that cache. */
  on<T>(work: (db: Database) => Promise<T>, as?: 'reader'): Promise<T>
}

/**
 * Creates it on the server that QICORE_TEST_URL names (community edition), passes it to the callback, and drops it.
 * @param changesNothing the database that QICORE_BENCH_10K names is used if it is set (filled by bench/fill.ts, which
 *   also adds the policy), which saves a minute
 */
export async function withTenThousandChunks(
  work: (place: Place) => Promise<void>,
  {changesNothing = false} = {},
): Promise<void> {
  const filled = changesNothing ? process.env.QICORE_BENCH_10K : undefined
  const server = filled ?? process.env.QICORE_TEST_URL?.split(/\s+/)[0]
  if (!server) throw new Error('QICORE_TEST_URL names the server to measure on.')
  const name = `qicore_bench_${randomBytes(6).toString('hex')}`
  const role = `${name}_reader`
  const database = filled === undefined ? name : new URL(filled).pathname.slice(1)
  const target = (database: string, user?: string): Target => {
    const url = new URL(server)
    url.pathname = `/${database}`
    if (user) url.username = user
    return {name: null, url: url.href, source: '--url', protected: false}
  }
  const on = (where: string, text: ReturnType<typeof sql>) =>
    connected(target(where), (db) => db.autocommit(writing, text))
  // A grant on the table would rewrite the rows of 14 000 chunks in pg_class.
  await on('postgres', sql`create role ${ident(role)} login in role pg_read_all_data`)
  try {
    if (filled === undefined) {
      await on('postgres', sql`create database ${ident(name)}`)
      await on(name, statement('create extension timescaledb'))
      await connected(target(name), (db) => fillTicks(db, chunks, compressed))
    }
    await work({url: target(database).url, on: (each, as) => connected(target(database, as && role), each)})
  } finally {
    if (filled === undefined) await on('postgres', sql`drop database if exists ${ident(name)} with (force)`)
    await on('postgres', sql`drop role if exists ${ident(role)}`)
  }
}

export async function connected<T>(where: Target, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await connect(where, {applicationName: 'qicore-db/bench'})
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

/**
 * Chunks with indexes and TOAST as real tables have them, of past hours. No statement touches more chunks than the lock
 * table holds.
 * @param chunks in all
 * @param compressed the oldest of them
 */
export async function fillTicks(db: Database, chunks: number, compressed: number): Promise<void> {
  const run = (text: string) => db.transaction(writing, (tx) => tx.query(statement(text)))
  await run(
    'create table ticks (time timestamptz not null, exchange_id text not null, coin_id text not null, price numeric not null, volume numeric, unique (exchange_id, coin_id, time))',
  )
  await run("select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 hour')")
  await run(
    "alter table ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'exchange_id, coin_id', timescaledb.compress_orderby = 'time desc')",
  )
  for (let from = 0; from < chunks; from += 200) {
    const to = Math.min(chunks, from + 200)
    await run(
      `insert into ticks select t, 'binance', 'coin ' || c, 100 + c, c from generate_series(timestamptz '2024-01-01' + ${from} * interval '1 hour', timestamptz '2024-01-01' + ${to} * interval '1 hour' - interval '1 minute', '15 minutes') t, generate_series(1, 3) c`,
    )
  }
  for (let done = 0; done < compressed; done += 50)
    await run(
      `select compress_chunk(c) from (select c from show_chunks('ticks') c order by c offset ${done} limit ${Math.min(50, compressed - done)}) as part`,
    )
}
