/**
 * Partitions on a native server: how long a concurrent writer waits while 120 partitions are created, what creating
 * them costs the database compared with pg_partman and with a plain loop, and what `ensure` costs for 100 tables that
 * need nothing. QICORE_BENCH_URL names the server (a role that may create databases; with pg_partman if it is to be
 * compared); without it a PostgreSQL 18 from npm is started. BENCH_PART: only `writer`, `create` or `ensure`.
 */
import {fork} from 'node:child_process'
import {loadavg} from 'node:os'
import {fileURLToPath} from 'node:url'
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {statement} from '../src/db/sql.js'
import {planCreate} from '../src/partitions/create/create.js'
import {planEnsure} from '../src/partitions/create/ensure.js'
import {execute} from '../src/run/execute.js'
import {defaultLimits} from '../src/run/limits.js'
import type {PartitionRule} from '../src/partitions/periods.js'
import {planInstall} from '../src/schema/migrate/run.js'
import {parseCalendarBound} from '../src/units/calendar.js'
import {startPostgres18} from '../test/helpers/postgres18.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {median, race, report, type Timing} from './measure.js'

const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const columns = `id bigserial, coin_id varchar(100) not null, symbol varchar(20) not null, exchange_id varchar(50) not null references exchanges,
  usd_price numeric(20,8) not null check (usd_price > 0), time timestamptz not null, created_at timestamptz default now(), primary key (id, time, exchange_id)`
const table = (name: string) => `create table ${name} (${columns}) partition by range (time);
create index on ${name} (coin_id, exchange_id, time desc); create index on ${name} (symbol, time desc); create index on ${name} (exchange_id, time desc)`
const row = (name: string) =>
  `insert into public.${name} (coin_id, symbol, exchange_id, usd_price, time) values ('bitcoin', 'BTC', 'binance', 1, now())`

const theirMaintenance = 'pg_partman run_maintenance_proc, the same'

if (process.argv[2] === 'writer') await write(process.argv[3]!, process.argv[4]!)
else await bench()

async function bench(): Promise<void> {
  const url = process.env.QICORE_BENCH_URL
  const server = url === undefined ? await startPostgres18() : null
  try {
    await compare(url ?? server!.url)
  } finally {
    await server?.stop()
  }
}

async function compare(url: string): Promise<void> {
  const made = await createDatabase(url, null)
  const db = await connect(targetOf(made.url), {applicationName: 'qicore-db/bench'})
  try {
    await run(db, "create table exchanges (id varchar(50) primary key); insert into exchanges values ('binance')")
    await execute(db, await planInstall(db), {limits: defaultLimits, ledger: null})
    await db.probe()
    const partman = await run(db, 'create schema partman; create extension pg_partman schema partman').then(
      () => true,
      () => false,
    )
    if (!partman) process.stdout.write(`skipped: pg_partman is not on this server (PostgreSQL ${db.server.postgres})\n`)
    const part = process.env.BENCH_PART
    if (part === undefined || part === 'writer') await writerBench(db, made.url)
    if (part === undefined || part === 'create') await createBench(db, partman)
    if (part === undefined || part === 'ensure') await ensureBench(db, partman)
  } finally {
    await db.close()
    await made.drop()
  }
}

/** Inserts one row after another while partitions are created, and for as long again without other sessions. */
async function writerBench(db: Database, url: string): Promise<void> {
  const [busy, idle]: [number[], number[]] = [[], []]
  let names = 0
  for (let round = 0; round < rounds; round += 1) {
    const name = `written_${(names += 1)}`
    await run(db, table(name))
    await run(
      db,
      `create table ${name}_now partition of ${name} for values from (date_trunc('month', now())) to (date_trunc('month', now()) + interval '1 month')`,
    )
    let took = 0
    const work = async () => {
      const began = performance.now()
      await make(db, name)
      took = performance.now() - began
    }
    busy.push(await longestInsert(url, name, work))
    idle.push(await longestInsert(url, name, () => new Promise((resolve) => setTimeout(resolve, took))))
    await run(db, `drop table ${name}`)
  }
  const of = (name: string, numbers: number[]): Timing => ({
    name,
    median: median(numbers),
    min: Math.min(...numbers),
    max: Math.max(...numbers),
  })
  report(
    `longest of the inserts of one writer (PostgreSQL ${db.server.postgres}, ${rounds} rounds)`,
    [of('while 120 partitions are made', busy), of('idle control', idle)],
    [{what: 'more than the control, in 50 ms', ratio: (median(busy) - median(idle)) / 50, atMost: 1}],
  )
}

