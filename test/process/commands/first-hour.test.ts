import {randomBytes} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {ident, sql} from '../../../src/db/sql.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'

interface Failure {
  error: {code: string; message: string; suggestions: string[]}
}

const nowhere = 'postgres://nobody@127.0.0.1:1/nowhere'

describe('a newcomer', () => {
  it('gets help and the version in every usual form, and may write flags before the command', async () => {
    const [help, version] = await Promise.all([runCli(['--help']), runCli(['--version'])])
    for (const words of [['-h'], ['help']])
      expect(await runCli(words)).toMatchObject({stdout: help.stdout, exitCode: 0})
    for (const words of [['-v'], ['version']])
      expect(await runCli(words)).toMatchObject({stdout: version.stdout, exitCode: 0})
    const [before, after] = await Promise.all([
      runCli(['--url', nowhere, 'stats', '--json']),
      runCli(['stats', '--json', '--url', nowhere]),
    ])
    expect(before).toMatchObject({stdout: after.stdout, exitCode: 4})
  })

  it('reads which flags exclude each other, as they were typed', async () => {
    const {stderr, exitCode} = await runCli(['chunks', 'compress', 't', '--older-than', '7d', '--from', '2026-01'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--from=2026-01 cannot also be provided when using --older-than')
    expect(stderr).not.toContain('[object')
  })

  it('learns where the jobs are written if one does not exist: in the file, or as defaults', async () => {
    const suggestions = async (configuration: string) => {
      const cwd = directoryWith({'qicore-db.config.yaml': configuration})
      const result = await runCli(['jobs', 'run', 'nosuch', '--url', nowhere, '--json'], {cwd})
      expectExit(result, 2)
      const {error} = jsonOf<Failure>(result)
      expect(error.code).toBe('NO_SUCH_JOB')
      return error.suggestions.join(' ')
    }
    expect(await suggestions('version: 1\n')).toContain('These are the defaults')
    const mine = 'version: 1\njobs:\n  mine: {kind: sql, schedule: "@daily", statement: "select 1"}\n'
    expect(await suggestions(mine)).toMatch(
      /Known jobs: maintain, mine, .* They are the defaults and those under jobs:/,
    )
  })
})

// One server and one database: none of this depends on the engine.
forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('jobs history knows only existing jobs, resume changes nothing that is not paused, and a run by hand mentions a pause', async () => {
    const url = await engine.urlFor(async () => {})
    const jobs = (...args: string[]) => runCli(['jobs', ...args, '--url', url])
    const unknown = await jobs('history', 'nosuch', '--json')
    expectExit(unknown, 2)
    expect(jsonOf(unknown)).toMatchObject({error: {code: 'NO_SUCH_JOB'}})
    const resumed = await jobs('resume', 'refresh')
    expectExit(resumed, 0)
    expect(resumed.stdout).toBe('Resume refresh, which is not paused: nothing to do.\n')
    expectExit(await jobs('pause', 'maintain', '--reason', 'release 4.2'), 0)
    const run = await jobs('run', 'maintain', '--dry-run')
    expect(run.stderr.replace(/\s+/g, ' ')).toMatch(
      /maintain is paused \(by postgres .*release 4\.2\): this run by hand does not resume it/,
    )
    const table = await runCli(['stats', 'nosuch', '--url', url, '--json'])
    expectExit(table, 2)
    expect(jsonOf(table)).toMatchObject({error: {code: 'NO_SUCH_TABLE'}})
  })

  it('a role that cannot be used is named with where to correct it, by a change and by a report that needs it', async () => {
    const database = await engine.database()
    await database.run('create table public.parts (time timestamptz not null) partition by range (time)')
    await database.run(
      "create table public.old partition of public.parts for values from ('2024-01-01Z') to ('2024-02-01Z')",
    )
    const role = `qicore_test_${randomBytes(6).toString('hex')}`
    await database.run(sql`create role ${ident(role)} login`)
    try {
      const asLogin = database.url.replace('postgres@', `${role}@`)
      const refused = async (url: string, given: string, ...args: string[]) => {
        const result = await runCli([...args, '--url', url, '--role', given, '--json'])
        expectExit(result, 2)
        const {error} = jsonOf<Failure>(result)
        expect(error).toMatchObject({code: 'NO_ROLE', message: expect.stringContaining(given) as string})
        expect(error.suggestions.join(' ')).toContain('--role, QICORE_ROLE or `role` of the target')
      }
      const create = ['partitions', 'create', 'parts', '--from', '2024-02', '--to', '2024-02', '--dry-run']
      await refused(database.url, 'nosuch', ...create)
      await refused(database.url, 'nosuch', 'policies', 'plan')
      await refused(asLogin, 'postgres', 'migrate', 'up', '--yes')
      // A role that may not create the schema qicore learns who can.
      const denied = await runCli(['jobs', 'pause', 'maintain', '--url', asLogin, '--json'])
      expectExit(denied, 1)
      const {error} = jsonOf<Failure>(denied)
      expect(error).toMatchObject({code: 'CORE_FAILED', message: expect.stringContaining('42501') as string})
      expect(error.suggestions[0]).toMatch(/as a role that may create it: qicore-db migrate up --stream core/)
    } finally {
      await database.run(sql`drop role ${ident(role)}`)
    }
  })
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('migrate status names the migrations that migrate up would apply, also before the first of them', async () => {
    const url = await engine.urlFor(async () => {})
    const {migrations} = jsonOf<{migrations: {version: string; state: string}[]}>(
      await runCli(['migrate', 'status', '--url', url, '--json']),
    )
    const pending = migrations.filter(({state}) => state === 'pending').map(({version}) => version)
    const {steps} = jsonOf<{steps: {id: string}[]}>(
      await runCli(['migrate', 'up', '--dry-run', '--url', url, '--json']),
    )
    const planned = steps.map(({id}) => /^migrate (\d\S+) /.exec(id)?.[1]).filter((id) => id !== undefined)
    expect(planned.length).toBeGreaterThan(4)
    expect(pending.filter((version) => !version.startsWith('core.'))).toEqual(planned)
  })

  it('an aggregate over some of the rows says so where a drop says that it has computed them; never computed is pending', async () => {
    const url = await engine.urlFor(async ({run, autocommit}) => {
      await run(`create table public.m (time timestamptz not null, v int);
        select create_hypertable('public.m', 'time', chunk_time_interval => interval '1 day');
        insert into public.m select g, 1 from generate_series(timestamptz '2026-01-01Z', '2026-01-03 23:00Z', interval '1 hour') g`)
      for (const [view, filter] of [
        ['part', 'where v > 0'],
        ['never', ''],
      ])
        await autocommit(`create materialized view public.${view} with (timescaledb.continuous) as
          select time_bucket('1 day', time) as day, count(*) as n from public.m ${filter} group by 1 with no data`)
      await autocommit("call refresh_continuous_aggregate('public.part', null, '2026-01-03Z')")
    })
    const list = await runCli(['aggregates', 'list', '--url', url, '--csv'])
    const rows = list.stdout.split('\n').map((line) => line.split(','))
    expect(list.stdout).toContain('never')
    const text = (await runCli(['aggregates', 'list', '--url', url])).stdout.replace(/ +/g, ' ')
    expect(text, JSON.stringify(rows)).toMatch(/^.never 1 day m - - 1 /m)
    expect(text).toContain('1 with pending ranges')
    const drop = await runCli([
      'chunks',
      'drop',
      'm',
      '--older-than',
      '2026-01-02',
      '--accept-loss',
      '--dry-run',
      '--url',
      url,
    ])
    expectExit(drop, 0)
    expect(`${drop.stdout}${drop.stderr}`.replace(/\s+/g, ' ')).toContain(
      'part: has computed all the rows it reads; its query excludes rows (WHERE, HAVING or a join)',
    )
  })

  it('a declared hypertable that is a plain table: policies status exits 3, policies plan 2, and its jobs fail instead of having nothing to do', async () => {
    const url = await engine.urlFor(({run}) =>
      run('create table public.lost (time timestamptz not null, primary key (time))'),
    )
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1\ndefault: prod\ntargets: {prod: {url: "${url}"}}\ntables:\n  public.lost: {compression: {after: 7 days}, retention: {after: 90 days}}\njobs: {compress: {kind: compress, schedule: "@daily"}}\n`,
    })
    const json = async (exitCode: number, ...args: string[]) => {
      const result = await runCli([...args, '--json'], {cwd})
      expectExit(result, exitCode)
      return jsonOf<Record<string, unknown>>(result)
    }
    const plain = {ok: false, due: null, notDone: null, live: null}
    expect(await json(3, 'policies', 'status')).toMatchObject({
      policies: [
        {table: 'lost', kind: 'compression', ...plain},
        {table: 'lost', kind: 'retention', ...plain},
      ],
    })
    expect(await json(2, 'policies', 'plan')).toMatchObject({error: {code: 'NOT_A_HYPERTABLE'}})
    for (const job of ['retain', 'compress'])
      expect(await json(1, 'jobs', 'run', job, '--confirm', 'prod')).toMatchObject({
        status: 'failed',
        error: expect.stringContaining('public.lost is a plain table, not a hypertable') as string,
      })
  })

  it('a policy that was removed stays declared: remove and import both say how to keep it removed', async () => {
    const url = await engine.urlFor(async ({run}) => {
      await run(`create table public.m (time timestamptz not null, v int);
        select create_hypertable('public.m', 'time', chunk_time_interval => interval '1 day');
        alter table public.m set (timescaledb.compress)`)
    })
    const cwd = directoryWith({
      'qicore-db.config.yaml': `version: 1\ndefault: prod\ntargets: {prod: {url: "${url}"}}\ntables:\n  public.m: {chunkInterval: 1 day, compression: {after: 9000 days}}\n`,
    })
    const policies = (...args: string[]) => runCli(['policies', ...args], {cwd, columns: 1000})
    expectExit(await policies('apply', '--yes'), 0)
    const imported = await policies('import', '--write')
    expect(imported).toMatchObject({stdout: 'The configuration already has every live policy as it is.\n', exitCode: 0})
    expect(imported.stderr).not.toContain('not live')
    const removed = await policies('remove', 'compression', 'm', '--yes')
    expectExit(removed, 0)
    expect(`${removed.stdout}${removed.stderr}`).toContain('{"public.m": {compression: none}}')
    const after = await policies('import', '--write')
    expectExit(after, 0)
    expect(after.stderr.replace(/\s+/g, ' ')).toContain('compression: declared, but not live, and it stays declared')
    expect(jsonOf<{steps: unknown[]}>(await policies('plan', '--json')).steps).toHaveLength(1)
  })
})
