import pg from 'pg'
import {expect, it} from 'vitest'
import {readAudit} from '../../../src/jobs/store/read-audit.js'
import {enginesFor, skipBecause, type Engine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {noPgbouncer, startPgbouncer} from '../../helpers/pgbouncer.js'
import {startDaemon} from '../../helpers/daemon-crowd.js'
import {withCore} from '../../helpers/daemon-jobs.js'

const engine = enginesFor({native: true})[0]
const reason = noPgbouncer() ?? (engine === undefined ? 'there is no native server' : null)
if (reason !== null) skipBecause(`the daemon through a transaction pooler: ${reason}`)
else tests(engine!)

const effect =
  "insert into public.effects values (current_setting('qicore.job'), current_setting('qicore.scheduled_at')::timestamptz)"
const flags = ['--lease', '3s', '--poll', '500ms', '--grace', '5s']
const servers = 3

function tests(native: Engine): void {
  it('two daemons behind PgBouncer share the work, one is killed, nothing is done twice, and no state stays on a server connection', async () => {
    const {db, run, url} = await withCore(await native.database())
    await run('create table public.effects (job text, scheduled_at timestamptz)')
    const {hostname, port, pathname} = new URL(url)
    const pooler = await startPgbouncer(temporaryDirectory(), {host: hostname, port: Number(port)}, servers)
    const through = `postgres://postgres@127.0.0.1:${pooler.port}${pathname}`
    const fresh = await settingsOf(url)
    const every = (statement: string, over: object = {}) => ({
      kind: 'sql',
      schedule: '* * * * * *',
      catchUp: 'all',
      overlap: 'queue',
      statement,
      ...over,
    })
    // Longer than a lease: the heartbeat has to get through meanwhile.
    const jobs = {
      tick: every(effect),
      tock: every(effect),
      long: every(`${effect}; select pg_sleep(4)`, {schedule: '*/10 * * * * *'}),
      alone: every('vacuum public.effects', {
        schedule: '*/3 * * * * *',
        transaction: 'none',
        retries: 0,
        overlap: 'skip',
        catchUp: 'once',
      }),
    }
    const [first, second] = [startDaemon(through, jobs, flags), startDaemon(through, jobs, flags)] as const
    expect(await first.event('connected')).toMatchObject({pooled: true})
    await Promise.all([first, second].map((daemon) => daemon.event('occurrence_ended', ({job}) => job === 'tick')))
    const long = await Promise.race(
      [first, second].map((daemon) => daemon.event('occurrence_ended', ({job}) => job === 'long')),
    )
    expect(long).toMatchObject({status: 'done', attempt: 1})
    expect(
      await Promise.race([first, second].map((daemon) => daemon.event('occurrence_ended', ({job}) => job === 'alone'))),
    ).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('transaction pooler'),
    })
    first.child.kill('SIGKILL')
    await first.ended
    const killed = Date.now()
    await second.event('occurrence_ended', ({at}) => Date.parse(String(at)) > killed)
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(0)

    const {jobs: audits} = await readAudit(db, null, null, 0)
    expect(audits.map(({job, gaps, duplicates, unexpected}) => ({job, gaps, duplicates, unexpected}))).toEqual(
      Object.keys(jobs)
        .sort()
        .map((job) => ({job, gaps: [], duplicates: [], unexpected: []})),
    )
    expect(
      await run(`select l.job, l.scheduled_at, l.status, count(e.job) as effects from qicore.maintenance_log l left join public.effects e using (job, scheduled_at)
      where l.status <> 'running' and l.job <> 'alone' group by 1, 2, 3 having count(e.job) <> (l.status in ('done', 'done_late'))::int`),
    ).toEqual([])

    // All server connections of the pool at once.
    const found = await Promise.all(Array.from({length: servers}, () => settingsOf(through)))
    expect(new Set(found.map(({pid}) => pid)).size).toBe(servers)
    for (const {settings, locks} of found) expect({settings, locks}).toEqual({settings: fresh.settings, locks: 0})
    await pooler.stop()
  }, 120_000)
}

/** The state that a client finds on its connection, which it keeps for a second. */
async function settingsOf(url: string): Promise<{pid: number; settings: unknown; locks: number}> {
  const client = new pg.Client({connectionString: url})
  await client.connect()
  try {
    await client.query('begin')
    const {
      rows: [{pid}],
    } = await client.query('select pg_backend_pid() as pid')
    // application_name is set by the pooler.
    const {rows: settings} = await client.query(
      "select name, setting from pg_settings where source = 'session' and name <> 'application_name' or name in ('search_path', 'TimeZone', 'role', 'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'jit') order by name",
    )
    const {rows: custom} = await client.query(
      "select coalesce(current_setting('qicore.job', true), '') as job, coalesce(current_setting('qicore.scheduled_at', true), '') as at",
    )
    const {
      rows: [{locks}],
    } = await client.query("select count(*)::int as locks from pg_locks where locktype = 'advisory'")
    await client.query('select pg_sleep(1)')
    await client.query('rollback')
    return {pid, settings: [settings, custom], locks}
  } finally {
    await client.end()
  }
}
