/**
 * The daemon with 1 000 jobs, as a separate process on a native server:
 * - idle (no job is due): share of a core, resident memory;
 * - work (a fixed mix of schedules with about 34 occurrences a second over real minutes): lateness by the database's
 *   clock, against a second daemon with one job a second on another database at the same time;
 * - claims: database time of claiming an occurrence, with 10 000 and with 1 000 000 rows in the ledger.
 * QICORE_BENCH_URL names the server (a role that may create databases); without it a PostgreSQL 18 from npm is started.
 * MINUTES (3) and ROWS (1 000 000) make it shorter; PARTS (idle work claims) selects parts; WORKERS (4) is --workers.
 */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {loadavg, tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {connect} from '../src/db/connect.js'
import type {Database} from '../src/db/database.js'
import {loadSql} from '../src/db/load-sql.js'
import {statement, type Value} from '../src/db/sql.js'
import {withCore} from '../test/helpers/daemon-jobs.js'
import {configOf, daemonIn, type DaemonProcess} from '../test/helpers/daemon-process.js'
import {createDatabase, targetOf, writing} from '../test/helpers/server.js'
import {startPostgres18} from '../test/helpers/postgres18.js'
import {median, report, type Goal, type Timing} from './measure.js'

const minutes = Number(process.env.MINUTES ?? 3)
const rows = Number(process.env.ROWS ?? 1_000_000)
const parts = (process.env.PARTS ?? 'idle work claims').split(' ')
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'Australia/Sydney']
type Jobs = Record<string, {kind: string; schedule: string; timezone: string; statement: string}>

/** 34 occurrences a second: the minutely jobs are due together, the others are spread. */
const mix: Jobs = {
  ...jobs(11, 'second', () => '* * * * * *'),
  ...jobs(60, 'five', (n) => `${n % 5}-59/5 * * * * *`),
  ...jobs(80, 'ten', (n) => `${n % 10}-59/10 * * * * *`),
  ...jobs(60, 'thirty', (n) => `${n % 30}-59/30 * * * * *`),
  ...jobs(60, 'minute', () => '* * * * *'),
  ...jobs(729, 'day', (n) => `${n % 60} ${n % 24} * * *`),
}

const directories: string[] = []
const goals: Goal[] = []
const timings: Timing[] = []
const url = process.env.QICORE_BENCH_URL
const server = url === undefined ? await startPostgres18() : null
try {
  const at = url ?? server!.url
  say(`load of the machine at the beginning: ${loadavg()[0]!.toFixed(1)}`)
  for (const [name, part] of Object.entries({idle, work, claims})) if (parts.includes(name)) await part(at)
  say(`load of the machine at the end: ${loadavg()[0]!.toFixed(1)}`)
  report('A daemon of 1 000 jobs', timings, goals)
} finally {
  for (const directory of directories) rmSync(directory, {recursive: true, force: true})
  await server?.stop()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The number of jobs for each schedule. */
function jobs(count: number, prefix: string, schedule: (n: number) => string): Jobs {
  return Object.fromEntries(
    Array.from({length: count}, (_, n) => [
      `${prefix}-${n}`,
      {kind: 'sql', schedule: schedule(n), timezone: zones[n % zones.length]!, statement: 'select 1'},
    ]),
  )
}

async function on<T>(at: string, work: (database: {url: string; db: Database}) => Promise<T>): Promise<T> {
  const made = await createDatabase(at, null)
  const db = await connect(targetOf(made.url), {applicationName: 'qicore-db/bench'})
  try {
    await withCore({db})
    return await work({url: made.url, db})
  } finally {
    await db.close()
    await made.drop()
  }
}

function startDaemon(url: string, jobs: Jobs, flags: readonly string[] = []): DaemonProcess {
  const directory = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))
  directories.push(directory)
  writeFileSync(join(directory, 'qicore-db.config.yaml'), configOf(url, jobs))
  return daemonIn(directory, flags)
}

async function stopped(daemon: DaemonProcess): Promise<void> {
  daemon.child.kill('SIGTERM')
  const code = await daemon.ended
  if (code !== 0) throw new Error(`the daemon ended with ${code}: ${daemon.stderr()}`)
}

/** Processor seconds and resident bytes, from the daemon's own metrics. */
async function health(address: string): Promise<{cpu: number; resident: number}> {
  const text = await (await fetch(`http://${address}/metrics`)).text()
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)![1])
  return {cpu: value('qicore_db_process_cpu_seconds_total'), resident: value('qicore_db_process_resident_memory_bytes')}
}