async function longestInsert(url: string, name: string, work: () => Promise<unknown>): Promise<number> {
  // A separate process, so that work of this one does not count as waiting of the writer.
  const writer = fork(fileURLToPath(import.meta.url), ['writer', url, name], {execArgv: ['--import', 'tsx']})
  const message = () => new Promise<unknown>((resolve) => writer.once('message', resolve))
  await message()
  await work()
  writer.send('stop')
  const longest = (await message()) as number
  await new Promise((resolve) => writer.once('exit', resolve))
  return longest
}

async function write(url: string, name: string): Promise<void> {
  const db = await connect(targetOf(url), {applicationName: 'qicore-db/bench writer'})
  let stopped = false
  process.once('message', () => (stopped = true))
  const settings = {readOnly: false, lockTimeout: 0, statementTimeout: 0}
  const insert = () => db.transaction(settings, (tx) => tx.query(statement(row(name))))
  for (let i = 0; i < 200; i += 1) await insert()
  process.send!('ready')
  let longest = 0
  while (!stopped) {
    const began = performance.now()
    await insert()
    longest = Math.max(longest, performance.now() - began)
  }
  await db.close()
  process.send!(longest)
  process.disconnect()
}

/** The last 118 months, the current one and the next. */
async function make(db: Database, name: string): Promise<void> {
  const [range] = await db.query<{from: string; to: string}>(
    statement(
      "select to_char(now() - interval '118 months', 'YYYY-MM') as from, to_char(now() + interval '1 month', 'YYYY-MM') as to",
    ),
  )
  const rule = {
    relation: `public.${name}`,
    timezone: 'UTC',
    earliest: '2009-01-03T00:00:00Z',
    within: {months: 12, days: 0, seconds: 0},
    timeUnit: null,
    keyFormat: null,
  }
  const plan = await planCreate(db, {
    rule,
    every: 'month',
    from: parseCalendarBound(range!.from),
    to: parseCalendarBound(range!.to),
  })
  const {steps} = await execute(db, plan, {limits: defaultLimits, ledger: null})
  const failed = steps.find((step) => step.status === 'failed')
  if (failed) throw new Error(failed.error ?? failed.id)
}

async function createBench(db: Database, partman: boolean): Promise<void> {
  const names: string[] = []
  const fresh = async (prefix: string) => {
    const name = `${prefix}_${names.length}`
    names.push(name)
    await run(db, table(name))
    return name
  }
  const contestants: Record<string, () => Promise<unknown>> = {
    'our 120 steps': async () => make(db, await fresh('ours')),
    'a loop of create_monthly_partition': async () => {
      const name = await fresh('loop')
      for (let month = -118; month <= 1; month += 1)
        await run(db, `select qicore.create_partition('public.${name}', 'month', now() + interval '${month} months')`)
    },
    ...(partman && {
      'pg_partman create_parent': async () => {
        const name = await fresh('partman')
        await run(
          db,
          `select partman.create_parent('public.${name}', 'time', 'native', '1 month', p_premake := 1, p_start_partition := (date_trunc('month', now()) - interval '118 months')::text)`,
        )
      },
    }),
  }
  const times = await databaseTime(db, contestants)
  const timings = await race(rounds, contestants)
  for (const name of names) {
    const [count] = await run<{n: number}>(
      db,
      `select count(*)::int as n from pg_inherits where inhparent = 'public.${name}'::regclass`,
    )
    if (count!.n < 120) throw new Error(`${name} has ${count!.n} partitions`)
    await run(db, `drop table ${name}`)
  }
  if (partman) await run(db, 'delete from partman.part_config')
  report('120 monthly partitions, as the client waits for them', Object.values(timings), [])
  if (times === null)
    return void process.stdout.write('skipped: database time, pg_stat_statements is not loaded on this server\n')
  const {'our 120 steps': ours, 'a loop of create_monthly_partition': loop, 'pg_partman create_parent': theirs} = times
  report('the same in database time', Object.values(times), [
    {what: 'of a plain loop', ratio: ours!.median / loop!.median, atMost: 1.5},
    ...(theirs ? [{what: 'of pg_partman', ratio: ours!.median / theirs.median, atMost: 1.5}] : []),
  ])
}

