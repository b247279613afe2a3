import {spawn} from 'node:child_process'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {targetOf} from '../../helpers/server.js'
import {tenDays} from '../../helpers/chunks.js'

interface Report {
  kind: string
  dryRun: boolean
  cutoff: string | null
  steps: {id: string; status: string; sql?: string; class?: string}[]
  notes: string[]
}
interface DropReport extends Report {
  rows: number
  totalBytes: number
  chunks: {chunk: string; rows: number; rangeStart: string; flags: string[]}[]
  aggregates: {view: string; covered: boolean; gaps: {from: string; to: string}[]}[]
}

const hours = `create materialized view hours with (timescaledb.continuous, timescaledb.materialized_only = true) as
  select time_bucket(interval '1 hour', time) as bucket, dev, count(*) as n from m group by 1, 2 with no data;`
const own = (report: Report) => report.steps.filter(({id}) => !id.startsWith('migrate'))
const statuses = (report: Report) => own(report).map(({status}) => status)

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('compresses, decompresses and drops: preview, confirmation, run, and nothing is left to do', async () => {
    let name = ''
    const url = await engine.urlFor((database: TestDatabase) => {
      name = database.db.server.database
      return tenDays(database)
    })
    const run = (...args: string[]) => runCli(['chunks', ...args, '--url', url])

    const preview = await run('compress', 'm', '--older-than', '2024-01-04', '--dry-run')
    expectExit(preview, 0)
    expect(preview.stdout).toMatch(
      /^-- compress 3 chunks of public\.m older than 2024-01-04 UTC\n-- cut-off: 2024-01-04T00:00:00Z\n/,
    )
    expect(preview.stderr).toContain('nothing changed')
    const compressed = await run('compress', 'm', '--older-than', '2024-01-04', '--json')
    expectExit(compressed, 0)
    expect(jsonOf<Report>(compressed)).toMatchObject({
      kind: 'chunks.compress',
      version: 1,
      dryRun: false,
      cutoff: '2024-01-04T00:00:00.000Z',
    })
    expect(statuses(jsonOf(compressed))).toEqual(['done', 'done', 'done'])
    expect(own(jsonOf(await run('compress', 'm', '--older-than', '2024-01-04', '--json')))).toEqual([])

    const refused = await run('decompress', 'm', '--from', '2024-01-02', '--to', '2024-01-03', '--json')
    expectExit(refused, 7)
    expect(jsonOf(refused)).toMatchObject({error: {code: 'NOT_CONFIRMED', exitCode: 7}})
    expect(
      statuses(jsonOf(await run('decompress', 'm', '--from', '2024-01-02', '--to', '2024-01-03', '--yes', '--json'))),
    ).toEqual(['done'])

    expectExit(await run('drop', 'm', '--older-than', '2024-01-03', '--yes'), 7)
    const plan = await run('drop', 'm', '--older-than', '2024-01-03', '--dry-run', '--json')
    expectExit(plan, 0)
    expect(jsonOf<DropReport>(plan)).toMatchObject({
      kind: 'chunks.drop',
      dryRun: true,
      rows: 576,
      aggregates: [],
      chunks: [
        {rows: 288, rangeStart: '2024-01-01T00:00:00.000Z', flags: ['compressed']},
        {rows: 288, flags: []},
      ],
    })
    const dropped = await run('drop', 'm', '--older-than', '2024-01-03', '--confirm', name, '--json')
    expectExit(dropped, 0)
    expect(statuses(jsonOf(dropped))).toEqual(['done', 'done'])
    expect(own(jsonOf(await run('drop', 'm', '--older-than', '2024-01-03', '--confirm', name, '--json')))).toEqual([])
  }, 180_000)

  it('refuses what an aggregate has not covered, also with --json', async () => {
    let name = ''
    const url = await engine.urlFor((database: TestDatabase) => {
      name = database.db.server.database
      return tenDays(database, hours)
    })
    const refused = await runCli([
      'chunks',
      'drop',
      'm',
      '--older-than',
      '2024-01-03',
      '--confirm',
      'x',
      '--json',
      '--url',
      url,
    ])
    expectExit(refused, 7)
    expect(jsonOf(refused)).toMatchObject({
      error: {
        code: 'NOT_COVERED',
        exitCode: 7,
        suggestions: expect.arrayContaining([
          expect.stringContaining('--refresh-first'),
          expect.stringContaining(
            'aggregates refresh public.hours --from 2024-01-01T00:00:00Z --to 2024-01-03T00:00:00Z',
          ),
        ]),
      },
    })
    const covered = await runCli([
      'chunks',
      'drop',
      'm',
      '--older-than',
      '2024-01-03',
      '--refresh-first',
      '--confirm',
      name,
      '--json',
      '--url',
      url,
    ])
    expectExit(covered, 0)
    expect(own(jsonOf<Report>(covered)).map(({id}) => id.split(' ')[0])).toEqual(['refresh', 'refresh', 'drop', 'drop'])
    const listed = await runCli(['aggregates', 'list', '--json', '--url', url])
    expectExit(listed, 0)
    expect(jsonOf(listed)).toMatchObject({
      kind: 'aggregates.list',
      aggregates: [
        {
          schema: 'public',
          view: 'hours',
          source: {schema: 'public', table: 'm'},
          bucket: '1 hour',
          watermark: '2024-01-03T00:00:00.000Z',
          rawFrom: '2024-01-03T00:00:00.000Z',
          rawGone: true,
          policy: null,
        },
      ],
    })
    const again = await runCli([
      'aggregates',
      'refresh',
      'hours',
      '--from',
      '2024-01',
      '--to',
      '2024-01',
      '--json',
      '--url',
      url,
    ])
    expectExit(again, 0)
    expect(own(jsonOf<Report>(again)).every(({status}) => status === 'done')).toBe(true)
    // A drop by qicore-db invalidates nothing, so no pending range is skipped.
    expect(jsonOf<Report>(again).notes).toEqual([])
  }, 180_000)

  it.each([
    [['compress', 'm', '--older-than', '6m'], 'DURATION'],
    [['compress', 'm', '--older-than', '7 dogs'], 'DURATION'],
    [['compress', 'm', '--older-than', '1mon 2h'], 'DURATION'],
    [['compress', 'm', '--from', '2024-02-30'], 'INSTANT'],
    [['compress', 'm', '--from', '2024-03', '--to', '2024-01'], 'EMPTY_RANGE'],
    [['decompress', 'm'], 'NO_RANGE'],
  ])('reports what is wrong with %j before it connects', async (args, code) => {
    const result = await runCli(['chunks', ...args, '--json', '--url', 'postgres://nobody@127.0.0.1:1/none'])
    expectExit(result, 2)
    expect(jsonOf(result)).toMatchObject({error: {code}})
  })

  it('takes integers for an integer time column of an unknown unit, and prints ranges that it takes', async () => {
    const url = await engine.urlFor(async (database: TestDatabase) => {
      await database.run(`create table ticks (n bigint not null, v int);
        select create_hypertable('ticks', 'n', chunk_time_interval => 1000);
        create function last_tick() returns bigint language sql stable as 'select 10000::bigint';
        select set_integer_now_func('ticks', 'last_tick');
        alter table ticks set (timescaledb.compress);
        insert into ticks select n, 1 from generate_series(0, 9999, 10) n`)
      await database.autocommit(
        'create materialized view sums with (timescaledb.continuous) as select time_bucket(500::bigint, n) as b, sum(v) from ticks group by 1 with no data',
      )
    })
    const on = (words: string[]) => runCli([...words, '--json', '--url', url])
    const done = async (...words: string[]) => {
      const result = await on(words)
      expectExit(result, 0)
      return jsonOf<Report>(result).steps.filter(({id}) => !id.startsWith('migrate')).length
    }
    expect(await done('chunks', 'compress', 'ticks', '--older-than', '3000')).toBe(3)
    expect(await done('chunks', 'compress', 'ticks', '--from', '3000', '--to', '5000')).toBe(2)
    expect(await done('chunks', 'decompress', 'ticks', '--from', '0', '--to', '500', '--yes')).toBe(1)
    const refused = await on(['chunks', 'drop', 'ticks', '--older-than', '2000', '--yes'])
    expectExit(refused, 7)
    const {error} = jsonOf<{error: {code: string; suggestions: string[]}}>(refused)
    expect(error.code).toBe('NOT_COVERED')
    const printed = error.suggestions.join('\n').match(/qicore-db (aggregates refresh \S+ --from \d+ --to \d+)/)
    expect(await done(...printed![1]!.split(' '))).toBeGreaterThan(0)
    const dropped = await on(['chunks', 'drop', 'ticks', '--older-than', '2000', '--dry-run'])
    expectExit(dropped, 0)
    expect(jsonOf<Report>(dropped).steps).toHaveLength(2)
  }, 60_000)

  it('reports what is wrong with a table: it does not exist, is not a hypertable, has no policy, has no aggregate', async () => {
    const url = await engine.urlFor((database: TestDatabase) =>
      tenDays(database, 'create table plain (time timestamptz);'),
    )
    const code = async (...args: string[]) => {
      const result = await runCli([...args, '--json', '--url', url])
      expectExit(result, 2)
      return jsonOf<{error: {code: string}}>(result).error.code
    }
    expect(await code('chunks', 'compress', 'nowhere')).toBe('NO_SUCH_TABLE')
    expect(await code('chunks', 'compress', 'plain')).toBe('NOT_A_HYPERTABLE')
    expect(await code('chunks', 'compress', 'm')).toBe('NO_RANGE')
    expect(await code('chunks', 'drop', 'm')).toBe('NO_RANGE')
    expect(await code('aggregates', 'refresh', 'm')).toBe('NOT_AN_AGGREGATE')
  }, 180_000)
})

forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
  it('continues in the next run after kill -9, and a second run meanwhile exits 5', async () => {
    const url = await engine.urlFor((database: TestDatabase) => tenDays(database))
    expectExit(await runCli(['chunks', 'compress', 'm', '--older-than', '2024-01-02', '--url', url]), 0)
    const watcher = await connect(targetOf(url), {applicationName: 'watcher'})
    const names = await watcher.query<{name: string}>(
      statement(
        "select format('%I.%I', chunk_schema, chunk_name) as name from timescaledb_information.chunks where hypertable_name = 'm' order by range_start",
      ),
    )
    // A writer on the third chunk makes the run wait there after the other chunks are done.
    let free = () => {}
    const writer = await connect(targetOf(url), {applicationName: 'writer'})
    const held = writer.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
      await tx.query(statement(`lock table ${names[2]!.name} in row exclusive mode`))
      await new Promise<void>((resolve) => (free = resolve))
    })
    const child = spawn(
      process.execPath,
      [join(root, 'bin/run.js'), 'chunks', 'compress', 'm', '--older-than', '2024-01-06', '--url', url],
      {stdio: 'ignore', env: {PATH: process.env.PATH ?? '', HOME: '/nonexistent'}},
    )
    const compressed = () =>
      watcher.query(
        statement("select from timescaledb_information.chunks where hypertable_name = 'm' and is_compressed"),
      )
    await expect.poll(compressed, {timeout: 30_000}).toHaveLength(4)
    const second = await runCli(['chunks', 'compress', 'm', '--older-than', '2024-01-06', '--json', '--url', url])
    expectExit(second, 5)
    expect(jsonOf(second)).toMatchObject({
      error: {
        code: 'LOCKED',
        message: expect.stringMatching(/Another run works on table public\.m: .*chunks compress public\.m/),
      },
    })
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
    // The server already has the whole step and would finish it once it gets the lock: it times out first.
    const sessions = () =>
      watcher.query(
        statement(
          "select from pg_stat_activity where application_name = 'qicore-db/chunks compress' and datname = current_database()",
        ),
      )
    await expect.poll(sessions, {timeout: 30_000}).toHaveLength(0)
    free()
    await held
    const next = await runCli(['chunks', 'compress', 'm', '--older-than', '2024-01-06', '--json', '--url', url])
    expectExit(next, 0)
    expect(own(jsonOf<Report>(next)).map(({id, status}) => [id, status])).toEqual([
      [`compress ${names[2]!.name.split('.')[1]}`, 'done'],
    ])
    expect(await compressed()).toHaveLength(5)
    await Promise.all([watcher.close(), writer.close()])
  }, 120_000)
})

forEachEngine({kinds: ['apache']}, (engine) => {
  it('drops chunks on an edition that can do nothing else with them', async () => {
    const url = await engine.urlFor((database: TestDatabase) => tenDays(database))
    const compress = await runCli(['chunks', 'compress', 'm', '--older-than', '2024-01-04', '--json', '--url', url])
    expectExit(compress, 2)
    expect(jsonOf(compress)).toMatchObject({error: {code: 'NO_COMPRESSION'}})
    const dropped = await runCli([
      'chunks',
      'drop',
      'm',
      '--older-than',
      '2024-01-04',
      '--confirm',
      new URL(url).pathname.slice(1),
      '--json',
      '--url',
      url,
    ])
    expectExit(dropped, 0)
    expect(statuses(jsonOf(dropped))).toEqual(['done', 'done', 'done'])
  }, 120_000)
})
