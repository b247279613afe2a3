/**
 * Adopting a table of five million rows while a writer inserts: how long its inserts wait, compared with the same writer
 * alone, and how long the adoption takes, compared with a bare INSERT … SELECT into an equal set, and where the server
 * has TimescaleDB, into an equal hypertable. QICORE_BENCH_URL names the server (a role that may create databases);
 * without it a PostgreSQL 18 from npm is started. BENCH_ROWS: rows. BENCH_TO: only `set` or only `hypertable`.
 */
import {fork} from 'node:child_process'
import {loadavg} from 'node:os'
import {fileURLToPath} from 'node:url'
import {planAdopt} from '../src/adopt/plan.js'
import type {AdoptTarget} from '../src/adopt/state.js'
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {execute} from '../src/run/execute.js'
import {defaultLimits} from '../src/run/limits.js'
import type {StepReport} from '../src/run/step.js'
import {startPostgres18} from '../test/helpers/postgres18.js'
import {createDatabase, probe, targetOf, writing} from '../test/helpers/server.js'
import {report, timing} from './measure.js'

const rows = Number(process.env.BENCH_ROWS ?? 5_000_000)
const months = 12
const week = 'week'
const columns = `symbol varchar(20) not null, time timestamptz not null, price numeric(20, 8) not null check (price > 0), volume numeric(30, 8), venue varchar(50)`
const keys = (name: string) =>
  `alter table ${name} add primary key (symbol, time); create index on ${name} (time); create index on ${name} (venue, time desc)`
const bareHypertable = `create table bare (${columns});
select create_hypertable('bare', 'time', chunk_time_interval => interval '7 days', create_default_indexes => false)`

if (process.argv[2] === 'writer') await write(process.argv[3]!)
else await bench()

async function bench(): Promise<void> {
  const url = process.env.QICORE_BENCH_URL
  const server = url === undefined ? await startPostgres18() : null
  try {
    const asked = process.env.BENCH_TO as AdoptTarget | undefined
    if (asked !== 'hypertable') await measure(url ?? server!.url, 'set')
    if (asked !== 'set' && (await hasTimescaledb(url ?? server!.url))) await measure(url ?? server!.url, 'hypertable')
    else if (asked !== 'set') process.stdout.write('no TimescaleDB on this server: not measured into a hypertable\n')
  } finally {
    await server?.stop()
  }
}

async function hasTimescaledb(url: string): Promise<boolean> {
  const {kind} = await probe(url)
  return kind === 'timescaledb'
}

async function measure(url: string, to: AdoptTarget): Promise<void> {
  const made = await createDatabase(url, to === 'hypertable' ? {name: 'timescaledb'} : null)
  const db = await connect(targetOf(made.url), {applicationName: 'qicore-db/bench'})
  try {
    await run(db, `create table ticks (${columns}); ${keys('ticks')}`)
    await run(
      db,
      `insert into ticks
select 's' || n % 50, '2026-01-01T00:00:00Z'::timestamptz + n * interval '330 days' / ${rows}, 1 + n % 1000, n, 'venue' || n % 7
from generate_series(1, ${rows}) n`,
    )
    await db.autocommit(writing, statement('vacuum analyze public.ticks'))
    const quiet = await timed(() => insertSelect(db, to))
    await run(db, 'drop table bare; checkpoint')
    let bare = 0
    await inserting(made.url, async () => {
      bare = await timed(() => insertSelect(db, to))
    })
    await run(db, 'drop table bare; checkpoint')
    const steps: StepReport[] = []
    let adopted = 0
    const busy = await inserting(made.url, async () => {
      adopted = await timed(() => adopt(db, to, steps))
    })
    const idle = await inserting(made.url, () => new Promise((resolve) => setTimeout(resolve, adopted)))
    const into = {set: `${months} and more partitions`, hypertable: `a hypertable of chunks of ${week}`}[to]
    report(
      `adopting ${rows} rows into ${into} (PostgreSQL ${db.server.postgres}, load ${loadavg()[0]!.toFixed(1)})`,
      [
        timing(`INSERT … SELECT into an equal ${to}, no writer`, [quiet]),
        timing('the same, with the writer', [bare]),
        timing('adopt, with the writer', [adopted]),
      ],
      [{what: 'of the INSERT … SELECT with the writer', ratio: adopted / bare, atMost: 1.5}],
    )
    reportWaits(busy, idle)
    printSteps(steps)
  } finally {
    await db.close()
    await made.drop()
  }
}

