import {createConnection, createServer, type Server} from 'node:net'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {readAudit} from '../../../src/jobs/store/read-audit.js'
import {jsonOf, runCli} from '../../helpers/cli.js'
import {startDaemon} from '../../helpers/daemon-crowd.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {noPgbouncer, startPgbouncer} from '../../helpers/pgbouncer.js'
import {freePort, startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'

let primary: NativePostgres
let standby: NativePostgres
beforeAll(async () => {
  primary = await startPostgres18()
  standby = await startPostgres18({standbyOf: primary})
}, 60_000)
afterAll(async () => {
  await standby.stop()
  await primary.stop()
})

/** A URL with several ports of this machine. */
const urlOf = (ports: readonly number[], query = '', role = 'postgres') =>
  `postgres://${role}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/postgres${query && `?${query}`}`

const open = (url: string) => connect(targetOf(url), {applicationName})

async function portOf(url: string): Promise<number | null> {
  const db = await open(url)
  await db.close()
  return db.server.port
}

const failure = (url: string) =>
  open(url).then(
    (db) => db.close().then(() => Promise.reject(new Error(`${url} was connected to`))),
    (error: unknown) => error as Error & {code: string; exitCode: number; suggestions: string[]},
  )

async function listening(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return (server.address() as {port: number}).port
}

describe('of several hosts', () => {
  it.each([
    {wanted: 'any', expected: 'first'},
    {wanted: 'read-write', expected: 'primary'},
    {wanted: 'primary', expected: 'primary'},
    {wanted: 'read-only', expected: 'standby'},
    {wanted: 'standby', expected: 'standby'},
    {wanted: 'prefer-standby', expected: 'standby'},
  ] as const)(
    'target_session_attrs $wanted takes the $expected host, whichever is listed first',
    async ({wanted, expected}) => {
      for (const ports of [
        [primary.port, standby.port],
        [standby.port, primary.port],
      ]) {
        const port = {first: ports[0], primary: primary.port, standby: standby.port}[expected]
        expect(await portOf(urlOf(ports, `target_session_attrs=${wanted}`))).toBe(port)
      }
    },
  )

  it('the primary is used if a standby is preferred and none answers', async () => {
    const wanted = 'target_session_attrs=prefer-standby'
    expect(await portOf(urlOf([await freePort(), primary.port], wanted))).toBe(primary.port)
    expect(await portOf(urlOf([primary.port, await freePort()], wanted))).toBe(primary.port)
  })

  it('one that is down or does not answer is skipped, after connect_timeout at the latest', async () => {
    const silent = createServer(() => {})
    const ports = [await freePort(), await listening(silent), primary.port]
    const began = performance.now()
    expect(await portOf(urlOf(ports, 'connect_timeout=1'))).toBe(primary.port)
    expect(performance.now() - began).toBeGreaterThan(990)
    silent.close()
  })

  it('a role with read-only sessions finds none that is read-write, and the error says so', async () => {
    const admin = await open(primary.url)
    await admin.transaction(writing, (tx) =>
      tx.query(statement('create role reader login; alter role reader set default_transaction_read_only = on')),
    )
    await admin.close()
    const error = await failure(urlOf([primary.port], 'target_session_attrs=read-write', 'reader'))
    expect(error.message).toContain('default_transaction_read_only is on')
    expect(await portOf(urlOf([primary.port], 'target_session_attrs=read-only', 'reader'))).toBe(primary.port)
    expect(await portOf(urlOf([primary.port], 'target_session_attrs=primary', 'reader'))).toBe(primary.port)
  })

  it('the answer of each is listed if none qualifies, and the exit code is 4', async () => {
    const down = await freePort()
    const url = urlOf([standby.port, down], 'target_session_attrs=read-write').replace('@', ':hunter2@')
    const result = await runCli(['stats', '--json'], {env: {QICORE_DB_URL: url}})
    expect(result.exitCode).toBe(4)
    const {error} = jsonOf(result) as {error: {code: string; message: string; suggestions: string[]}}
    expect(error.code).toBe('CONNECT')
    expect(error.message).toContain('any of 2 hosts (from QICORE_DB_URL, with target_session_attrs=read-write)')
    expect(error.message).toContain(`127.0.0.1:${standby.port}: it is a standby (in recovery)`)
    expect(error.message).toMatch(new RegExp(`127\\.0\\.0\\.1:${down}: .*ECONNREFUSED`))
    expect(`${result.stdout}${result.stderr}`).not.toContain('hunter2')
  })

  it('those after one that refuses the database or the role are not tried, as in libpq', async () => {
    const error = await failure(urlOf([standby.port, primary.port]).replace(/postgres$/, 'no_such_database'))
    expect(error).toMatchObject({code: 'CONNECT', exitCode: 4})
    expect(error.message).toMatch(/no_such_database.*3D000.*; 1 more not tried/)
  })

  it('a further session of a command uses the host of the first one, a new connection the first host that answers', async () => {
    const relay = createServer((client) => {
      const server = createConnection(primary.port, '127.0.0.1')
      client.pipe(server).pipe(client)
      for (const socket of [client, server]) socket.on('error', () => {})
    })
    const port = await freePort()
    const db = await open(urlOf([port, standby.port]))
    try {
      expect(db.server.inRecovery).toBe(true)
      await listening(relay, port)
      expect(await isStandby(await db.openSession())).toBe(true)
      expect(await isStandby(await connect(db.sibling('template1'), {applicationName}))).toBe(true)
      await db.reconnect()
      expect(db.server.inRecovery).toBe(false)
      expect(await isStandby(await db.openSession())).toBe(false)
    } finally {
      await db.close()
      relay.close()
    }
  })

  it('a pooler is asked about the server behind it', async (context) => {
    const reason = noPgbouncer()
    if (reason !== null) return context.skip(reason)
    const poolers = await Promise.all(
      [standby, primary].map(({directory, port}) => startPgbouncer(directory, {host: '127.0.0.1', port})),
    )
    const url = urlOf(
      poolers.map(({port}) => port),
      'target_session_attrs=read-write',
    )
    const db = await open(url)
    expect(db.server).toMatchObject({port: primary.port, inRecovery: false, pooled: true})
    await db.close()
    await Promise.all(poolers.map((pooler) => pooler.stop()))
  })
})

async function isStandby(db: Database): Promise<boolean> {
  await db.close()
  return db.server.inRecovery
}

describe('a failover', () => {
  it('takes the daemon to the other host and back, with every occurrence done once', async () => {
    const ask = (db: Database, text: string) => db.transaction(writing, (tx) => tx.query(statement(text)))
    const url = urlOf([primary.port, standby.port], 'target_session_attrs=read-write')
    const db = await open(url)
    await withCore({db})
    await ask(db, 'create table public.effects (job text, scheduled_at timestamptz)')
    // Acknowledged commits must be on the standby too: this test is about connections, not about lost transactions.
    await db.autocommit(writing, statement("alter system set synchronous_standby_names = '*'"))
    await ask(db, 'select pg_reload_conf()')
    const tick = {
      kind: 'sql',
      schedule: '* * * * * *',
      catchUp: 'all',
      overlap: 'queue',
      statement:
        "insert into public.effects values (current_setting('qicore.job'), current_setting('qicore.scheduled_at')::timestamptz)",
    }
    const daemon = startDaemon(url, {tick}, ['--lease', '2s', '--poll', '500ms', '--grace', '3s'])
    await daemon.event('occurrence_ended')
    await primary.kill()
    const admin = await open(standby.url)
    await admin.query(statement('select pg_promote()'))
    await admin.close()
    await daemon.event('database_back')
    const ended = daemon.lines.length
    const another = await startPostgres18({standbyOf: standby, port: primary.port})
    await daemon.event('occurrence_ended', (line) => daemon.lines.indexOf(line) > ended + 2)
    // The first host is a standby now: a new connection skips it.
    expect(await portOf(url)).toBe(standby.port)
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await db.reconnect()
    expect(db.server).toMatchObject({port: standby.port, inRecovery: false})
    const {jobs} = await readAudit(db, null, null, 0)
    expect(jobs.map(({job, gaps, duplicates, unexpected}) => ({job, gaps, duplicates, unexpected}))).toEqual([
      {job: 'tick', gaps: [], duplicates: [], unexpected: []},
    ])
    expect(
      await ask(
        db,
        `select l.scheduled_at, l.status, count(e.job) as effects from qicore.maintenance_log l
        left join public.effects e using (job, scheduled_at) where l.status <> 'running'
        group by 1, 2 having count(e.job) <> (l.status in ('done', 'done_late'))::int`,
      ),
    ).toEqual([])
    await db.close()
    await another.stop()
  })
})
