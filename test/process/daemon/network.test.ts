import {readFileSync} from 'node:fs'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {startFaultyRelay, type FaultyRelay} from '../../helpers/faulty-relay.js'
import {startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {createDatabase, targetOf, writing} from '../../helpers/server.js'
import {startDaemon} from '../../helpers/daemon-crowd.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import type {DaemonProcess} from '../../helpers/daemon-process.js'

let server: NativePostgres
beforeAll(async () => {
  server = await startPostgres18()
})
afterAll(() => server.stop())

const effect =
  "insert into public.effects values (current_setting('qicore.job'), current_setting('qicore.scheduled_at')::timestamptz)"
const flags = ['--lease', '4s', '--poll', '500ms', '--grace', '2s']
const once = (text: string, more: object = {}) => ({
  kind: 'sql',
  schedule: '*/2 * * * * *',
  retries: 0,
  catchUp: 'once',
  statement: text,
  ...more,
})

interface Place {
  url: string
  db: Database
  relay: FaultyRelay
  ask<Row extends object>(text: string): Promise<Row[]>
  close(): Promise<void>
}

async function place(): Promise<Place> {
  const {url, drop} = await createDatabase(server.url, null)
  const db = await connect(targetOf(url), {applicationName: 'qicore-db/test'})
  await withCore({db})
  const ask = <Row extends object>(text: string) => db.transaction({...writing}, (tx) => tx.query<Row>(statement(text)))
  await ask('create table public.effects (job text, scheduled_at timestamptz)')
  const relay = await startFaultyRelay(url)
  return {
    url: relay.url,
    db,
    relay,
    ask,
    close: async () => {
      await relay.close()
      await db.close()
      await drop()
    },
  }
}

/** The ledger has for each due time what really happened, once. */
const wrong = ({ask}: Place) =>
  ask(`select l.scheduled_at, l.status, l.error, count(e.job) as effects from qicore.maintenance_log l left join public.effects e using (job, scheduled_at)
    where l.status <> 'running' group by l.job, 1, 2, 3 having count(e.job) <> (l.status in ('done', 'done_late'))::int`)

async function until(what: string, check: () => Promise<boolean>, seconds = 40): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain: ${what}`)
    await sleep(100)
  }
}

/** Sessions in which the statement of a step is running; what a daemon asks before and beside it is no step. */
const atWork = ({ask}: Place) =>
  ask<{pid: number}>(
    "select pid from pg_stat_activity where application_name like 'qicore-db/daemon%' and state = 'active' and datname = current_database() and query like '%pg_sleep(%'",
  )

/** Seconds of processor time that a process has used. */
const processorTime = ({child}: DaemonProcess) => {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
const stop = async (daemon: DaemonProcess) => {
  daemon.child.kill('SIGTERM')
  return daemon.ended
}

/** A step that catches its own cancellation. */
const uncancellable = `do $$ begin loop begin perform pg_sleep(600); exception when query_canceled then null; end; end loop; end $$`

describe('a daemon during failures of the server, or stopped during them', () => {
  it.each([1, 2, 50])(
    "works again within two seconds of the server's return, with %i jobs, and logs the loss and the return",
    async (count) => {
      const here = await place()
      const jobs = Object.fromEntries(
        Array.from({length: count}, (_, n) => [`job-${n}`, once(effect, {retries: 3, schedule: '*/5 * * * * *'})]),
      )
      const daemon = startDaemon(here.url, jobs, flags)
      await Promise.all(Object.keys(jobs).map((name) => daemon.event('occurrence_ended', ({job}) => job === name)))
      // Before the kill: the daemon may report the loss while the server is still stopping.
      const before = {lines: daemon.lines.length, processor: processorTime(daemon)}
      await server.kill()
      // All jobs become due during the outage.
      await sleep(7_000)
      const elapsedMs = processorTime(daemon) - before.processor
      const outage = daemon.lines.slice(before.lines)
      await server.start()
      const back = Date.now()
      await Promise.all(
        Object.keys(jobs).map((name) =>
          daemon.event('occurrence_ended', ({job, time}) => job === name && Date.parse(String(time)) > back),
        ),
      )
      const firstEnded = daemon.lines.find(
        ({event, time}) => event === 'occurrence_ended' && Date.parse(String(time)) > back,
      )!
      const took = [firstEnded.time, new Date().toISOString()].map((time) => Date.parse(String(time)) - back)
      process.stderr.write(
        `${count} jobs: first run ended after ${took[0]} ms, all after ${took[1]} ms; ${outage.length} lines in the outage, ${elapsedMs} s of processor time\n`,
      )
      await daemon.event('database_back')
      expect(took[0]).toBeLessThan(2_000)
      expect(daemon.lines.slice(before.lines).filter(({event}) => event === 'connection_lost')).toHaveLength(1)
      expect(daemon.lines.slice(before.lines).filter(({event}) => event === 'database_back')).toHaveLength(1)
      expect(
        outage.filter(({event}) => ['poll_failed', 'result_write_failed', 'no_session'].includes(String(event))).length,
      ).toBeLessThanOrEqual(2)
      expect(elapsedMs).toBeLessThan(3)
      expect(await stop(daemon)).toBe(0)
      await here.db.reconnect()
      expect(await wrong(here)).toEqual([])
      await here.close()
    },
  )

  it('stops within its grace time and three seconds if the connections are silent', async () => {
    const here = await place()
    const daemon = startDaemon(here.url, {slow: once('select pg_sleep(600)', {schedule: '* * * * * *'})}, flags)
    await daemon.event('occurrence_started')
    await until('the step is at work', async () => (await atWork(here)).length > 0)
    here.relay.silence()
    const asked = Date.now()
    expect(await stop(daemon)).toBe(1)
    expect(Date.now() - asked).toBeLessThan(6_500)
    expect(await daemon.event('stop_incomplete')).toMatchObject({
      message: expect.stringMatching(/^slow \(server process \d+\)/),
    })
    await here.ask("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'qicore-db/daemon'")
    await here.close()
  })

  it('stops in time whatever a step catches', async () => {
    const here = await place()
    const daemon = startDaemon(here.url, {stubborn: once(uncancellable)}, flags)
    await daemon.event('occurrence_started')
    await until('the step is at work', async () => (await atWork(here)).length > 0)
    const asked = Date.now()
    expect(await stop(daemon)).toBe(0)
    expect(Date.now() - asked).toBeLessThan(6_000)
    await until('no step is left behind', async () => (await atWork(here)).length === 0, 5)
    await here.close()
  })
})

// They mostly wait for time limits, each with a database, a relay and a daemon of its own: together, as long as the longest.
describe.concurrent('a daemon during failures of the network', () => {
  it('polls a ledger that refuses every run at increasing intervals, logs it once, and is not ready meanwhile', async () => {
    const here = await place()
    await here.ask(`create function public.refuse() returns trigger language plpgsql as $$ begin raise 'disk full, says the test'; end $$;
      create trigger refuse before insert on qicore.maintenance_log execute function public.refuse()`)
    const daemon = startDaemon(here.url, {a: once(effect), b: once(effect), c: once(effect)}, [
      ...flags,
      '--listen',
      '127.0.0.1:0',
    ])
    const {address} = await daemon.event('listening')
    await daemon.event('poll_failed')
    const rolledBack = async () =>
      (
        await here.ask<{n: number}>(
          'select xact_rollback as n from pg_stat_database where datname = current_database()',
        )
      )[0]!.n
    const before = await rolledBack()
    await sleep(10_000)
    const readiness = (await (await fetch(`http://${address}/readyz`)).json()) as {ready: boolean; problems: string[]}
    expect(readiness).toMatchObject({
      ready: false,
      problems: expect.arrayContaining([expect.stringContaining('disk full, says the test')]),
    })
    expect((await rolledBack()) - before).toBeLessThan(40)
    expect(daemon.lines.filter(({event}) => event === 'poll_failed')).toHaveLength(1)
    await here.ask('drop trigger refuse on qicore.maintenance_log')
    await daemon.event('ledger_works')
    await daemon.event('occurrence_ended')
    expect(await stop(daemon)).toBe(0)
    await here.close()
  })

  it('detects connections that went silent, and works again when the network does', async () => {
    const here = await place()
    const daemon = startDaemon(here.url, {tick: once(effect, {retries: 3})}, [...flags, '--listen', '127.0.0.1:0'])
    const {address} = await daemon.event('listening')
    await daemon.event('occurrence_ended')
    here.relay.silence()
    const silenced = Date.now()
    await until('not ready', async () => (await fetch(`http://${address}/readyz`)).status === 503, 10)
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200)
    await daemon.event('connection_lost')
    expect(Date.now() - silenced).toBeLessThan(25_000)
    here.relay.repair()
    const repaired = Date.now()
    await daemon.event('occurrence_ended', ({time}) => Date.parse(String(time)) > repaired)
    // An attempt that was in progress when the connection went silent ends after five seconds.
    expect(Date.now() - repaired).toBeLessThan(9_000)
    expect(await stop(daemon)).toBe(0)
    expect(await wrong(here)).toEqual([])
    await here.close()
  })

  it('terminates the server process of a step that catches its own cancellation, and logs that', async () => {
    const here = await place()
    const daemon = startDaemon(here.url, {stubborn: once(uncancellable, {timeout: '1s'})}, flags)
    const ended = await daemon.event('occurrence_ended')
    expect(ended).toMatchObject({
      status: 'failed',
      error:
        'it took longer than 1 second and did not end when it was cancelled; its server process has ended and its transaction was rolled back',
    })
    expect(
      await here.ask(
        `select 1 from pg_stat_activity where query like '%query_canceled%' and state = 'active' and pid <> pg_backend_pid() and backend_start < '${String(ended.at)}'::timestamptz + interval '1 s'`,
      ),
    ).toEqual([])
    expect(await stop(daemon)).toBe(0)
    await until('no step is left behind', async () => (await atWork(here)).length === 0)
    await here.close()
  })

  it('does not record as failed what commits after its cancel request was lost', async () => {
    const here = await place()
    const daemon = startDaemon(here.url, {late: once(`${effect}; select pg_sleep(13)`, {timeout: '1s'})}, flags)
    await until('the step is at work', async () => (await atWork(here)).length > 0)
    here.relay.refuseNew()
    await daemon.event('occurrence_ended')
    here.relay.repair()
    expect(await wrong(here)).toEqual([])
    await stop(daemon)
    await here.close()
  })

  it('does a step once if its connection was cut while the server continued it', async () => {
    const here = await place()
    const daemon = startDaemon(
      here.url,
      {cut: once(`${effect}; select pg_sleep(4)`, {retries: 3, backoff: '1s'})},
      flags,
    )
    const started = await daemon.event('occurrence_started')
    await until('the step is at work', async () => (await atWork(here)).length > 0)
    here.relay.cut()
    await daemon.event('occurrence_ended', ({at, status}) => at === started.at && status !== 'retry')
    expect(await stop(daemon)).toBe(0)
    expect(
      await here.ask(`select count(*) as effects from public.effects where scheduled_at = '${String(started.at)}'`),
    ).toEqual([{effects: 1}])
    expect(await wrong(here)).toEqual([])
    await here.close()
  })
})

