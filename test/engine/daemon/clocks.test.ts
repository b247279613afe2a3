import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {auditProblems} from '../../../src/schedule/audit.js'
import {databaseClock} from '../../../src/daemon/database-clock.js'
import {skewOf} from '../../../src/jobs/store/daemons.js'
import {readAudit} from '../../../src/jobs/store/read-audit.js'
import {systemClock} from '../../../src/units/process-clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {startDaemon} from '../../helpers/daemon-crowd.js'
import {withCore} from '../../helpers/daemon-jobs.js'

const effect =
  "insert into public.effects values (current_setting('qicore.job'), current_setting('qicore.scheduled_at')::timestamptz)"
const flags = ['--lease', '2s', '--poll', '500ms', '--grace', '3s']
/** This machine's clock with an offset in milliseconds, in the daemon only. */
const ahead = (ms: number) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`const now=Date.now.bind(Date);Date.now=()=>now()+${ms}`)}`,
})
const setClock = ({run}: TestDatabase, seconds: number) =>
  run(
    `create or replace function qicore.now() returns timestamptz language sql volatile return pg_catalog.clock_timestamp() + interval '${seconds} seconds'`,
  )

describe("this machine's clock against the server's", () => {
  it('is skewed only by more than the round trip can explain', () => {
    expect([skewOf(1_000, 1_500, 2_000), skewOf(1_000, 900, 2_000), skewOf(1_000, 5_000, 2_000)]).toEqual([
      0, 100, -3_000,
    ])
  })

  it("the server's clock is used, and a slow answer does not move it", () => {
    const clock = databaseClock(systemClock)
    const at = performance.now()
    expect(clock.set(1_000_000, at, at + 10)).toBe(0)
    expect(clock.now()).toBeGreaterThan(999_990)
    expect(Math.abs(clock.set(1_000_300, at, at + 1_000))).toBeLessThan(1_000)
    expect(clock.now()).toBeLessThan(1_010_000)
    expect(clock.set(1_000_000 + 86_400_000, at, at + 10)).toBe(86_400_000)
    expect(clock.now()).toBeGreaterThan(87_000_000)
    expect(clock.set(1_000_000, at, at + 10)).toBe(-86_400_000)
    expect(clock.now()).toBeLessThan(2_000_000)
  })
})

forEachEngine({native: true, kinds: ['postgres', 'timescaledb']}, (engine) => {
  const place = async () => {
    const database = await withCore(await engine.database())
    await database.run('create table public.effects (job text, scheduled_at timestamptz)')
    return database
  }
  const expectWhole = async ({db, run}: TestDatabase) => {
    const {jobs} = await readAudit(db, null, null, 0)
    expect(jobs.map(({job, gaps, duplicates, unexpected}) => ({job, gaps, duplicates, unexpected}))).toEqual(
      jobs.map(({job}) => ({job, gaps: [], duplicates: [], unexpected: []})),
    )
    expect(
      await run(`select l.job, l.scheduled_at, l.status, count(e.job) as effects from qicore.maintenance_log l left join public.effects e using (job, scheduled_at)
      where l.status <> 'running' group by 1, 2, 3 having count(e.job) <> (l.status in ('done', 'done_late'))::int`),
    ).toEqual([])
    return jobs
  }

  it('each due time is recorded once if the clock jumps forward by six hours, and none runs again if it jumps back', async () => {
    const database = await place()
    const daemon = startDaemon(
      database.url,
      {tick: {kind: 'sql', schedule: '* * * * * *', catchUp: 'once', statement: effect}},
      flags,
    )
    await daemon.event('occurrence_ended')
    // The same as a machine that slept for hours: its own clock stood still meanwhile.
    await setClock(database, 21_600)
    const {seconds} = await daemon.event('clock_jump')
    expect(Number(seconds)).toBeGreaterThan(21_500)
    const later = Date.now() + 21_500_000
    await daemon.event('occurrence_ended', ({at}) => Date.parse(String(at)) > later)
    const [{rows}] = (await database.run('select count(*) as rows from qicore.maintenance_log')) as unknown as [
      {rows: number},
    ]
    expect(rows).toBeGreaterThan(21_500)

    await setClock(database, 0)
    await daemon.event('clock_jump', ({seconds: by}) => Number(by) < -21_500)
    const known = (await database.run('select max(scheduled_at) as last from qicore.maintenance_log'))[0]
    await sleep(3_000)
    expect((await database.run('select max(scheduled_at) as last from qicore.maintenance_log'))[0]).toEqual(known)
    await setClock(database, 21_600 + 60)
    await daemon.event('occurrence_ended', ({at}) => Date.parse(String(at)) > later + 60_000)
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    await expectWhole(database)
  }, 120_000)

  it('a daemon whose event loop was blocked for several leases continues alone where it stopped', async () => {
    const database = await place()
    const daemon = startDaemon(
      database.url,
      {
        slow: {
          kind: 'sql',
          schedule: '*/2 * * * * *',
          catchUp: 'all',
          overlap: 'queue',
          statement: `${effect}; select pg_sleep(0.5)`,
        },
      },
      flags,
    )
    await daemon.event('occurrence_ended')
    await daemon.event('occurrence_started', ({at}) => Date.parse(String(at)) > Date.now() - 4_000)
    daemon.child.kill('SIGSTOP')
    await sleep(9_000)
    daemon.child.kill('SIGCONT')
    const woken = Date.now()
    await daemon.event('occurrence_ended', ({at, status}) => Date.parse(String(at)) > woken && status !== 'retry')
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
    const [audit] = await expectWhole(database)
    // The next occurrence may have been claimed when SIGTERM arrived: the daemon releases it, and it waits for another
    // one.
    expect(audit!.retrying.length).toBeLessThanOrEqual(1)
    expect(auditProblems({...audit!, retrying: []}, 60_000)).toBe(0)
    expect(Object.keys(audit!.byStatus).filter((status) => status.startsWith('skipped'))).toEqual([])
  }, 120_000)

  it("warns if the two clocks differ by more than a second, uses the server's, and drops nothing meanwhile", async () => {
    const database = await place()
    await database.run(
      "create table public.old (time timestamptz not null) partition by range (time); create table public.old_y2020m01 partition of public.old for values from ('2020-01-01') to ('2020-02-01')",
    )
    await database.run(
      "insert into qicore.policies (object, kind, config) values ('public.old', 'retention', '{\"after\": \"7 days\"}')",
    )
    const jobs = {
      tick: {kind: 'sql', schedule: '* * * * * *', statement: effect},
      retain: {schedule: '*/2 * * * * *', tables: ['public.old'], retries: 0},
    }
    const daemon = startDaemon(database.url, jobs, flags, ahead(90_000))
    expect(Number((await daemon.event('clock_skew')).seconds)).toBeGreaterThan(80)
    const {late, status} = await daemon.event('occurrence_ended', ({job}) => job === 'tick')
    expect([status, Math.abs(Number(late)) < 60]).toEqual(['done', true])
    const refused = await daemon.event('occurrence_ended', ({job}) => job === 'retain')
    expect(refused).toMatchObject({status: 'failed', error: expect.stringContaining('nothing is dropped while')})
    daemon.child.kill('SIGTERM')
    expect(await daemon.ended).toBe(0)
  }, 120_000)
})
