/**
 * Fills an empty database for `npm run bench scale`, which takes from a minute to an hour:
 *
 *   node --import tsx bench/fill.ts chunks 10000 postgres://postgres@localhost/bench10k
 *   node --import tsx bench/fill.ts chunks 100000 postgres://postgres@localhost/bench100k
 *   node --import tsx bench/fill.ts tables 1000 postgres://postgres@localhost/benchht
 *
 * `chunks`: one hypertable, 40 % of its chunks compressed, and a compression policy that does not run. `tables`:
 * hypertables of 5 chunks, 2 of them compressed, each with that policy. The lock table of the server must be large
 * enough for the naive queries of the benchmark: max_locks_per_transaction of 1024 for 100 000 chunks.
 */
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {connected, fillTicks, writing} from './ten-thousand-chunks.js'

const [what, amount, url] = process.argv.slice(2)
const count = Number(amount)
if ((what !== 'chunks' && what !== 'tables') || !Number.isInteger(count) || count < 1 || url === undefined)
  throw new Error('Usage: bench/fill.ts chunks|tables <number> <url of an empty database>')

const policy = (table: string) =>
  `select alter_job(add_compression_policy('${table}', interval '30 days'), scheduled => false)`

async function fillTables(db: Database): Promise<void> {
  const run = (text: string) => db.transaction(writing, (tx) => tx.query(statement(text)))
  for (let n = 1; n <= count; n += 1) {
    const name = `t${n}`
    await run(
      `create table ${name} (time timestamptz not null, device text not null, value float, unique (device, time))`,
    )
    await run(`select create_hypertable('${name}', 'time', chunk_time_interval => interval '1 day')`)
    await run(
      `insert into ${name} select t, 'd' || d, d from generate_series(timestamptz '2024-01-01', '2024-01-05 23:00', '1 hour') t, generate_series(1, 3) d`,
    )
    await run(`alter table ${name} set (timescaledb.compress, timescaledb.compress_segmentby = 'device')`)
    await run(`select compress_chunk(c) from (select c from show_chunks('${name}') c order by c limit 2) as oldest`)
    await run(policy(name))
  }
}

await connected({name: null, url, source: '--url', protected: false}, async (db) => {
  await db.transaction(writing, (tx) => tx.query(statement('create extension if not exists timescaledb')))
  if (what === 'tables') return fillTables(db)
  await fillTicks(db, count, Math.round(count * 0.4))
  await db.transaction(writing, (tx) => tx.query(statement(policy('ticks'))))
})