// It stops the server, so no other test may use it meanwhile.
describe('a daemon during a long outage', () => {
  it('is alive and not ready during an outage much longer than its polls, also if it only monitors', async () => {
    const here = await place()
    const there = await place()
    const working = startDaemon(here.url, {tick: once(effect, {retries: 3})}, [...flags, '--listen', '127.0.0.1:0'])
    const idle = startDaemon(there.url, {}, [...flags, '--listen', '127.0.0.1:0'])
    const addresses = [await working.event('listening'), await idle.event('listening')].map(({address}) =>
      String(address),
    )
    await working.event('occurrence_ended')
    const status = (path: string) =>
      Promise.all(addresses.map(async (at) => (await fetch(`http://${at}${path}`)).status))
    await until('ready', async () => (await status('/readyz')).every((code) => code === 200), 10)
    here.relay.silence()
    await server.kill()
    await until('not ready', async () => (await status('/readyz')).every((code) => code === 503), 10)
    // The loop counts as stuck after three times 15 s, with this --poll.
    for (const end = Date.now() + 50_000; Date.now() < end; await sleep(2_000)) {
      expect(await status('/healthz')).toEqual([200, 200])
      expect(await status('/readyz')).toEqual([503, 503])
    }
    here.relay.repair()
    await server.start()
    await until('ready again', async () => (await status('/readyz')).every((code) => code === 200), 15)
    await Promise.all([stop(working), stop(idle)])
    await Promise.all([here, there].map(({db, close}) => db.reconnect().then(close)))
  }, 120_000)
})
