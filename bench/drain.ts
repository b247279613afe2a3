/**
 * Draining a default partition on a native server: the time against the bare batched move of the same rows into the
 * same tables by one loop in SQL, and how long another session waits while partitions are attached. ROWS (default 1
 * million) in four months. QICORE_BENCH_URL names the server (a role that may create databases); without it a
 * PostgreSQL 18 from npm is started.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {planDrain} from '../src/partitions/drain/drain.js'
import {execute} from '../src/run/execute.js'
import {defaultLimits} from '../src/run/limits.js'
import {startPostgres18} from '../test/helpers/postgres18.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {report, timing} from './measure.js'

const rows = Number(process.env.ROWS ?? 1_000_000)
const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const months = ['2026-01', '2026-02', '2026-03', '2026-04', '2026-05']
const rule = {
  relation: 'public.ticks',
  ahead: 0,
  timezone: 'UTC',
  earliest: '2009-01-03T00:00:00Z',
  within: {months: 1200, days: 0, seconds: 0},
  retention: null,
  timeUnit: null,
  keyFormat: null,
} as const

const server = process.env.QICORE_BENCH_URL === undefined ? await startPostgres18() : null
try {
  await bench(process.env.QICORE_BENCH_URL ?? server!.url)
} finally {
  await server?.stop()
}

async function bench(url: string): Promise<void> {
  const made = await createDatabase(url, null)
  const db = await connect(targetOf(made.url), {applicationName: 'qicore-db/bench'})
  try {
    const [ours, bare]: [number[], number[]] = [[], []]
    const waits: number[] = []
    for (let round = 0; round <= rounds; round += 1) {
      const took = {ours: 0, bare: 0}
      const order = round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)
      for (const name of order) {
        await fill(db)
        const began = performance.now()
        await (name === 'ours' ? drain(db) : moveBare(db))
        took[name] = performance.now() - began
      }
      // The first round warms up.
      if (round > 0) {
        ours.push(took.ours)
        bare.push(took.bare)
      }
    }
    report(
      `${rows} rows of four months out of a default partition (PostgreSQL ${db.server.postgres}, ${rounds} rounds)`,
      [timing('partitions drain', ours), timing('bare batched move', bare)],
      [{what: 'of the bare move', ratio: timing('', ours).median / timing('', bare).median, atMost: 1 / 0.7}],
    )
    for (let round = 0; round < rounds; round += 1) {
      await fill(db)
      waits.push(await longestWait(db))
    }
    report(
      'longest wait of a session that reads and writes the set during a drain',
      [timing('one insert and one read', waits)],
      [],
    )
  } finally {
    await db.close()
    await made.drop()
  }
}

async function fill(db: Database): Promise<void> {
  await run(
    db,
    `drop table if exists ticks cascade; create table ticks (id bigint not null, time timestamptz not null, price float8, primary key (id, time)) partition by range (time);
create index on ticks (time); create table rest partition of ticks default;
insert into ticks select n, timestamptz '2026-01-01+00' + n * (interval '120 days' / ${rows}), n from generate_series(0, ${rows - 1}) n`,
  )
  await db.autocommit(writing, statement('vacuum analyze public.rest'))
  await db.autocommit(writing, statement('checkpoint'))
}

async function drain(db: Database): Promise<void> {
  const {plan} = await planDrain(db, {rule, every: 'month'})
  const {steps} = await execute(db, plan, {limits: defaultLimits, ledger: null})
  const failed = steps.find((step) => step.status === 'failed')
  if (failed) throw new Error(failed.error ?? failed.id)
}

/** What an operator writes by hand: per month a table with the same indexes, and batches of 10 000 by time. */
async function moveBare(db: Database): Promise<void> {
  for (const [index, month] of months.slice(0, -1).entries()) {
    const range = `time >= '${month}-01+00' and time < '${months[index + 1]}-01+00'`
    await run(db, `create table public.t${index} (like public.ticks including indexes)`)
    await db.autocommit(
      writing,
      statement(`do $$ declare moved bigint; begin loop
with gone as (delete from public.rest where ctid = any (array(select ctid from public.rest where ${range} order by time limit 10000)) returning *) insert into public.t${index} select * from gone;
get diagnostics moved = row_count; commit; exit when moved = 0; end loop; end $$`),
    )
    await run(
      db,
      `alter table public.ticks attach partition public.t${index} for values from ('${month}-01+00') to ('${months[index + 1]}-01+00')`,
    )
  }
}

/** One row and one read of the newest month, over and over, by a session of its own. */
async function longestWait(db: Database): Promise<number> {
  const other = await db.openSession()
  let [running, longest] = [true, 0]
  const loop = async () => {
    for (let n = 0; running; n += 1) {
      const began = performance.now()
      await run(other, `insert into public.ticks values (${-1 - n}, '2026-04-10+00', 0)`)
      await run(other, "select from public.ticks where time = '2026-04-11+00'")
      longest = Math.max(longest, performance.now() - began)
      await sleep(2)
    }
  }
  const work = loop()
  try {
    await drain(db)
  } finally {
    running = false
    await work
    await other.close()
  }
  return longest
}

function run<Row extends object>(db: Database, text: string): Promise<Row[]> {
  return db.transaction(writing, (tx) => tx.query<Row>(statement(text)))
}
