import {once} from 'node:events'
import {writeFileSync} from 'node:fs'
import {get} from 'node:http'
import {createConnection} from 'node:net'
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {readToken} from '../../../src/daemon/access.js'
import {createJobRegistry} from '../../../src/daemon/job-registry.js'
import {isAlive, readinessOf, type HealthState} from '../../../src/daemon/health.js'
import {parseListen} from '../../../src/daemon/listen.js'
import type {LedgerJob} from '../../../src/jobs/store/ledger-jobs.js'
import {daemonMetrics, metricsOf, type Metrics} from '../../../src/daemon/metrics.js'
import {serve, type HttpServer} from '../../../src/daemon/http.js'
import {createPages, type Pages} from '../../../src/daemon/pages.js'
import type {ReportDocument} from '../../../src/page/document.js'
import type {Watched} from '../../../src/daemon/routes.js'
import {reportDocument} from '../../helpers/report-document.js'
import {skipBecause} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {job} from '../../helpers/daemon-jobs.js'

const now = Date.parse('2026-01-01T12:00:30Z')
const hourly = job('hourly', {schedule: '0 * * * *'})
const state = (over: Partial<LedgerJob> = {}): LedgerJob => ({
  name: 'hourly',
  kind: 'sql',
  revision: 1,
  lastAt: now - 3_600_000,
  lastAtExact: '',
  running: false,
  freeAt: null,
  leaseSeconds: null,
  startedAt: null,
  claimedBy: null,
  versions: [
    {
      revision: 1,
      validFrom: now - 86_400_000,
      state: 'active',
      runner: 'daemon',
      schedule: '0 * * * *',
      timezone: 'UTC',
    },
  ],
  ...over,
})
const registry = (row: LedgerJob, at = now) => {
  const made = createJobRegistry(
    [hourly],
    () => {},
    () => false,
  )
  made.read([row], true)
  for (const entry of made.entries()) made.reckon(entry, at)
  return made
}
const health = (over: Partial<HealthState> = {}): HealthState => ({
  failure: null,
  connected: true,
  blockedReason: null,
  refusals: [],
  msSincePoll: 100,
  sinceTurn: 100,
  timeoutMs: 40_000,
  stopping: false,
  now,
  registry: registry(state()),
  deadRunners: [],
  ...over,
})

it('is ready while no job waits beyond its limit', () => {
  expect(readinessOf(health())).toEqual({ready: true, problems: []})
  const later = now + 120_000
  expect(readinessOf(health({now: later, registry: registry(state(), later)})).problems).toEqual([
    'hourly has been due since 2026-01-01 12:00 UTC and no daemon has started it',
  ])
  expect(
    readinessOf(health({now: later, registry: registry(state({running: true, startedAt: later - 1_000}), later)}))
      .ready,
  ).toBe(true)
  expect(
    readinessOf(health({registry: registry(state({running: true, startedAt: now - 24 * 3_600_000}))})).problems,
  ).toEqual([expect.stringContaining('longer than its timeout')])
})

it('is not ready before the first connection, while the database is unreachable, while stopping, or if a runner does not run', () => {
  expect(readinessOf(health({connected: null})).problems).toEqual(['the daemon has not connected to the database yet'])
  expect(readinessOf(health({blockedReason: 'the database is unreachable'})).problems).toEqual([
    'the database is unreachable',
  ])
  expect(readinessOf(health({refusals: ['the ledger cannot be read or written: disk full']})).problems).toEqual([
    'the ledger cannot be read or written: disk full',
  ])
  expect(readinessOf(health({stopping: true})).problems).toEqual(['the daemon is stopping'])
  expect(readinessOf(health({deadRunners: ['pg_cron is dead']})).problems).toEqual(['pg_cron is dead'])
  expect(readinessOf(health({msSincePoll: 100_000})).problems).toEqual(['the ledger was last read 1min 40s ago'])
})

it('is alive while its loop runs, even if the database is unreachable', () => {
  expect(isAlive(health())).toBe(true)
  expect(isAlive(health({sinceTurn: 119_999}))).toBe(true)
  expect(isAlive(health({sinceTurn: 120_000}))).toBe(false)
  expect(isAlive(health({blockedReason: 'the database is unreachable', msSincePoll: 86_400_000}))).toBe(true)
})

