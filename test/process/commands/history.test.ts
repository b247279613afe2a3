import {spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {loadSql} from '../../../src/db/load-sql.js'
import {ident, sql, statement} from '../../../src/db/sql.js'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {releaseEngines} from '../../helpers/cli-hosts.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {applicationName, targetOf, writing} from '../../helpers/server.js'
import {replay} from '../../helpers/schema-replay.js'

interface Runs {
  source: string
  runs:
    | {
        id: number
        operation: string
        status: string
        reason: string | null
        runBy: string
        actor: string | null
        ms: number | null
        completedAt: string | null
        tables: string[]
        steps: number
      }[]
    | null
}

it('the report and the routine that ends lost runs decide with the same SQL text', () => {
  const words = (text: string) =>
    text
      .replace(/^--.*$/gm, '')
      .replace(/\s+/g, ' ')
      .trim()
  expect(words(loadSql('routines/close_lost_runs'))).toContain(words(loadSql('run/lost')))
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('shows who changed what, how and when, with the steps of a run, also for tables that no longer exist', async () => {
    const url = await engine.urlFor(({run}) =>
      run(`create table public.m (t timestamptz not null, v int);
      select create_hypertable('public.m', 't', chunk_time_interval => interval '1 day');
      alter table public.m set (timescaledb.compress, timescaledb.compress_orderby = 't');
      insert into public.m values ('2026-01-01Z', 1), ('2026-01-02Z', 1)`),
    )
    const history = (...args: string[]) => runCli(['history', ...args, '--url', url])
    expect(jsonOf<Runs>(await history('--json'))).toMatchObject({kind: 'history', source: 'missing', runs: []})
    const nothing = await history()
    expectExit(nothing, 0)
    expect(nothing.stdout).toContain('Nothing is recorded: the schema qicore')

    expectExit(await runCli(['chunks', 'compress', 'm', '--to', '2026-01-03', '--url', url]), 0)
    const {runs} = jsonOf<Runs>(await history('--json'))
    expect(runs).toMatchObject([
      {
        operation: 'chunks compress public.m',
        status: 'done',
        reason: null,
        runBy: 'hand',
        tables: ['public.m'],
        steps: 2,
        actor: expect.stringMatching(/^postgres \(.+@.+, pid \d+\)$/),
        ms: expect.any(Number),
      },
    ])
    const text = await runCli(['history'], {env: {QICORE_DB_URL: url}})
    expect(text.stdout).toMatch(/^ +ID +STARTED \(UTC\) +WHAT +WHO +HOW +STATUS +TOOK( +STEPS)?$/m)
    expect(text.stdout).toMatch(/by hand +done/)
    expect(text.stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    const one = await history('show', String(runs![0]!.id), '--json')
    expect(jsonOf(one)).toMatchObject({
      kind: 'history.show',
      run: {operation: 'chunks compress public.m'},
      steps: [{status: 'done'}, {status: 'done'}],
    })
    expect((await history('show', String(runs![0]!.id))).stdout).toMatch(/compress .*_chunk +done/)
    const none = await history('show', '999', '--json')
    expectExit(none, 2)
    expect(jsonOf(none)).toMatchObject({error: {code: 'NO_SUCH_RUN'}})

    await releaseEngines()
    const db = await connect(targetOf(url), {applicationName})
    await db.query(
      statement(`insert into qicore.maintenance_log (operation, job, scheduled_at, started_at, completed_at, status, token, claimed_by, actor, application, detail) values
      ('refresh', 'refresh', '2026-01-05Z', '2026-01-05 00:00:01Z', '2026-01-05 00:00:03Z', 'done', 1, 'vm:1:a', 'ada', 'qicore-db/daemon', null),
      ('refresh public.v', 'refresh', null, '2026-01-04Z', null, 'running', null, null, 'ada', 'pg_cron', '{"pid": 999999, "part": "public.v"}'),
      ('retain public.gone', null, null, '2026-01-03Z', '2026-01-03 00:00:02Z', 'failed', null, null, 'ada', '', '{"job": 1000}'),
      ('chunks drop public.gone', null, null, '2026-01-02Z', '2026-01-02 00:00:02Z', 'done', null, null, 'ada', 'qicore-db/chunks drop', null)`),
      writing,
    )
    await db.close()
    const all = jsonOf<Runs>(await history('--json')).runs!
    expect(
      all.slice(1).map(({operation, runBy, status, reason, actor}) => [operation, runBy, status, reason, actor]),
    ).toEqual([
      ['refresh', 'daemon', 'done', null, 'vm:1:a'],
      ['refresh public.v', 'pg_cron', 'failed', 'session_ended', 'ada'],
      ['retain public.gone', 'timescaledb', 'failed', null, 'ada'],
      ['chunks drop public.gone', 'hand', 'done', null, 'ada'],
    ])
    const operations = async (...args: string[]) =>
      jsonOf<Runs>(await history(...args, '--json')).runs!.map(({operation}) => operation)
    expect(await operations('--table', 'gone')).toEqual(['retain public.gone', 'chunks drop public.gone'])
    expect(await operations('--table', 'public.gone', '--since', '2026-01-03')).toEqual(['retain public.gone'])
    expect(await operations('--table', 'other.gone')).toEqual([])
    expect(await operations('--table', 'one')).toEqual([])
    expect(await operations('--limit', '1')).toEqual(['chunks compress public.m'])
    expect((await history('--csv', '--table', 'gone')).stdout.split('\n')).toHaveLength(4)
  })

  it('is unknown, not empty, to a role that may not read it', async () => {
    const database = await engine.database()
    await replay(database, ['core'])
    const role = `qicore_test_${randomBytes(6).toString('hex')}`
    await database.run(sql`create role ${ident(role)} login`)
    try {
      const url = database.url.replace('postgres@', `${role}@`)
      const result = await runCli(['history', '--url', url, '--json'])
      expectExit(result, 0)
      expect(jsonOf(result)).toMatchObject({source: 'unreadable', runs: null})
      expect((await runCli(['history', '--url', url])).stdout).toContain('The record is unknown')
    } finally {
      await database.run(sql`drop role ${ident(role)}`)
    }
  })

  it('a killed command is interrupted at once, not running, and the next change ends its run', async () => {
    const database = await engine.database()
    const {run, url} = database
    await run(`create table public.m (t timestamptz not null, v int);
      select create_hypertable('public.m', 't', chunk_time_interval => interval '1 day');
      alter table public.m set (timescaledb.compress, timescaledb.compress_orderby = 't');
      insert into public.m values ('2026-01-01Z', 1), ('2026-01-02Z', 1)`)
    const cwd = directoryWith({})
    const holder = await database.db.openSession()
    let free = () => {}
    const held = holder.transaction(writing, async (tx) => {
      await tx.query(sql`lock table only public.m in access exclusive mode`)
      await new Promise<void>((resolve) => (free = resolve))
    })
    const child = spawn(
      process.execPath,
      [join(root, 'bin/run.js'), 'migrate', 'up', '--stream', 'core', '--yes', '--url', url],
      {cwd, stdio: 'ignore', env: {PATH: process.env.PATH ?? '', HOME: cwd}},
    )
    await new Promise((resolve) => child.once('close', resolve))
    const compress = spawn(
      process.execPath,
      [join(root, 'bin/run.js'), 'chunks', 'compress', 'm', '--to', '2026-01-03', '--url', url],
      {cwd, stdio: 'ignore', env: {PATH: process.env.PATH ?? '', HOME: cwd}},
    )
    const gone = new Promise((resolve) => compress.once('close', resolve))
    const state = async () =>
      await run<{status: string; reason: string | null}>(
        "select status, detail ->> 'reason' as reason from qicore.maintenance_log where operation like 'chunks compress%' order by id",
      )
    await expect.poll(state, {timeout: 30_000}).toEqual([{status: 'running', reason: null}])
    const shown = async () => jsonOf<Runs>(await runCli(['history', '--table', 'm', '--url', url, '--json'])).runs!
    expect(await shown()).toMatchObject([{status: 'running', completedAt: null}])
    compress.kill('SIGKILL')
    await gone
    free()
    await held
    await holder.close()
    await expect
      .poll(
        () =>
          run(
            "select from pg_stat_activity where application_name = 'qicore-db/chunks compress' and datname = current_database()",
          ),
        {timeout: 10_000},
      )
      .toEqual([])
    expect(await shown()).toMatchObject([{status: 'interrupted', reason: 'session_ended', completedAt: null, ms: null}])
    expect(await state()).toEqual([{status: 'running', reason: null}])
    expectExit(await runCli(['chunks', 'compress', 'm', '--to', '2026-01-03', '--url', url]), 0)
    expect(await state()).toEqual([
      {status: 'interrupted', reason: 'session_ended'},
      {status: 'done', reason: null},
    ])
  })
})
