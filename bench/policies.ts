/**
 * What `policies status` costs a server with about 10 000 chunks, 4 000 of them compressed, against the two functions
 * of TimescaleDB that say of each chunk how large and whether it is compressed. Time of the statements as the client
 * sees it, each round on a fresh connection. Wants QICORE_TEST_URL, a community edition; makes a database of its own
 * there and removes it.
 */
import {randomBytes} from 'node:crypto'
import {connect} from '../src/db/connect.js'
import type {Database, Target} from '../src/db/database.js'
import {ident, sql, statement} from '../src/db/sql.js'
import {readPolicyStatus} from '../src/reports/policies/status.js'
import {race, report} from './measure.js'

const chunks = Number(process.env.CHUNKS ?? 10_000)
const compressed = Math.round(chunks * 0.4)
const rounds = Number(process.env.ROUNDS ?? 5)
const writing = {readOnly: false, lockTimeout: 10_000, statementTimeout: 0, searchPath: 'public'} as const

const server = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
if (!server) throw new Error('QICORE_TEST_URL names the server to measure on.')
const name = `qicore_bench_${randomBytes(6).toString('hex')}`

function target(database: string): Target {
  const url = new URL(server!)
  url.pathname = `/${database}`
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

/** One statement never touches more chunks than locks allow. */
async function fill(db: Database): Promise<void> {
  const run = (text: string) => db.transaction(writing, (tx) => tx.query(statement(text)))
  await run('create table ticks (time timestamptz not null, coin_id text not null, price numeric not null)')
  await run("select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 hour')")
  await run("alter table ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'coin_id', timescaledb.compress_orderby = 'time desc')")
  for (let from = 0; from < chunks; from += 200) {
    const to = Math.min(chunks, from + 200)
    await run(`insert into ticks select date_trunc('hour', now()) - n * interval '1 hour', 'coin', 1 from generate_series(${from}, ${to - 1}) as n`)
  }
  for (let done = 0; done < compressed; done += 50)
    await run(`select compress_chunk(c) from (select c from show_chunks('ticks') c order by c offset ${done} limit ${Math.min(50, compressed - done)}) as part`)
  await run("select alter_job(add_compression_policy('ticks', interval '30 days'), scheduled => false)")
}

const spent: Record<'ours' | 'theirs', number[]> = {ours: [], theirs: []}

/** Everything between begin and commit counts, our own work in between too: an upper bound of the server's share. */
async function ours(): Promise<number> {
  return on(target(name), async (db) => {
    let ms = 0
    const measure = async <T>(work: () => Promise<T>): Promise<T> => {
      const started = performance.now()
      try {
        return await work()
      } finally {
        ms += performance.now() - started
      }
    }
    const timed: Database = {...db, server: db.server, query: (question) => measure(() => db.query(question)), transaction: (settings, work) => measure(() => db.transaction(settings, work))}
    const {policies} = await readPolicyStatus(timed, {declared: [], lateAfter: 0})
    spent.ours.push(ms)
    return policies[0]!.notDone.length
  })
}

async function theirs(): Promise<void> {
  await on(target(name), async (db) => {
    const started = performance.now()
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunks_detailed_size('ticks')`))
    await db.transaction(writing, (tx) => tx.query(sql`select * from chunk_compression_stats('ticks')`))
    spent.theirs.push(performance.now() - started)
  })
}

await on(target('postgres'), (admin) => admin.autocommit(writing, sql`create database ${ident(name)}`))
try {
  await on(target(name), (db) => db.transaction(writing, (tx) => tx.query(statement('create extension timescaledb'))))
  await on(target(name), fill)
  if ((await ours()) === 0) throw new Error('The status found nothing to do among chunks that were never compressed.')
  spent.ours.length = 0
  await race(rounds, {ours, theirs})
  const timing = (label: string, all: readonly number[]) => {
    const list = all.slice(1).sort((a, b) => a - b)
    return {name: label, median: list[Math.floor(list.length / 2)]!, min: list[0]!, max: list.at(-1)!}
  }
  const [status, functions] = [timing('policies status', spent.ours), timing('chunks_detailed_size, chunk_compression_stats', spent.theirs)]
  report(`Policies of ${chunks} chunks, ${compressed} compressed, ${rounds} interleaved rounds, fresh connections, medians`, [status, functions], [
    {what: 'policies status', ratio: status.median / functions.median, atMost: 0.3},
  ])
} finally {
  await on(target('postgres'), (admin) => admin.autocommit(writing, sql`drop database ${ident(name)} with (force)`))
}