it('ignores a job that a newer declaration defines differently', () => {
  const ignored: string[] = []
  const made = createJobRegistry(
    [hourly],
    (name, reason) => ignored.push(`${name}: ${reason}`),
    () => false,
  )
  made.read([state({versions: [{...state().versions[0]!, schedule: '30 * * * *'}]})], true)
  const [entry] = [...made.entries()]
  expect(made.reckon(entry!, now + 86_400_000)).toEqual({decision: null, wakeAt: null, waitingSince: null})
  expect(ignored).toEqual(['hourly: another daemon, started later, has it as "30 * * * *" UTC'])
})

const metricsSource = {
  target: 'prod',
  registry: () => registry(state()),
  connected: () => true,
  runningCount: () => 1,
  skew: () => 0.1,
  now: () => now,
}
const someMetrics = (): Metrics => {
  const metrics = metricsOf({
    ...metricsSource,
    metricsCache: () => ({
      tables: [{schema: 'public', table: 'a "b"\\c', chunks: 3, compressedChunks: 2, totalBytes: 100, newest: 1}],
      policies: [{schema: 'public', table: 't', kind: 'compression', notDone: 1, ok: false}],
      partitions: [
        {schema: 'public', table: 'ticks', ahead: 0, daysLeft: 3, coveredUntil: 1_800_000_000, hasDefault: true},
      ],
      lastDone: [{job: 'nightly', at: 1_700_000_000}],
      at: 1,
    }),
  })
  const claim = {id: 1, token: 1, job: 'hourly', scheduledAt: now, startedAt: now, attempts: 1, late: 0.2}
  metrics.count({event: 'occurrence_started', job: 'hourly', at: now, attempt: 1, late: 0.2, id: 1})
  metrics.count({
    event: 'occurrence_ended',
    job: 'hourly',
    at: now,
    ms: 1_500,
    kind: 'sql',
    claim,
    outcome: {
      kind: 'ended',
      status: 'done',
      reason: null,
      error: null,
      detail: {steps: {done: 2, skipped: 0, failed: 0, unfinished: 0}, bytes: 10},
    },
  })
  metrics.count({event: 'instants_skipped', job: 'hourly', reason: 'overlap', count: 3, first: now, last: now})
  return daemonMetrics('1.2.3', () => [{metrics}])
}

it("counts events under Prometheus' naming rules", async () => {
  const text = await someMetrics().text()
  for (const line of [
    'qicore_db_occurrences_total{job="hourly",status="done",reason="",target="prod"} 1',
    'qicore_db_occurrences_total{job="hourly",status="skipped",reason="overlap",target="prod"} 3',
    'qicore_db_steps_total{job="hourly",status="done",target="prod"} 2',
    'qicore_db_occurrence_duration_seconds_sum{target="prod",kind="sql"} 1.5',
    'qicore_db_table_chunks{schema="public",table="a \\"b\\"\\\\c",compressed="true",target="prod"} 2',
    'qicore_db_policy_ok{schema="public",table="t",kind="compression",target="prod"} 0',
    'qicore_db_partitions_ahead{schema="public",table="ticks",target="prod"} 0',
    'qicore_db_partitions_covered_until_timestamp_seconds{schema="public",table="ticks",outcome="default",target="prod"} 1800000000',
    'qicore_db_partitions_seconds_left{schema="public",table="ticks",target="prod"} 259200',
    'qicore_db_job_waiting_seconds{job="hourly",target="prod"} 30',
    'qicore_db_survey_timestamp_seconds{target="prod"} 1',
    'qicore_db_job_last_success_timestamp_seconds{job="nightly",target="prod"} 1700000000',
    `qicore_db_job_last_success_timestamp_seconds{job="hourly",target="prod"} ${now / 1000}`,
  ])
    expect(text.split('\n')).toContain(line)
})

it('has no value, rather than 0, for what is not known yet', async () => {
  const metrics = metricsOf({
    ...metricsSource,
    metricsCache: () => ({
      tables: [{schema: 'public', table: 'locked', chunks: 1, compressedChunks: 0, totalBytes: null, newest: null}],
      policies: [{schema: 'public', table: 'locked', kind: 'compression', notDone: null, ok: null}],
      partitions: [],
      lastDone: [],
      at: null,
    }),
  })
  const text = await metrics.text()
  for (const name of [
    'survey_timestamp_seconds',
    'job_last_success_timestamp_seconds',
    'table_size_bytes',
    'table_newest_timestamp_seconds',
    'policy_ok',
    'policy_not_done',
  ])
    expect(
      text.split('\n').filter((line) => line.startsWith(`qicore_db_${name}`)),
      name,
    ).toEqual([])
})

