import {describe, expect, it} from 'vitest'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {transactionTime} from '../../helpers/clock.js'
import {enginesFor, forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'

const jobs = {
  maintain: 'none',
  refresh: 'none',
  retain: 'none',
  partitions: 'none',
  'prune-history': 'none',
  snapshot: 'none',
  count: {
    kind: 'sql',
    schedule: '0 * * * *',
    statement: 'create table if not exists public.counted (n int); insert into public.counted values (1)',
  },
  night: {kind: 'sql', schedule: '30 2 * * *', timezone: 'Europe/Berlin', window: '01:00-05:00', file: 'night.sql'},
  broken: {kind: 'sql', schedule: '@daily', statement: 'select\n1 / 0', retries: 0},
}
const place = (url: string) =>
  directoryWith({
    'qicore-db.config.yaml': JSON.stringify({version: 1, default: 'test', targets: {test: {url}}, jobs}),
    'night.sql': 'select 1;\n',
  })

forEachEngine({native: true}, (engine) => {
  it('a sql job that is run by hand has the start of the run as its scheduled_at', async () => {
    const url = await engine.urlFor(({run}) =>
      run('create table public.effects (at timestamptz not null)').then(() => {}),
    )
    const sql = "insert into public.effects values (current_setting('qicore.scheduled_at')::timestamptz)"
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1\njobs:\n  mark: {kind: sql, schedule: "0 3 * * *", statement: "${sql}"}\n`,
    })
    const run = await runCli(['jobs', 'run', 'mark', '--yes', '--url', url], {cwd})
    expectExit(run, 0)
    expect(run.stdout).toContain('done')
  })

  it('a job that its timeout cancels says so, not only that its statement was cancelled', async () => {
    const job = 'slow: {kind: sql, schedule: "@daily", statement: "select pg_sleep(60)", timeout: 1s}'
    const cwd = directoryWith({'qicore-db.config.yaml': `version: 1\njobs:\n  ${job}\n`})
    const run = await runCli(['jobs', 'run', 'slow', '--url', await engine.urlFor(async () => {})], {cwd})
    expectExit(run, 1)
    expect(run.stderr).toContain('Error: slow: it took longer than 1 second and was cancelled.')
  })

  it('jobs list says when a daemon that was killed was last seen, and after two minutes that none was', async () => {
    const database = await engine.database()
    const {run} = database
    const cwd = place(database.url)
    const listed = async () => (await runCli(['jobs', 'list'], {cwd})).stdout
    await runCli(['migrate', 'up', '--stream', 'core', '--yes'], {cwd}).then((up) => expectExit(up, 0))
    await run(
      `insert into qicore.daemon (id, host, pid, version, actor, seen_at) values ('killed', 'h', 1, '1', 'x', ${transactionTime} - interval '50 s')`,
    )
    expect(await listed()).toMatch(/1 daemon, last seen: killed \([5-9]\ds ago\)/)
    await run(`update qicore.daemon set seen_at = ${transactionTime} - interval '121 s'`)
    expect(await listed()).toContain('No daemon was seen here in the last two minutes')
  })

  it('jobs are listed, run, paused, resumed and audited', async () => {
    const cwd = place(await engine.urlFor(async () => {}))
    const run = (...args: string[]) => runCli(['jobs', ...args], {cwd})
    const listed = jsonOf<{kind: string; jobs: Record<string, unknown>[]}>(await run('list', '--json'))
    expect(listed.kind).toBe('jobs.list')
    expect(listed.jobs.map(({name, state, lastStatus}) => [name, state, lastStatus])).toEqual([
      ['broken', 'new', null],
      ['count', 'new', null],
      ['night', 'new', null],
    ])

    const dry = await run('run', 'count', '--dry-run')
    expectExit(dry, 0)
    expect(dry.stdout).toContain('insert into public.counted values (1);')
    const done = await run('run', 'count', '--json')
    expectExit(done, 0)
    expect(jsonOf(done)).toMatchObject({
      kind: 'jobs.run',
      job: 'count',
      status: 'done',
      dryRun: false,
      steps: [{id: 'sql count', status: 'done'}],
    })
    const failed = await run('run', 'broken')
    expectExit(failed, 1)
    expect(failed.stdout).toContain('jobs.broken.statement:1: division by zero')

    expectExit(await run('pause', 'count', '--reason', 'release 4.2'), 0)
    const paused = await run('list')
    expect(paused.stdout).toMatch(/^!count +0 \* \* \* \* +UTC +paused/m)
    expect(paused.stdout.replace(/\s+/g, ' ')).toContain('release 4.2')
    expect((await run('next')).stdout).toContain('! paused: count. Fix: qicore-db jobs resume count')
    expectExit(await run('resume', 'count'), 0)

    const history = jsonOf<{occurrences: Record<string, unknown>[]}>(await run('history', '--json'))
    expect(history.occurrences.map(({job, status, runBy}) => [job, status, runBy])).toEqual([
      ['broken', 'failed', 'hand'],
      ['count', 'done', 'hand'],
    ])
    const audit = await run('history', '--audit', '--json')
    expectExit(audit, 0)
    expect(jsonOf<{ok: boolean; jobs: Record<string, unknown>[]}>(audit)).toMatchObject({
      ok: true,
      jobs: [
        {job: 'broken', gaps: []},
        {job: 'count', gaps: [], notes: [expect.stringContaining('paused since'), expect.stringContaining('resumed')]},
      ],
    })
  })
})

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('jobs show has one run with its steps, token, actor and SQLSTATE', async () => {
    const cwd = place(await engine.urlFor(async () => {}))
    const run = (...args: string[]) => runCli(['jobs', ...args], {cwd})
    expectExit(await run('run', 'broken'), 1)
    const shown = await run('show', '1', '--json')
    expectExit(shown, 0)
    expect(jsonOf(shown)).toMatchObject({
      kind: 'jobs.show',
      run: {job: 'broken', status: 'failed', scheduledAt: null, token: expect.any(Number), sqlState: '22012'},
      steps: [
        {step: 'sql broken', status: 'failed', sqlState: '22012', error: expect.stringContaining('division by zero')},
      ],
    })
    const text = (await run('show', '1')).stdout.replace(/\s+/g, ' ')
    expect(text).toContain('1: job broken (sql) not scheduled, started ')
    expect(text).toMatch(/by hand .*, as .*, token \d+, 1 attempt/)
    const wrong = await run('show', '999999', '--json')
    expectExit(wrong, 2)
    expect(jsonOf(wrong)).toMatchObject({error: {code: 'NO_SUCH_RUN'}})
  })
})

for (const engine of enginesFor({native: false}))
  it('jobs run on the embedded engine, one process after another', async () => {
    const cwd = place(await engine.urlFor(async () => {}))
    expectExit(await runCli(['jobs', 'run', 'count'], {cwd}), 0)
    expect(jsonOf(await runCli(['jobs', 'history', '--json'], {cwd}))).toMatchObject({
      occurrences: [{job: 'count', status: 'done'}],
    })
  })

describe('jobs', () => {
  it('are simulated without a database, with notes on clock changes', async () => {
    const cwd = place('postgres://nobody@127.0.0.1:1/nowhere')
    const result = await runCli(['jobs', 'simulate', 'night', '--from', '2026-03-28', '--to', '2026-03-31'], {cwd})
    expectExit(result, 0)
    expect(result.stdout).toBe(` AT (UTC)          LOCAL                    JOB
 2026-03-28 01:30  2026-03-28 02:30 +01:00  night
 2026-03-29 01:00  2026-03-29 03:00 +02:00  night
 2026-03-30 00:30  2026-03-30 02:30 +02:00  night
- night: 2026-03-29: 02:30 does not exist (the clocks go from 02:00 to 03:00)
  and runs at 03:00 instead
3 runs from 2026-03-28 00:00 to 2026-03-31 00:00 UTC.
`)
    const year = jsonOf<{total: number; notes: {at: string}[]}>(
      await runCli(['jobs', 'simulate', 'night', '--from', '2026-01-01', '--to', '2027-01-01', '--json'], {cwd}),
    )
    expect([year.total, year.notes.map(({at}) => at)]).toEqual([
      365,
      ['2026-03-29T01:00:00.000Z', '2026-10-25T01:00:00.000Z'],
    ])
  })

  it('that do not exist are refused by name, with all mistakes of the configuration together', async () => {
    const unknown = await runCli(['jobs', 'simulate', 'nope'], {cwd: place('embedded:x')})
    expectExit(unknown, 2)
    expect(unknown.stderr).toContain('There is no job "nope"')
    const cwd = directoryWith({
      'qicore-db.config.yaml': JSON.stringify({
        version: 1,
        jobs: {
          never: {kind: 'sql', schedule: '0 0 31 2 *', statement: 'x'},
          shut: {kind: 'sql', schedule: '0 2 * * *', window: '03:00-04:00', statement: 'x'},
          wild: {kind: 'sql', schedule: '* * * * *', jitter: '2min', statement: 'x'},
          gone: {kind: 'sql', schedule: '@daily', file: 'nowhere.sql'},
        },
      }),
    })
    const wrong = await runCli(['jobs', 'simulate'], {cwd})
    expectExit(wrong, 2)
    const said = wrong.stderr.replace(/\s+/g, ' ')
    for (const words of [
      '4 mistakes',
      'jobs.never.schedule: "0 0 31 2 *" never occurs',
      'jobs.shut.window: no run of "0 2 * * *" UTC is within 03:00-04:00',
      'jobs.wild.jitter: 120 s is not shorter than the 60 s between two runs',
      'jobs.gone.file: nowhere.sql cannot be read (ENOENT)',
    ])
      expect(said).toContain(words)
  })
})

describe('the daemon', () => {
  it('does not use the embedded engine by default', async () => {
    const result = await runCli(['daemon'], {cwd: place('embedded:db')})
    expectExit(result, 2)
    expect(result.stderr).toContain('--target test')
  })

  it('refuses an invalid address to listen on, and a target that does not exist', async () => {
    const cwd = place('postgres://nobody@127.0.0.1:1/nowhere')
    expectExit(await runCli(['daemon', '--listen', 'somewhere'], {cwd}), 2)
    expectExit(await runCli(['daemon', '--target', 'nope'], {cwd}), 2)
  })

  for (const engine of enginesFor({native: true}).slice(0, 1))
    it('only observes a database in which nothing is declared', async () => {
      let url = ''
      await engine.urlFor(async (database) => void (url = database.url))
      const cwd = directoryWith({'qicore-db.config.yaml': JSON.stringify({version: 1, targets: {test: {url}}})})
      const result = await runCli(['daemon', '--target', 'test', '--listen', 'off'], {cwd, timeout: 6_000})
      const events = result.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as {event: string}).event)
      expect(events).toContain('observing')
      expect(events).not.toContain('qicore_schema_installed')
    })
})
