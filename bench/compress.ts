/**
 * Compressing by our own run against TimescaleDB's own policy, over equal chunks: candles of a random walk, a chunk a
 * day, three series. Our run is the whole of it: run lock, ledger, a transaction and a check a chunk. Each contestant
 * gets the same rows, written anew; only the compressing is timed.
 * QICORE_TEST_URL names the server; CHUNKS and ROUNDS make it shorter.
 */
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {planCompress} from '../src/ops/chunks/compress.js'
import {readContext} from '../src/ops/chunks/context.js'
import {execute} from '../src/plan/execute.js'
import {openLedger} from '../src/plan/ledger.js'
import {defaultLimits} from '../src/plan/limits.js'
import {takeRunLock} from '../src/plan/run-lock.js'
import {planCore, prepare} from '../src/schema/migrate/run.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {report, timing} from './measure.js'

const chunks = Number(process.env.CHUNKS ?? 200)
const rounds = Number(process.env.ROUNDS ?? 5)
const server = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
if (!server) throw new Error('Set QICORE_TEST_URL to a server with TimescaleDB.')

const database = await createDatabase(server, {})
const db = await connect(targetOf(database.url), {applicationName: 'qicore-db/bench'})
const taken = {one: [] as number[], two: [] as number[], policy: [] as number[]}
try {
  await core(db)
  await sql(`create table walk as
with minute as (select t, c, 100 + sum(random() - 0.5) over (partition by c order by t) as price
  from generate_series('2024-01-01+00'::timestamptz, '2024-01-01+00'::timestamptz + (${chunks} * 1440 - 1) * interval '1 minute', '1 minute') t, unnest(array['btc', 'eth', 'sol']) c)
select t as time, c as coin, price::numeric(20, 8) as open, (price + random())::numeric(20, 8) as high, (price - random())::numeric(20, 8) as low, (price + random() - 0.5)::numeric(20, 8) as close,
  (random() * 1000)::numeric(30, 8) as volume from minute`)
  for (let round = 0; round <= rounds; round += 1) {
    const names = ['one', 'two', 'policy'] as const
    for (const [index] of names.entries()) {
      const name = names[(index + round) % names.length]!
      const job = await fill()
      const began = performance.now()
      if (name === 'policy') await db.autocommit({...writing, statementTimeout: 0}, statement(`call run_job(${job})`))
      else await ours(name === 'one' ? 1 : 2)
      // The first round warms up.
      if (round > 0) taken[name].push(performance.now() - began)
      const [{left}] = (await db.query<{left: number}>(statement("select count(*) as left from timescaledb_information.chunks where hypertable_name = 'candles' and not is_compressed"))) as [{left: number}]
      if (left > 0) throw new Error(`${name} left ${left} chunks uncompressed`)
    }
  }
  const [one, two, policy] = [timing('one worker', taken.one), timing('two workers', taken.two), timing("TimescaleDB's own policy, CALL run_job", taken.policy)]
  report(`Compressing ${chunks} chunks of 4 320 candles, median of ${rounds}`, [one, two, policy], [
    {what: 'two workers, against one', ratio: two.median / one.median, atMost: 1 / 1.4},
    {what: 'one worker, against the policy', ratio: one.median / policy.median, atMost: 1.15},
  ])
} finally {
  await db.close()
  await database.drop()
}

async function sql(text: string): Promise<void> {
  await db.transaction({...writing, statementTimeout: 0}, (tx) => tx.query(statement(text)))
}

/** The schema qicore: without it there is no lock and no ledger to pay for. */
async function core(to: Database): Promise<void> {
  const plan = await planCore(to)
  await prepare(to, plan, {limits: defaultLimits})
}

/** The same rows again in a new table, and the id of its policy's job, which never runs by itself. */
async function fill(): Promise<number> {
  await sql('drop table if exists candles')
  await sql(`create table candles (like walk);
alter table candles alter time set not null;
select create_hypertable('candles', 'time', chunk_time_interval => interval '1 day');
create index on candles (coin, time desc);
alter table candles set (timescaledb.compress, timescaledb.compress_segmentby = 'coin', timescaledb.compress_orderby = 'time desc')`)
  await sql('insert into candles select * from walk order by time')
  const [row] = await db.transaction(writing, (tx) => tx.query<{job: number}>(statement("select add_compression_policy('candles', interval '1 day', initial_start => '2100-01-01') as job")))
  await db.autocommit(writing, statement('checkpoint'))
  return row!.job
}

async function ours(workers: number): Promise<void> {
  const context = await readContext(db, 'public.candles', null)
  const {plan} = await planCompress(db, {...context, choose: null, declared: null})
  const lock = await takeRunLock(db, plan.locks, 'bench')
  try {
    const ledger = await openLedger(db, {operation: plan.operation, actor: 'bench', targetHost: 'bench', detail: {}}, defaultLimits)
    const {steps} = await execute(db, plan, {limits: defaultLimits, ledger, workers, fence: lock.fence})
    const failed = steps.find(({status}) => status !== 'done')
    if (failed) throw new Error(`${failed.id}: ${failed.status} ${failed.error ?? ''}`)
  } finally {
    await lock.release()
  }
}