const promtool = spawnSync('promtool', ['--version']).status === 0
if (promtool)
  it('is accepted by promtool', async () => {
    const {status, stdout, stderr} = spawnSync('promtool', ['check', 'metrics'], {
      input: await someMetrics().text(),
      encoding: 'utf8',
    })
    expect({status, stdout, stderr}).toEqual({status: 0, stdout: '', stderr: ''})
  })
else skipBecause("promtool is not installed (Debian's package prometheus has it)")

const noPages: Pages = createPages({session: async () => null, read: async () => reportDocument({})})
const serveHealth = (
  listen: {host: string; port: number},
  watched: Watched,
  metrics: Metrics,
  {pages = noPages, token = null}: {pages?: Pages; token?: string | null} = {},
): Promise<HttpServer> => serve(listen, {targets: () => [{name: 'prod', ...watched, pages}], metrics, token})

it('answers probes on their three paths and nothing on others', async () => {
  let ready = true
  let checked = Promise.resolve()
  const server = await serveHealth(
    {host: '127.0.0.1', port: 0},
    {health: () => health({stopping: !ready}), check: () => checked},
    someMetrics(),
  )
  try {
    const ask = (path: string, init: RequestInit = {}) => fetch(`http://${server.address}${path}`, init)
    expect((await ask('/healthz')).status).toBe(200)
    expect(await (await ask('/readyz')).json()).toEqual({
      ready: true,
      problems: [],
      targets: [{target: 'prod', ready: true, reason: null}],
    })
    checked = new Promise(() => {})
    expect(await (await ask('/readyz')).json()).toEqual({
      ready: false,
      problems: ['the ledger has not answered within 0.8 s'],
      targets: [{target: 'prod', ready: false, reason: 'the ledger has not answered within 0.8 s'}],
    })
    checked = Promise.resolve()
    ready = false
    expect((await ask('/readyz')).status).toBe(503)
    const metrics = await ask('/metrics')
    expect([metrics.status, metrics.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')])
    expect((await ask('/none')).status).toBe(404)
    expect((await ask('/healthz', {method: 'HEAD'})).status).toBe(200)
    expect((await ask('/healthz', {method: 'POST'})).status).toBe(405)
    const port = Number(server.address.split(':')[1])
    await expect(
      serveHealth({host: '127.0.0.1', port}, {health, check: async () => {}}, someMetrics()),
    ).rejects.toMatchObject({code: 'LISTEN', exitCode: 2, message: expect.stringContaining('EADDRINUSE')})
  } finally {
    await server.close()
  }
})

/** The status of a request with a Host header of its own choice. */
function statusFor(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({host: '127.0.0.1', port, path: '/healthz', headers: {host}}, (response) => {
      response.resume()
      resolve(response.statusCode!)
    }).once('error', reject)
  })
}

it('on a loopback address refuses requests for another host name', async () => {
  const watched = {health, check: async () => {}}
  const server = await serveHealth({host: '127.0.0.1', port: 0}, watched, someMetrics())
  const everywhere = await serveHealth({host: '0.0.0.0', port: 0}, watched, someMetrics())
  try {
    const port = Number(server.address.split(':')[1])
    const names = [
      '127.0.0.1',
      `localhost:${port}`,
      '[::1]:9847',
      'evil.example',
      '127.evil.example',
      'localhost.evil.example:9847',
    ]
    expect(await Promise.all(names.map((name) => statusFor(port, name)))).toEqual([200, 200, 200, 403, 403, 403])
    expect(await statusFor(Number(everywhere.address.split(':')[1]), 'daemon.monitoring')).toBe(200)
  } finally {
    await Promise.all([server.close(), everywhere.close()])
  }
})

it('answers a flood of pipelined requests with a hundred answers and then closes the connection', async () => {
  let made = 0
  const metrics = {...someMetrics(), text: async () => `made ${(made += 1)}`}
  const server = await serveHealth({host: '127.0.0.1', port: 0}, {health, check: async () => {}}, metrics)
  try {
    const socket = createConnection(Number(server.address.split(':')[1]), '127.0.0.1')
    let answer = ''
    socket
      .setEncoding('utf8')
      .on('data', (text: string) => (answer += text))
      .on('error', () => {})
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(15_000))
    await once(socket, 'close')
    expect(answer.match(/HTTP\/1.1 200/g)).toHaveLength(100)
    expect(made).toBe(100)
  } finally {
    await server.close()
  }
})

