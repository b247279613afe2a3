/**
 * How long statements of an application wait during `chunks compress` and `chunks decompress`, while other sessions
 * read the chunks: INSERT of one row, UPDATE over all chunks, SELECT over all chunks. The control runs the same
 * statements with the same readers and no change. Goal: a statement during a change takes no longer than the sum of the
 * control, twice the copy of the largest chunk alone (because the machine is busier then), and the budget of
 * docs/changes.md. QICORE_TEST_URL names the server; CHUNKS, ROWS and SECONDS (of each phase) make it shorter.
 */
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {planCompress} from '../src/chunks/compress.js'
import {readContext} from '../src/chunks/context.js'
import {planDecompress} from '../src/chunks/decompress.js'
import {highest, lowest} from '../src/catalog/span.js'
import {execute} from '../src/run/execute.js'
import {defaultLimits} from '../src/run/limits.js'
import type {Plan} from '../src/run/step.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {report, timing, type Goal, type Timing} from './measure.js'

const chunks = Number(process.env.CHUNKS ?? 12)
const rows = Number(process.env.ROWS ?? 20_000)
const seconds = Number(process.env.SECONDS ?? 8)
/** Milliseconds; docs/changes.md, "Compression with concurrent readers and subscribers". */
const budget = defaultLimits.exclusiveLockTimeout
const patient = {...writing, lockTimeout: 0, statementTimeout: 0}
const server = process.env.QICORE_TEST_URL?.split(/\s+/)[0]
if (!server) throw new Error('Set QICORE_TEST_URL to a server with TimescaleDB.')

/** No row matches, so that nothing is decompressed: only the locks of all chunks are taken. */
const statements = {
  INSERT: (n: number) =>
    `insert into t values ('2024-01-01+00'::timestamptz + interval '1 day' * ${n % chunks}, 'app', ${n})`,
  UPDATE: () => "update t set value = 0 where series = 'none'",
  SELECT: () => "select count(*) from t where series = 'none'",
}
type Name = keyof typeof statements

const database = await createDatabase(server, {name: 'timescaledb'})
const open = () => connect(targetOf(database.url), {applicationName: 'qicore-db/bench'})
const db = await open()
const others: Database[] = []
/** Statements that the server aborted, for example because of a deadlock. */
const failures: string[] = []
try {
  await db.query(statement(`create extension if not exists timescaledb`), patient).catch(() => {})
  await db.probe()
  for (const text of [
    'create table t (time timestamptz not null, series text not null, value float8)',
    "select create_hypertable('t', 'time', chunk_time_interval => interval '1 day')",
    `insert into t select '2024-01-01+00'::timestamptz + interval '1 day' * n / ${rows}, 's' || n % 5, n from generate_series(0, ${rows * chunks - 1}) n`,
    "alter table t set (timescaledb.compress, timescaledb.compress_segmentby = 'series', timescaledb.compress_orderby = 'time')",
  ])
    await db.query(statement(text), patient)
  const sessions = {INSERT: await another(), UPDATE: await another(), SELECT: await another()}
  const readers = [await another(), await another()]

  const control = await measure(sessions, readers, () => new Promise((resolve) => setTimeout(resolve, seconds * 1000)))
  const alone = {compress: 0, decompress: 0}
  for (const change of ['compress', 'decompress'] as const) alone[change] = await longestStep(await plan(change))
  const beside = {
    compress: await measure(sessions, readers, async () => run(await plan('compress'))),
    decompress: await measure(sessions, readers, async () => run(await plan('decompress'))),
  }

  const timings: Timing[] = []
  const goals: Goal[] = []
  for (const name of Object.keys(statements) as Name[]) {
    timings.push(timing(`${name}, no change beside it`, control[name]))
    for (const change of ['compress', 'decompress'] as const) {
      const one = timing(`${name}, beside ${change}`, beside[change][name])
      timings.push(one)
      // A statement over all chunks may wait at each of them.
      const meetings = name === 'INSERT' ? 1 : chunks
      goals.push({
        what: `longest ${name} beside ${change}, against the control, two copies and the budget of ${meetings === 1 ? 'one chunk' : `${meetings} chunks`}`,
        ratio: one.max / (Math.max(...control[name]) + meetings * (2 * alone[change] + budget)),
        atMost: 1,
      })
    }
  }
  timings.push(
    timing('longest chunk compressed alone', [alone.compress]),
    timing('longest chunk decompressed alone', [alone.decompress]),
  )
  report(`${chunks} chunks of ${rows} rows, two readers of 80 ms, longest in brackets`, timings, [
    ...goals,
    {what: 'statements that failed', ratio: failures.length, atMost: 0},
  ])
  for (const failure of new Set(failures)) process.stdout.write(`  ${failure}\n`)
} finally {
  await Promise.allSettled(others.map((each) => each.close()))
  await db.close()
  await database.drop()
}

async function another(): Promise<Database> {
  const made = await open()
  others.push(made)
  return made
}

async function plan(change: 'compress' | 'decompress'): Promise<Plan> {
  const context = await readContext(db, 'public.t', null)
  const span = {start: lowest, end: highest}
  const request = {...context, declared: null}
  return (
    change === 'compress'
      ? await planCompress(db, {...request, choose: span})
      : await planDecompress(db, {...request, span})
  ).plan
}

async function run(whole: Plan): Promise<void> {
  const {steps} = await execute(db, whole, {
    limits: {...defaultLimits, firstRetry: 200, longestRetry: 1_000, retryBudget: 60_000},
    ledger: null,
  })
  const failed = steps.filter(({status}) => status !== 'done')
  if (failed.length > 0)
    process.stdout.write(`! ${failed.length} steps were not done, the first: ${failed[0]!.error}\n`)
}

/** Milliseconds of the slowest step without other sessions. */
async function longestStep(whole: Plan): Promise<number> {
  const {steps} = await execute(db, whole, {limits: defaultLimits, ledger: null})
  return Math.max(...steps.map(({ms}) => ms ?? 0))
}

/** The duration of every statement, in milliseconds, until the work ends. */
async function measure(
  sessions: Record<Name, Database>,
  readers: readonly Database[],
  work: () => Promise<unknown>,
): Promise<Record<Name, number[]>> {
  const taken: Record<Name, number[]> = {INSERT: [], UPDATE: [], SELECT: []}
  let ended = false
  const loops = (Object.keys(statements) as Name[]).map(async (name) => {
    for (let n = 0; !ended; n += 1) {
      const began = performance.now()
      await sessions[name]
        .query(statement(statements[name](n)), patient)
        .catch((error: unknown) => failures.push(`${name}: ${String(error)}`))
      taken[name].push(performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
  const reading = readers.map(async (reader) => {
    while (!ended)
      await reader
        .query(statement('select count(*), pg_sleep(0.08) from t'), patient)
        .catch((error: unknown) => failures.push(`reader: ${String(error)}`))
  })
  await work()
  ended = true
  await Promise.all([...loops, ...reading])
  return taken
}
