/**
 * `chunks compress` against TimescaleDB's own policy, over equal chunks: candles of a random walk, one chunk a day,
 * three series. The time of our run includes the run lock, the ledger, and a transaction and a check for each chunk.
 * Each contestant gets the same rows in a new table; only the compression is timed.
 * - One worker and the policy compress a tenth of the chunks each in turn, because the speed of a shared machine can
 *   halve for longer than a whole run takes.
 * - Nothing is dropped before the end: ext4 skips inodes that were deleted within the last minutes when it looks for
 *   free ones, and that took a quarter of the time.
 * QICORE_TEST_URL names the server; CHUNKS and ROUNDS make it shorter. ROWS is the number of rows of each series in a
 * chunk: 1 440 make chunks of 0.5 MB, which show what a chunk costs beside its rows; with CHUNKS=8 ROWS=300000 a chunk
 * has about 100 MB, as in use.
 */
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {planCompress} from '../src/chunks/compress.js'
import {readContext} from '../src/chunks/context.js'
import {execute} from '../src/run/execute.js'
import {openLedger} from '../src/run/run-log.js'
import {defaultLimits} from '../src/run/limits.js'
import {takeRunLock} from '../src/run/run-lock.js'
import {planInstall, bootstrap} from '../src/schema/migrate/run.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {median, report, timing} from './measure.js'

const chunks = Number(process.env.CHUNKS ?? 200)
const rounds = Number(process.env.ROUNDS ?? 5)
const rows = Number(process.env.ROWS ?? 1_440)
const slice = Math.max(1, Math.round(chunks / 10))
const patient = {...writing, statementTimeout: 0}
const server = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
if (!server) throw new Error('Set QICORE_TEST_URL to a server with TimescaleDB.')

const database = await createDatabase(server, {name: 'timescaledb'})
const db = await connect(targetOf(database.url), {applicationName: 'qicore-db/bench'})
const taken = {one: [] as number[], two: [] as number[], policy: [] as number[]}
try {
  await core(db)
  await sql(`create table walk as
with minute as (select t, c, 100 + sum(random() - 0.5) over (partition by c order by t) as price
  from generate_series(0, ${chunks * rows} - 1) n, lateral (select '2024-01-01+00'::timestamptz + n * (interval '1 day' / ${rows}) as t) as at, unnest(array['btc', 'eth', 'sol']) c)
select t as time, c as coin, price::numeric(20, 8) as open, (price + random())::numeric(20, 8) as high, (price - random())::numeric(20, 8) as low, (price + random() - 0.5)::numeric(20, 8) as close,
  (random() * 1000)::numeric(30, 8) as volume from minute`)
  for (let round = 0; round <= rounds; round += 1) {
    const times = {one: 0, two: 0, policy: 0}
    const [one, two, policy] = [
      await contestant(`one_${round}`),
      await contestant(`two_${round}`),
      await contestant(`policy_${round}`),
    ]
    const timed = async <T>(name: keyof typeof times, work: () => Promise<T>): Promise<T> => {
      const began = performance.now()
      const result = await work()
      times[name] += performance.now() - began
      return result
    }
    const run = await timed('one', () => begin(one.table))
    for (let at = 0; at < chunks; at += slice) {
      const ours = () => timed('one', () => run.carryOn(at, at + slice, 1))
      const theirs = () => timed('policy', () => db.autocommit(patient, statement(`call run_job(${policy.job})`)))
      for (const turn of (at / slice + round) % 2 === 0 ? [ours, theirs] : [theirs, ours]) await turn()
    }
    await timed('one', () => run.end())
    await timed('two', async () => {
      const run = await begin(two.table)
      await run.carryOn(0, chunks, 2)
      await run.end()
    })
    for (const {table} of [one, two, policy]) {
      const [{left}] = (await db.query<{left: number}>(
        statement(
          'select count(*) as left from timescaledb_information.chunks where hypertable_name = $1 and not is_compressed',
          [table],
        ),
      )) as [{left: number}]
      if (left > 0) throw new Error(`${table}: ${left} chunks are not compressed`)
    }
    // The first round warms up.
    if (round > 0) for (const name of ['one', 'two', 'policy'] as const) taken[name].push(times[name])
  }
  const [one, two, policy] = [
    timing('one worker', taken.one),
    timing('two workers', taken.two),
    timing("TimescaleDB's own policy, CALL run_job", taken.policy),
  ]
  report(
    `Compressing ${chunks} chunks of ${3 * rows} candles, median of ${rounds}`,
    [one, two, policy],
    [
      {what: 'two workers, against one', ratio: two.median / one.median, atMost: 1 / 1.4},
      {
        what: 'one worker, against the policy in the same round',
        ratio: median(taken.one.map((ms, round) => ms / taken.policy[round]!)),
        atMost: 1.15,
      },
    ],
  )
} finally {
  await db.close()
  await database.drop()
}

async function sql(text: string): Promise<void> {
  await db.query(statement(text), patient)
}

/** Creates the schema qicore, so that the lock and the ledger are part of the measured time. */
async function core(to: Database): Promise<void> {
  const plan = await planInstall(to)
  await bootstrap(to, plan, {limits: defaultLimits})
}

/**
 * A new table with the same rows, and the id of its policy's job, which compresses a slice per call and is never
 * scheduled.
 */
async function contestant(table: string): Promise<{table: string; job: number}> {
  await sql(`create table ${table} (like walk);
alter table ${table} alter time set not null;
select create_hypertable('${table}', 'time', chunk_time_interval => interval '1 day');
create index on ${table} (coin, time desc);
alter table ${table} set (timescaledb.compress, timescaledb.compress_segmentby = 'coin', timescaledb.compress_orderby = 'time desc')`)
  await sql(`insert into ${table} select * from walk order by time`)
  const [row] = await db.query<{job: number}>(
    statement(`select add_compression_policy('${table}', interval '1 day', initial_start => '2100-01-01') as job`),
    patient,
  )
  await sql(
    `select alter_job(${row!.job}, config => config || '{"maxchunks_to_compress": ${slice}}') from timescaledb_information.jobs where job_id = ${row!.job}`,
  )
  await db.autocommit(patient, statement('checkpoint'))
  return {table, job: row!.job}
}

interface Run {
  /** Runs the steps of the plan from index `from` to `to`. */
  carryOn(from: number, to: number, workers: number): Promise<void>
  end(): Promise<void>
}

async function begin(table: string): Promise<Run> {
  const context = await readContext(db, `public.${table}`, null)
  const {plan} = await planCompress(db, {...context, choose: null, declared: null})
  const lock = await takeRunLock(db, plan.locks, 'bench')
  const ledger = await openLedger(
    db,
    {operation: plan.operation, actor: 'bench', targetHost: 'bench', detail: {}},
    defaultLimits,
  )
  return {
    async carryOn(from, to, workers) {
      const {steps} = await execute(
        db,
        {...plan, steps: plan.steps.slice(from, to)},
        {limits: defaultLimits, ledger, workers, fence: lock.fence},
      )
      const failed = steps.find(({status}) => status !== 'done')
      if (failed) throw new Error(`${failed.id}: ${failed.status} ${failed.error ?? ''}`)
    },
    end: () => lock.release(),
  }
}