const watchedHealth: Watched = {health, check: async () => {}}

it('reads one report for ten viewers, and says so while there is none', async () => {
  let read = 0
  let connected = false
  const pages = createPages({
    session: async () => (connected ? {db: null as never, done() {}} : null),
    read: async () => {
      read += 1
      return reportDocument({prices: 3})
    },
  })
  const server = await serveHealth({host: '127.0.0.1', port: 0}, watchedHealth, someMetrics(), {pages})
  try {
    const ask = (path: string) => fetch(`http://${server.address}${path}`)
    const early = await ask('/')
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await early.text()).toContain('the daemon is not connected to the database')
    connected = true
    const pagesOfTen = await Promise.all(
      Array.from({length: 10}, async () => {
        const answer = await ask('/')
        expect(answer.status).toBe(200)
        const policy = answer.headers.get('content-security-policy')
        expect(policy).toContain("default-src 'none'")
        expect(answer.headers.get('x-frame-options')).toBe('DENY')
        return answer.text()
      }),
    )
    expect(new Set(pagesOfTen).size).toBe(1)
    const document = (await (await ask('/report.json')).json()) as ReportDocument
    expect(document).toMatchObject({kind: 'report', target: 'prod'})
    // As `report --json` prints instants.
    expect(document.at).toMatch(/T\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(read).toBe(1)
  } finally {
    await server.close()
  }
})

it('beyond a loopback address the pages need the token, and probes do not', async () => {
  const token = 'correct-horse-battery'
  const open = await serveHealth({host: '0.0.0.0', port: 0}, watchedHealth, someMetrics())
  const guarded = await serveHealth({host: '0.0.0.0', port: 0}, watchedHealth, someMetrics(), {token})
  try {
    const status = async ({address}: HttpServer, path: string, authorization?: string) => {
      const url = `http://127.0.0.1:${address.split(':').at(-1)}${path}`
      return (await fetch(url, authorization === undefined ? {} : {headers: {authorization}})).status
    }
    for (const path of ['/', '/report.json', '/runs/1']) {
      expect(await status(open, path)).toBe(403)
      expect(await status(guarded, path)).toBe(401)
      expect(await status(guarded, path, 'Bearer wrong')).toBe(401)
      // 503: allowed, and there is no database in this test.
      expect(await status(guarded, path, `Bearer ${token}`)).toBe(503)
      expect(await status(guarded, path, `Basic ${Buffer.from(`any:${token}`).toString('base64')}`)).toBe(503)
    }
    for (const server of [open, guarded])
      for (const path of ['/healthz', '/readyz', '/metrics']) expect(await status(server, path)).toBe(200)
  } finally {
    await Promise.all([open.close(), guarded.close()])
  }
})

it('a token is refused if it can be guessed, and read from the file before the environment', () => {
  const file = join(temporaryDirectory(), 'token')
  writeFileSync(file, 'a-token-of-a-file-1\n')
  const env = {QICORE_DAEMON_TOKEN: 'a-token-of-the-environment'}
  expect(readToken(file, env)).toBe('a-token-of-a-file-1')
  expect(readToken(undefined, env)).toBe('a-token-of-the-environment')
  expect(readToken(undefined, {})).toBeNull()
  for (const wrong of ['short', 'has spaces in it, many', '0123456789abcdé0'])
    expect(() => readToken(undefined, {QICORE_DAEMON_TOKEN: wrong})).toThrow(expect.objectContaining({code: 'TOKEN'}))
  writeFileSync(file, '\n')
  expect(() => readToken(file, env)).toThrow(expect.objectContaining({code: 'TOKEN'}))
})

it('builds the text of the metrics at most once a second', async () => {
  const metrics = someMetrics()
  expect(metrics.text()).toBe(metrics.text())
})

it('parses addresses to listen on', () => {
  expect([parseListen('127.0.0.1:9847'), parseListen('[::1]:0'), parseListen(':80'), parseListen('off')]).toEqual([
    {host: '127.0.0.1', port: 9847},
    {host: '::1', port: 0},
    {host: '0.0.0.0', port: 80},
    null,
  ])
  for (const wrong of ['9847', 'localhost', 'a:99999', '::1:80', ''])
    expect(() => parseListen(wrong)).toThrow(expect.objectContaining({code: 'LISTEN'}))
})
