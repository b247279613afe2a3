/**
 * An idle daemon of many databases against an idle daemon of one, at the same time on one server: share of a core, resident
 * memory. Every database has the default jobs, none of which is due. QICORE_BENCH_URL names the server (a role that may
 * create databases); without it a PostgreSQL 18 from npm is started. DATABASES (50), MINUTES (3) and ROUNDS (3) make it
 * shorter.
 */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {loadavg, tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {daemonIn, type DaemonProcess} from '../test/helpers/daemon-process.js'
import {createDatabase} from '../test/helpers/server.js'
import {startPostgres18} from '../test/helpers/postgres18.js'
import {median, report} from './measure.js'

const count = Number(process.env.DATABASES ?? 50)
const minutes = Number(process.env.MINUTES ?? 3)
const rounds = Number(process.env.ROUNDS ?? 3)
/** USER_HZ, which is 100 on every Linux. */
const ticksPerSecond = 100
const url = process.env.QICORE_BENCH_URL
const server = url === undefined ? await startPostgres18() : null
const databases: Awaited<ReturnType<typeof createDatabase>>[] = []
const directory = mkdtempSync(join(tmpdir(), 'qicore-db-bench-'))

interface Idle {
  /** Of a core. */
  share: number
  /** Bytes. */
  resident: number
}

try {
  for (let index = 0; index < count; index += 1) databases.push(await createDatabase(url ?? server!.url, null))
  const targets = Object.fromEntries(databases.map((database, index) => [`t${index}`, {url: database.url}]))
  // Far from now in both directions, so that no job is due.
  const schedule = `0 ${(new Date().getUTCHours() + 12) % 24} * * *`
  const names = ['maintain', 'refresh', 'retain', 'partitions', 'prune-history', 'snapshot']
  const jobs = Object.fromEntries(names.map((name) => [name, {schedule}]))
  writeFileSync(join(directory, 'qicore-db.config.yaml'), JSON.stringify({version: 1, targets, jobs}))
  // The first daemon installs the schema qicore, and keeps the memory of the SQL parser until it ends.
  const installing = daemonIn(directory, ['--all-targets'])
  await allReady(installing, count)
  await stopped(installing)
  const many: Idle[] = []
  const one: Idle[] = []
  for (let round = 0; round < rounds; round += 1) {
    const [fleet, single] = await measure(['--all-targets'], ['--targets', 't0'])
    many.push(fleet!)
    one.push(single!)
    process.stdout.write(
      `${count} databases: ${words(fleet!)}; one: ${words(single!)}; load ${loadavg()[0]!.toFixed(1)}\n`,
    )
  }
  const middle = (all: readonly Idle[], value: (idle: Idle) => number) => median(all.map(value))
  report(
    `An idle daemon of ${count} databases, ${rounds} rounds of ${minutes} min, medians`,
    [],
    [
      {what: 'resident memory against 120 MB', ratio: middle(many, ({resident}) => resident) / 120e6, atMost: 1},
      {
        what: 'resident memory against a daemon of one database',
        ratio: middle(many, ({resident}) => resident) / middle(one, ({resident}) => resident),
        atMost: 1.5,
      },
      {what: 'share of a core against 1 %', ratio: middle(many, ({share}) => share) / 0.01, atMost: 1},
    ],
  )
} finally {
  for (const database of databases) await database.drop()
  await server?.stop()
  rmSync(directory, {recursive: true, force: true})
}

function words({share, resident}: Idle): string {
  return `${(share * 100).toFixed(2)} % of a core, ${(resident / 1e6).toFixed(0)} MB resident`
}

/** Runs daemons with these flags at the same time. Memory is the largest of several readings. */
async function measure(...flags: readonly (readonly string[])[]): Promise<Idle[]> {
  const daemons = flags.map((each) => daemonIn(directory, each))
  for (const [index, daemon] of daemons.entries())
    await allReady(daemon, flags[index]!.includes('--all-targets') ? count : 1)
  await sleep(15_000)
  const before = daemons.map(usageOf)
  const largest = before.map(({resident}) => resident)
  for (let reading = 0; reading < 6; reading += 1) {
    await sleep(minutes * 10_000)
    for (const [index, {resident}] of daemons.map(usageOf).entries())
      largest[index] = Math.max(largest[index]!, resident)
  }
  const after = daemons.map(usageOf)
  await Promise.all(daemons.map(stopped))
  return after.map(({cpu}, index) => ({
    share: (cpu - before[index]!.cpu) / (minutes * 60),
    resident: largest[index]!,
  }))
}

async function allReady(daemon: DaemonProcess, targets: number): Promise<void> {
  while (daemon.lines.filter(({event}) => event === 'ready').length < targets) await sleep(200)
}

/** Processor seconds and resident bytes, from Linux: a scrape of /metrics would read the tables of every database. */
function usageOf({child: {pid}}: DaemonProcess): {cpu: number; resident: number} {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
  return {cpu: (user + system) / ticksPerSecond, resident: kilobytes * 1024}
}

async function stopped(daemon: DaemonProcess): Promise<void> {
  daemon.child.kill('SIGTERM')
  const code = await daemon.ended
  if (code !== 0) throw new Error(`the daemon ended with ${code}: ${daemon.stderr()}`)
}
