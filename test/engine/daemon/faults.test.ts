import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {auditProblems} from '../../../src/schedule/audit.js'
import {readAudit} from '../../../src/jobs/store/read-audit.js'
import {createDatabase, targetOf, writing} from '../../helpers/server.js'
import {startPostgres18, type NativePostgres} from '../../helpers/postgres18.js'
import {startDaemon} from '../../helpers/daemon-crowd.js'
import {withCore} from '../../helpers/daemon-jobs.js'

let server: NativePostgres
beforeAll(async () => {
  server = await startPostgres18()
})
afterAll(() => server.stop())

const effect =
  "insert into public.effects values (current_setting('qicore.job'), current_setting('qicore.scheduled_at')::timestamptz)"
const flags = ['--lease', '2s', '--poll', '500ms', '--grace', '3s']
const every = (statementText: string, more: object = {}) => ({
  kind: 'sql',
  schedule: '* * * * * *',
  catchUp: 'all',
  overlap: 'queue',
  statement: statementText,
  ...more,
})

interface Fresh {
  url: string
  db: Database
  ask<Row extends object>(text: string): Promise<Row[]>
  drop(): Promise<void>
}

async function fresh(): Promise<Fresh> {
  const {url, drop} = await createDatabase(server.url, null)
  const db = await connect(targetOf(url), {applicationName: 'qicore-db/test'})
  await withCore({db})
  const ask = <Row extends object>(text: string) => db.transaction({...writing}, (tx) => tx.query<Row>(statement(text)))
  await ask('create table public.effects (job text, scheduled_at timestamptz)')
  return {
    url,
    db,
    ask,
    drop: async () => {
      await db.close()
      await drop()
    },
  }
}