/** Time that the server spent on each, by pg_stat_statements; null if that is not loaded. */
async function databaseTime(
  db: Database,
  contestants: Record<string, () => Promise<unknown>>,
): Promise<Record<string, Timing> | null> {
  const loaded = await run(
    db,
    'create extension if not exists pg_stat_statements; select count(*) from pg_stat_statements',
  ).then(
    () => true,
    () => false,
  )
  if (!loaded) return null
  const total = async () => {
    const [row] = await run<{ms: number}>(
      db,
      'select sum(total_exec_time + total_plan_time) as ms from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())',
    )
    return row?.ms ?? 0
  }
  const numbers: Record<string, number[]> = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const [name, work] of Object.entries(contestants)) {
      // Every statement has a different text, and pg_stat_statements evicts entries when it is full.
      await run(db, 'select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()')
      await work()
      numbers[name]!.push(await total())
    }
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [
      name,
      {name, median: median(value), min: Math.min(...value), max: Math.max(...value)},
    ]),
  )
}

async function ensureBench(db: Database, partman: boolean): Promise<void> {
  const rules: PartitionRule[] = []
  for (let i = 0; i < 100; i += 1) {
    await run(
      db,
      `create table kept_${i} (time timestamptz not null, x int) partition by range (time); create table served_${i} (time timestamptz not null, x int) partition by range (time)`,
    )
    rules.push({
      relation: `public.kept_${i}`,
      every: i % 2 === 0 ? 'month' : 'day',
      ahead: 4,
      timezone: i % 3 === 0 ? 'Europe/Berlin' : 'UTC',
      earliest: '2009-01-03T00:00:00Z',
      within: {months: 12, days: 0, seconds: 0},
      retention: null,
      timeUnit: null,
      keyFormat: null,
    })
    if (partman)
      await run(
        db,
        `select partman.create_parent('public.served_${i}', 'time', 'native', '1 ${i % 2 === 0 ? 'month' : 'day'}', p_premake := 4)`,
      )
  }
  const {plan} = await planEnsure(db, rules)
  await execute(db, plan, {limits: defaultLimits, ledger: null})
  await run(db, 'analyze')
  let trips = 0
  const counting = Object.assign(Object.create(db) as Database, {
    query: ((question, settings) => {
      trips += 1
      return db.query(question, settings)
    }) as Database['query'],
  })
  const contestants: Record<string, () => Promise<unknown>> = {
    'ensure, nothing to do in 100 tables': async () => {
      trips = 0
      const again = await planEnsure(counting, rules)
      if (again.plan.steps.length > 0) throw new Error('something was to do')
    },
    // The least that anybody has to read: the bounds of all partitions of these tables.
    'their bounds, one query': () =>
      run(
        db,
        "select i.inhparent, pg_get_expr(c.relpartbound, 0) from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent where p.relname like 'kept\\_%'",
      ),
    ...(partman && {
      // Commits after each set, as it does when a scheduler calls it.
      [theirMaintenance]: () =>
        db.autocommit(writing, statement('call partman.run_maintenance_proc(p_analyze := false)')),
    }),
  }
  const timings = await race(rounds * 2, contestants)
  const {'ensure, nothing to do in 100 tables': ours, [theirMaintenance]: theirs} = timings
  report(`100 tables with nothing to do (load ${loadavg()[0]!.toFixed(1)})`, Object.values(timings), [
    {what: 'round trips', ratio: trips, atMost: 1},
    ...(theirs ? [{what: 'of pg_partman', ratio: ours!.median / theirs.median, atMost: 0.1}] : []),
  ])
  const bare = timings['their bounds, one query']!
  process.stdout.write(`  ${(ours!.median / bare.median).toFixed(1)} times the bare catalog query\n`)
}

function run<Row extends object>(db: Database, text: string): Promise<Row[]> {
  return db.transaction(writing, (tx) => tx.query<Row>(statement(text)))
}