async function idle(at: string): Promise<void> {
  await on(at, async ({url: text}) => {
    const daemon = startDaemon(
      text,
      jobs(1_000, 'daily', (n) => `${n % 60} ${(new Date().getUTCHours() + 12) % 24} ${1 + (n % 28)} * *`),
      ['--listen', '127.0.0.1:0'],
    )
    const {address} = await daemon.event('listening')
    await daemon.event('ready')
    await sleep(15_000)
    const before = await health(String(address))
    // Long enough for four polls of the ledger.
    await sleep(120_000)
    const after = await health(String(address))
    const share = (after.cpu - before.cpu) / 120
    say(`idle: ${(share * 100).toFixed(2)} % of a core, ${(after.resident / 1e6).toFixed(0)} MB resident`)
    goals.push(
      {what: 'idle, share of a core against 1 %', ratio: share / 0.01, atMost: 1},
      {what: 'idle, resident memory against 110 MB', ratio: after.resident / 110e6, atMost: 1},
    )
    await stopped(daemon)
  })
}

interface Lateness {
  count: number
  p50: number
  p99: number
  most: number
}

async function lateness(db: Database, since: string): Promise<Lateness> {
  const [row] = await db.query<{count: number; late: number[]}>(
    statement(
      `select count(*) as count, percentile_cont(array[0.5, 0.99, 1]) within group (order by extract(epoch from started_at - scheduled_at)::float8 * 1000) as late
    from qicore.maintenance_log where scheduled_at > $1::timestamptz and started_at is not null`,
      [since],
    ),
  )
  const [p50, p99, most] = row!.late as [number, number, number]
  return {count: row!.count, p50, p99, most}
}

async function work(at: string): Promise<void> {
  await on(at, ({url: busyUrl, db: busy}) =>
    on(at, async ({url: controlUrl, db: control}) => {
      const daemons = [
        startDaemon(busyUrl, mix, ['--workers', process.env.WORKERS ?? '4']),
        startDaemon(
          controlUrl,
          jobs(1, 'second', () => '* * * * * *'),
        ),
      ]
      await Promise.all(daemons.map((daemon) => daemon.event('ready')))
      await sleep(10_000)
      const [{now}] = (await busy.query<{now: string}>(statement('select clock_timestamp() as now'))) as [{now: string}]
      await sleep(minutes * 60_000)
      const entry = await lateness(busy, now)
      const idles = await lateness(control, now)
      const skipped = await busy.query<{reason: string; count: number}>(
        statement(
          'select reason, count(*) as count from qicore.maintenance_log where scheduled_at > $1::timestamptz and status = $2 group by 1',
          [now, 'skipped'],
        ),
      )
      const words = ({count, p50, p99, most}: Lateness) =>
        `${count} begun, lateness p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, most ${most.toFixed(0)} ms`
      say(
        `at work for ${minutes} min: ${words(entry)} (${(entry.count / minutes / 60).toFixed(1)} a second; ${skipped.map(({reason, count}) => `${count} skipped: ${reason}`).join(', ') || 'none skipped'}; load ${loadavg()[0]!.toFixed(1)})`,
      )
      say(`control, one a second: ${words(idles)}`)
      goals.push({
        what: 'lateness p99 above the control, against 250 ms',
        ratio: Math.max(0, entry.p99 - idles.p99) / 250,
        atMost: 1,
      })
      await Promise.all(daemons.map(stopped))
    }),
  )
}

/** Fills the ledger of 1 000 jobs with that many ended rows; each job has one due occurrence. */
async function fill(db: Database, count: number): Promise<void> {
  const run = (text: string) => db.transaction({...writing, statementTimeout: 0}, (tx) => tx.query(statement(text)))
  await run(`insert into qicore.job (name, kind, revision, last_at) select 'job-' || n, 'sql', 1, date_trunc('minute', now()) - interval '1 minute' from generate_series(0, 999) n;
    insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, actor) select name, 1, last_at - interval '2 years', 'active', 'daemon', '* * * * *', 'UTC', 'bench' from qicore.job`)
  for (let from = 0; from < count; from += 100_000)
    await run(`insert into qicore.maintenance_log (operation, job, scheduled_at, started_at, completed_at, status, attempts, claimed_by)
      select 'sql', 'job-' || n % 1000, date_trunc('minute', now()) - (1 + n / 1000) * interval '1 minute', now() - (1 + n / 1000) * interval '1 minute', now() - (n / 1000) * interval '1 minute', 'done', 1, 'bench'
      from generate_series(${from}, ${Math.min(count, from + 100_000) - 1}) n`)
  for (const table of ['maintenance_log', 'job', 'job_schedule'])
    await db.autocommit({...writing, statementTimeout: 0}, statement(`vacuum analyze qicore.${table}`))
}