/** Every due time up to now has a row, nothing was done twice, and every row that says done was done. */
async function expectWhole({db, ask}: Fresh): Promise<void> {
  const {jobs} = await readAudit(db, null, null, 0)
  expect(jobs.map(({job, gaps, duplicates, unexpected}) => ({job, gaps, duplicates, unexpected}))).toEqual(
    jobs.map(({job}) => ({job, gaps: [], duplicates: [], unexpected: []})),
  )
  expect(
    await ask(`select l.job, l.scheduled_at, l.status, count(e.job) as effects from qicore.maintenance_log l left join public.effects e using (job, scheduled_at)
    where l.status <> 'running' group by 1, 2, 3 having count(e.job) <> (l.status in ('done', 'done_late'))::int`),
  ).toEqual([])
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited 30 s in vain: ${what}`)
    await sleep(100)
  }
}

describe('a daemon', () => {
  it('survives an outage of the server, and catches up', async () => {
    const place = await fresh()
    const daemon = startDaemon(place.url, {tick: every(effect)}, flags)
    await daemon.event('occurrence_ended')
    await server.kill()
    const away = await daemon.event('connection_lost')
    expect(away.error).toMatch(/ECONNREFUSED|terminated|connect/i)
    await sleep(3_000)
    await server.start()
    await daemon.event('database_back')
    const back = Date.now()
    await daemon.event('occurrence_ended', ({at}) => Date.parse(String(at)) > back)
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await place.db.reconnect()
    await expectWhole(place)
    await place.drop()
  })

  it('waits for a server that is not running yet when the daemon starts', async () => {
    const place = await fresh()
    await server.kill()
    const daemon = startDaemon(place.url, {tick: every(effect)}, flags)
    await daemon.event('connection_lost')
    await server.start()
    await daemon.event('occurrence_ended')
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await place.db.reconnect()
    await place.drop()
  })

  it('repeats a step whose backend was killed, and does it once', async () => {
    const place = await fresh()
    const daemon = startDaemon(place.url, {slow: every(`${effect}; select pg_sleep(0.8)`)}, flags)
    let kills = 0
    const deadline = Date.now() + 60_000
    while (kills < 3 && Date.now() < deadline) {
      kills += (
        await place.ask(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'qicore-db/daemon' and query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()",
        )
      ).length
      await sleep(700)
    }
    expect(kills).toBeGreaterThanOrEqual(3)
    const killed = Date.now()
    await daemon.event('occurrence_ended', ({time, status}) => Date.parse(String(time)) > killed && status !== 'retry')
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await expectWhole(place)
    await place.drop()
  })

  it('reports a ledger that cannot be written, retries, and loses nothing', async () => {
    const place = await fresh()
    await place.ask(`create function public.refuse() returns trigger language plpgsql as $$ begin raise 'disk full, says the test'; end $$;
      create trigger refuse before insert on qicore.maintenance_log execute function public.refuse()`)
    const daemon = startDaemon(place.url, {tick: every(effect)}, flags)
    const failed = await daemon.event('poll_failed')
    expect(failed.error).toContain('disk full, says the test')
    await sleep(2_500)
    expect(await place.ask('select 1 from public.effects')).toEqual([])
    await place.ask('drop trigger refuse on qicore.maintenance_log')
    await daemon.event('occurrence_ended')
    await until('all caught up', async () =>
      (await readAudit(place.db, null, null, 0)).jobs.every((audit) => auditProblems(audit, 2_000) === 0),
    )
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await expectWhole(place)
    const [{skipped}] = (await place.ask(
      "select count(*) as skipped from qicore.maintenance_log where status = 'skipped'",
    )) as [{skipped: number}]
    expect(skipped).toBe(0)
    await place.drop()
  })

  it('keeps the result of a run until it can be written', async () => {
    const place = await fresh()
    await place.ask(`create table public.open (shut boolean); insert into public.open values (true);
      create function public.refuse() returns trigger language plpgsql as $$ begin if (select shut from public.open) and new.status <> 'running' then raise 'not now'; end if; return new; end $$;
      create trigger refuse before update on qicore.maintenance_log for each row execute function public.refuse()`)
    const daemon = startDaemon(place.url, {tick: every(effect, {schedule: '*/2 * * * * *'})}, flags)
    expect(await daemon.event('result_write_failed')).toMatchObject({
      job: 'tick',
      error: expect.stringContaining('not now'),
    })
    await sleep(3_000)
    await place.ask('update public.open set shut = false')
    await daemon.event('occurrence_ended')
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await expectWhole(place)
    await place.drop()
  })

  it('cancels a run that exceeds its timeout, on the server too', async () => {
    const place = await fresh()
    const daemon = startDaemon(
      place.url,
      {hang: every('select pg_sleep(1000)', {timeout: '1s', retries: 0, catchUp: 'once'})},
      flags,
    )
    const ended = await daemon.event('occurrence_ended')
    expect(ended).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('longer than 1 second and was cancelled'),
    })
    expect(Number(ended.ms)).toBeLessThan(8_000)
    daemon.child.kill('SIGTERM')
    await daemon.ended
    expect(
      await place.ask(
        "select 1 from pg_stat_activity where query like '%pg_sleep(1000)%' and state = 'active' and pid <> pg_backend_pid()",
      ),
    ).toEqual([])
    await place.drop()
  })

  it('retries a failed run after increasing pauses, and then reports the failure', async () => {
    const place = await fresh()
    const daemon = startDaemon(
      place.url,
      {broken: every('select 1 / 0', {retries: 2, backoff: '200ms', catchUp: 'once'})},
      flags,
    )
    const failed = await daemon.event('occurrence_ended', ({status}) => status === 'failed')
    expect(failed).toMatchObject({attempt: 3, error: expect.stringContaining('division by zero')})
    expect(
      daemon.lines
        .filter(({event, status, at}) => event === 'occurrence_ended' && status === 'retry' && at === failed.at)
        .map(({inSeconds}) => inSeconds),
    ).toEqual([0.2, 0.4])
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await expectWhole(place)
    await place.drop()
  })

  it('does not finish an occurrence that was reclaimed while it was suspended past its lease', async () => {
    const place = await fresh()
    const jobs = {slow: every(`select pg_sleep(1.2); ${effect}`, {schedule: '*/3 * * * * *'})}
    const first = startDaemon(place.url, jobs, flags)
    await first.event('occurrence_started')
    first.child.kill('SIGSTOP')
    const second = startDaemon(place.url, jobs, flags)
    const taken = await second.event('reclaimed')
    expect(taken.from).toBe(first.lines.find(({event}) => event === 'started')!.id)
    await second.event('occurrence_ended', ({at, status}) => at === taken.at && status !== 'retry')
    first.child.kill('SIGCONT')
    await sleep(4_000)
    for (const {child} of [first, second]) child.kill('SIGTERM')
    expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0])
    expect(
      first.lines.some(({event, at, status}) => event === 'occurrence_ended' && at === taken.at && status === 'done'),
    ).toBe(false)
    await expectWhole(place)
    await place.drop()
  })

  it('on SIGTERM waits for the running step, releases what exceeds the grace time, and exits 0', async () => {
    const place = await fresh()
    const quick = startDaemon(place.url, {short: every(`select pg_sleep(1.5); ${effect}`, {catchUp: 'once'})}, flags)
    const begun = await quick.event('occurrence_started')
    await until(
      'the step is at work',
      async () =>
        (
          await place.ask(
            "select 1 from pg_stat_activity where query like '%pg_sleep(1.5)%' and state = 'active' and pid <> pg_backend_pid()",
          )
        ).length > 0,
    )
    quick.child.kill('SIGTERM')
    expect(await quick.ended).toBe(0)
    expect(await place.ask(`select status from qicore.maintenance_log where id = ${Number(begun.id)}`)).toEqual([
      {status: 'done'},
    ])

    const long = startDaemon(place.url, {long: every('select pg_sleep(600)', {catchUp: 'once'})}, [
      '--lease',
      '2s',
      '--poll',
      '500ms',
      '--grace',
      '500ms',
    ])
    const started = await long.event('occurrence_started', ({job}) => job === 'long')
    long.child.kill('SIGTERM')
    expect(await long.ended).toBe(0)
    expect(
      await place.ask(
        `select status, claimed_by, attempts, lease_until <= clock_timestamp() as free from qicore.maintenance_log where id = ${Number(started.id)}`,
      ),
    ).toEqual([{status: 'running', claimed_by: null, attempts: 0, free: true}])
    expect(
      await place.ask(
        "select 1 from pg_stat_activity where query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid()",
      ),
    ).toEqual([])
    await place.drop()
  })

  it('stops also if it is asked to before it has started', async () => {
    const place = await fresh()
    const jobs = Object.fromEntries(
      Array.from({length: 500}, (_, n) => [`job-${n}`, every('select 1', {schedule: '@yearly'})]),
    )
    const daemon = startDaemon(place.url, jobs, flags)
    await daemon.event('schedules_changed')
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await place.drop()
  })

  it('a timeout of a month does not overflow', async () => {
    const place = await fresh()
    const daemon = startDaemon(place.url, {slow: every('select pg_sleep(0.2)', {timeout: '30d', retries: 0})}, flags)
    expect(await daemon.event('occurrence_ended')).toMatchObject({status: expect.stringMatching(/^(late-)?done$/)})
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await place.drop()
  })

  it('exits at once on a second signal', async () => {
    const place = await fresh()
    const daemon = startDaemon(place.url, {long: every('select pg_sleep(600)', {catchUp: 'once'})}, ['--grace', '60s'])
    await daemon.event('occurrence_started')
    daemon.child.kill('SIGTERM')
    await daemon.event('stopping')
    const asked = Date.now()
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(130)
    expect(Date.now() - asked).toBeLessThan(3_000)
    await place.drop()
  })

  it('writes nothing on a read-only replica and waits until it is promoted', async () => {
    const place = await fresh()
    const before = startDaemon(place.url, {tick: every(effect, {catchUp: 'none'})}, flags)
    await before.event('occurrence_ended')
    before.child.kill('SIGTERM')
    await before.ended
    await server.kill()
    writeFileSync(join(server.directory, 'data/standby.signal'), '')
    // A standby logs only that it accepts read-only connections, never that it accepts connections.
    const promoted = server.start()
    await until('the standby takes readers', () =>
      place.db.reconnect().then(
        () => true,
        () => false,
      ),
    )
    expect(place.db.server.inRecovery).toBe(true)
    const daemon = startDaemon(place.url, {tick: every(effect, {catchUp: 'none'})}, [...flags, '--log-level', 'info'])
    expect(await daemon.event('replica')).toMatchObject({message: expect.stringContaining('read-only replica')})
    await sleep(1_500)
    const admin = await connect(targetOf(server.url), {applicationName: 'qicore-db/test'})
    await admin.query(statement('select pg_promote()'))
    await admin.close()
    await promoted
    await daemon.event('server_changed', ({message}) => String(message).includes('promoted'))
    await daemon.event('server_changed', ({message}) => String(message).includes('timeline'))
    await daemon.event('occurrence_ended')
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await place.db.reconnect()
    await expectWhole(place)
    expect((await readAudit(place.db, null, null, 0)).timelines).toHaveLength(1)
    await place.drop()
  })
})