function reportWaits(busy: Waits, idle: Waits): void {
  report(
    `inserts of one writer: the longest (${busy.count} while adopting, ${idle.count} alone)`,
    [timing('while the table is adopted', [busy.longest]), timing('alone, for as long', [idle.longest])],
    [{what: 'more than alone, in 50 ms', ratio: (busy.longest - idle.longest) / 50, atMost: 1}],
  )
  report(
    'the same, 99 of 100',
    [timing('while the table is adopted', [busy.p99]), timing('alone, for as long', [idle.p99])],
    [],
  )
}

/** Where the time goes: steps of a kind together, and the longest ones. */
function printSteps(steps: readonly StepReport[]): void {
  const words = [...new Set(steps.map(({id}) => id.split(' ')[0]!))]
  const kinds = words.map((word) => {
    const same = steps.filter(({id}) => id.startsWith(`${word} `))
    return `${word} ${Math.round(same.reduce((sum, {ms}) => sum + (ms ?? 0), 0))} ms in ${same.length}`
  })
  const slowest = [...steps].sort((a, b) => (b.ms ?? 0) - (a.ms ?? 0)).slice(0, 5)
  const longest = slowest.map(({id, ms}) => `${id} ${Math.round(ms ?? 0)} ms`)
  process.stdout.write(`steps: ${kinds.join('; ')}\nthe longest: ${longest.join('; ')}\n`)
}

async function insertSelect(db: Database, to: AdoptTarget): Promise<void> {
  await run(db, `${to === 'set' ? bareSet() : bareHypertable}; ${keys('bare')}`)
  await run(db, 'insert into bare select * from ticks')
}

function bareSet(): string {
  const partitions = Array.from({length: months}, (_, n) => {
    const month = (at: number) => `${2026 + Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, '0')}-01`
    return `create table bare_${n} partition of bare for values from ('${month(n)}Z') to ('${month(n + 1)}Z')`
  })
  return `create table bare (${columns}) partition by range (time); ${partitions.join('; ')}`
}

async function adopt(db: Database, to: AdoptTarget, steps: StepReport[]): Promise<void> {
  const {plan} = await planAdopt(db, {
    table: 'ticks',
    column: null,
    to,
    declared: null,
    periods: {every: to === 'set' ? 'month' : week, zone: 'UTC', ahead: 1},
    earliest: '2009-01-03T00:00:00Z',
    within: {months: 12, days: 0, seconds: 0},
  })
  const {steps: done} = await execute(db, plan, {limits: defaultLimits, ledger: null})
  const failed = done.find(({status}) => status === 'failed')
  if (failed) throw new Error(failed.error ?? failed.id)
  steps.push(...done)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

interface Waits {
  longest: number
  p99: number
  count: number
}

async function inserting(url: string, work: () => Promise<unknown>): Promise<Waits> {
  // A separate process, so that work of this one does not count as waiting of the writer.
  const writer = fork(fileURLToPath(import.meta.url), ['writer', url], {execArgv: ['--import', 'tsx']})
  const message = () => new Promise<unknown>((resolve) => writer.once('message', resolve))
  await message()
  await work()
  writer.send('stop')
  const waits = (await message()) as Waits
  await new Promise((resolve) => writer.once('exit', resolve))
  return waits
}

async function write(url: string): Promise<void> {
  const db = await connect(targetOf(url), {applicationName: 'qicore-db/bench writer'})
  let stopped = false
  process.once('message', () => (stopped = true))
  const settings = {readOnly: false, lockTimeout: 0, statementTimeout: 0}
  let n = process.pid * 1_000_000
  const insert = () =>
    db.transaction(settings, (tx) =>
      tx.query(
        statement(
          "insert into public.ticks values ('writer', '2026-11-01T00:00:00Z'::timestamptz + ($1::int8 % 2000000000) * interval '1 millisecond', 1, 1, 'venue')",
          [(n += 1)],
        ),
      ),
    )
  for (let i = 0; i < 200; i += 1) await insert()
  process.send!('ready')
  const waits: number[] = []
  while (!stopped) {
    const began = performance.now()
    await insert()
    waits.push(performance.now() - began)
  }
  await db.close()
  waits.sort((a, b) => a - b)
  process.send!({longest: waits.at(-1)!, p99: waits[Math.floor(waits.length * 0.99)]!, count: waits.length})
  process.disconnect()
}

function run<Row extends object>(db: Database, text: string): Promise<Row[]> {
  return db.transaction(writing, (tx) => tx.query<Row>(statement(text)))
}