/** Planning and execution time of one statement on the server, in milliseconds. The statement is rolled back. */
async function serverTime(db: Database, name: string, values: readonly Value[]): Promise<{ms: number; rows: number}> {
  class Undo extends Error {}
  let answer = {ms: NaN, rows: NaN}
  await db
    .transaction(writing, async (tx) => {
      const [row] = await tx.query<{
        'QUERY PLAN': [{'Planning Time': number; 'Execution Time': number; Plan: {'Actual Rows': number}}]
      }>(statement(`explain (analyze, format json) ${loadSql(name).replace(/^--.*$/gm, '')}`, values))
      const [plan] = row!['QUERY PLAN']
      answer = {ms: plan['Planning Time'] + plan['Execution Time'], rows: plan.Plan['Actual Rows']}
      throw new Undo()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error
    })
  return answer
}

async function claims(at: string): Promise<void> {
  await on(at, ({db: few}) =>
    on(at, async ({db: many}) => {
      await fill(few, 10_000)
      await fill(many, rows)
      const request = (names: readonly string[], lastAt: string) =>
        JSON.stringify(
          names.map((job) => {
            const due = new Date(Date.parse(lastAt) + 60_000).toISOString()
            return {
              job,
              operation: 'sql',
              revision: 1,
              last_at: lastAt,
              to_at: due,
              due_at: due,
              scheduled_at: due,
              skips: [],
            }
          }),
        )
      const times = new Map<string, number[]>()
      const measure = async (
        what: string,
        db: Database,
        name: string,
        values: readonly Value[],
        expected: number | null,
      ) => {
        const {ms, rows: got} = await serverTime(db, name, values)
        if (expected !== null && got !== expected) throw new Error(`${what} answered with ${got} rows, not ${expected}`)
        times.set(what, [...(times.get(what) ?? []), ms])
      }
      for (let round = 0; round < 100; round += 1)
        for (const [size, db] of round % 2 === 0
          ? ([
              ['few', few],
              ['many', many],
            ] as const)
          : ([
              ['many', many],
              ['few', few],
            ] as const)) {
          const [{last}] = (await db.query<{last: string}>(
            statement('select last_at as last from qicore.job limit 1'),
          )) as [{last: string}]
          const one = `job-${round * 7}`
          await measure(`claim ${size}`, db, 'jobs/claim', [request([one], last), 'bench', 60, 'bench', 'bench'], 1)
          await measure(
            `twenty ${size}`,
            db,
            'jobs/claim',
            [
              request(
                Array.from({length: 20}, (_, n) => `job-${n * 31 + round}`),
                last,
              ),
              'bench',
              60,
              'bench',
              'bench',
            ],
            20,
          )
          await measure(`take over ${size}`, db, 'jobs/take-over', [[one], 'bench', 60, 4, false], 0)
          await measure(`look ${size}`, db, 'jobs/jobs', [null], 1_000)
        }
      const timing = (name: string, what: string): Timing => {
        const all = times.get(what)!.slice(5)
        return {name, median: median(all), min: Math.min(...all), max: Math.max(...all)}
      }
      const thousands = (n: number) => n.toLocaleString('en').replaceAll(',', ' ')
      for (const [what, words] of [
        ['claim', 'claim of one occurrence'],
        ['twenty', 'claim of twenty at once'],
        ['take over', 'nothing to take over'],
        ['look', 'a look at 1 000 jobs'],
      ] as const) {
        const [small, large] = [
          timing(`${words}, 10 000 rows`, `${what} few`),
          timing(`${words}, ${thousands(rows)} rows`, `${what} many`),
        ]
        timings.push(small, large)
        if (what === 'claim')
          goals.push({what: 'claim of one occurrence, database time against 5 ms', ratio: large.median / 5, atMost: 1})
        goals.push({
          what: `${words}, ${thousands(rows)} rows against 10 000`,
          ratio: large.median / small.median,
          atMost: 1.5,
        })
      }
    }),
  )
}
