/**
 * What `stats --json` costs a server with about 10 000 chunks, 4 000 of them compressed, against the three functions
 * of TimescaleDB that give the same sizes. Time of the statements as the client sees it, each round on a fresh
 * connection: a backend that has opened a chunk once keeps it, and neither a command nor a person at psql has.
 * Wants QICORE_TEST_URL, a community edition; makes a database of its own there and removes it.
 */
import {randomBytes} from 'node:crypto'
import {connect} from '../src/db/connect.js'
import type {Database, Target} from '../src/db/database.js'
import {ident, sql, statement} from '../src/db/sql.js'
import {readStats} from '../src/reports/stats.js'
import {race, report} from './measure.js'

const chunks = Number(process.env.CHUNKS ?? 10_000)
const compressed = Math.round(chunks * 0.4)
const rounds = Number(process.env.ROUNDS ?? 5)
const writing = {readOnly: false, lockTimeout: 10_000, statementTimeout: 0, searchPath: 'public'} as const

const server = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
if (!server) throw new Error('QICORE_TEST_URL names the server to measure on.')
const name = `qicore_bench_${randomBytes(6).toString('hex')}`
const role = `${name}_reader`

function target(database: string, user?: string): Target {
  const url = new URL(server!)
  url.pathname = `/${database}`
  if (user) url.username = user
  return {name: null, url: url.href, source: '--url', protected: false}
}

async function on<T>(where: Target, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await connect(where, {applicationName: 'qicore-db/bench'})
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

/** Indexes and TOAST as real tables have them; one statement never touches more chunks than locks allow. */
async function fill(db: Database): Promise<void> {
  const run = (text: string) => db.transaction(writing, (tx) => tx.query(statement(text)))
  await run('create table ticks (time timestamptz not null, exchange_id text not null, coin_id text not null, price numeric not null, volume numeric, unique (exchange_id, coin_id, time))')
  await run(`select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 hour')`)
  await run(`alter table ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'exchange_id, coin_id', timescaledb.compress_orderby = 'time desc')`)
  for (let from = 0; from < chunks; from += 200) {
    const to = Math.min(chunks, from + 200)
    await run(`insert into ticks select t, 'binance', 'coin ' || c, 100 + c, c from generate_series(timestamptz '2025-01-01' + ${from} * interval '1 hour', timestamptz '2025-01-01' + ${to} * interval '1 hour' - interval '1 minute', '15 minutes') t, generate_series(1, 3) c`)
  }
  for (let done = 0; done < compressed; done += 50)
    await run(`select compress_chunk(c) from (select c from show_chunks('ticks') c order by c offset ${done} limit ${Math.min(50, compressed - done)}) as part`)
  await run(`grant select on ticks to ${ident(role).text}`)
}

/** The database, adding up what its statements take. */
function timed(db: Database, spent: {ms: number}): Database {
  const measure = async <T>(work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    try {
      return await work()
    } finally {
      spent.ms += performance.now() - started
    }
  }
  return {
    ...db,
    server: db.server,
    query: (question) => measure(() => db.query(question)),
    transaction: (settings, work) => {
      // The work between the statements is ours, not the server's: begin and commit count, it does not.
      let between = 0
      let since = 0
      const its = measure(() =>
        db.transaction(settings, async (tx) => {
          since = performance.now()
          const result = await work({
            async query(question) {
              between += performance.now() - since
              const rows = await tx.query(question)
              since = performance.now()
              return rows as never
            },
          })
          between += performance.now() - since
          return result
        }))
      return its.finally(() => (spent.ms -= between))
    },
  }
}

const spent: Record<'stats' | 'reader' | 'theirs', number[]> = {stats: [], reader: [], theirs: []}
const request = {fast: false, managed: new Set<string>(), timeUnits: new Map(), lateAfter: 6 * 3_600_000}

async function ours(which: 'stats' | 'reader'): Promise<number | null> {
  return on(target(name, which === 'reader' ? role : undefined), async (db) => {
    const sum = {ms: 0}
    const {tables} = await readStats(timed(db, sum), request)
    spent[which].push(sum.ms)
    return tables[0]!.totalBytes
  })
}

async function theirs(): Promise<number> {
  return on(target(name), async (db) => {
    const started = performance.now()
    const [size] = await db.transaction(writing, (tx) => tx.query<{bytes: number}>(sql`select total_bytes as bytes from hypertable_detailed_size('ticks')`))
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunks_detailed_size('ticks')`))
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunk_compression_stats('ticks')`))
    spent.theirs.push(performance.now() - started)
    return size!.bytes
  })
}

await on(target('postgres'), async (admin) => {
  await admin.autocommit(writing, sql`create database ${ident(name)}`)
  await admin.autocommit(writing, sql`create role ${ident(role)} login`)
})
try {
  await on(target(name), (db) => db.transaction(writing, (tx) => tx.query(statement('create extension timescaledb'))))
  await on(target(name), fill)
  const sizes = [await ours('stats'), await ours('reader'), await theirs()]
  if (new Set(sizes).size !== 1) throw new Error(`The sizes differ: ${sizes.join(', ')}`)
  for (const list of Object.values(spent)) list.length = 0
  await race(rounds, {stats: () => ours('stats'), reader: () => ours('reader'), theirs})
  const timing = (label: string, all: readonly number[]) => {
    const list = all.slice(1).sort((a, b) => a - b)
    return {name: label, median: list[Math.floor(list.length / 2)]!, min: list[0]!, max: list.at(-1)!}
  }
  const timings = [
    timing('stats, role that may read the directory', spent.stats),
    timing('stats, role that may not', spent.reader),
    timing('detailed sizes and compression stats', spent.theirs),
  ] as const
  report(`Statistics of ${chunks} chunks, ${compressed} compressed, ${rounds} interleaved rounds, fresh connections, medians`, timings, [
    {what: 'stats, may read the directory', ratio: timings[0].median / timings[2].median, atMost: 0.25},
    {what: 'stats, may not', ratio: timings[1].median / timings[2].median, atMost: 1},
  ])
} finally {
  await on(target('postgres'), async (admin) => {
    await admin.autocommit(writing, sql`drop database if exists ${ident(name)} with (force)`)
    await admin.autocommit(writing, sql`drop role if exists ${ident(role)}`)
  })
}
