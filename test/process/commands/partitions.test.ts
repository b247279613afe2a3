import {spawn} from 'node:child_process'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {root} from '../../helpers/build.js'
import {expectExit, jsonOf, runCli} from '../../helpers/cli.js'
import {monthsAhead} from '../../helpers/clock.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {directoryWith} from '../../helpers/files.js'
import {childrenOf} from '../../helpers/partitions.js'

const ticks = 'create table ticks (time timestamptz not null, x int) partition by range (time)'
const config = (url: string, tables: string) =>
  directoryWith({
    'qicore-db.config.yaml': `version: 1\ndefault: here\ntargets:\n  here: {url: "${url}"}\n  other: {url: "${url}"}\ntables:\n${tables}`,
  })
const partitions = (args: string, cwd: string) => runCli(['partitions', ...args.split(' ')], {cwd})
interface Listed {
  kind: string
  tables: {
    schema: string
    table: string
    managed: boolean
    ahead: {wanted: number; there: number}
    findings: {kind: string}[]
  }[]
  partitions: {schema: string; table: string; partition: string; from: string; to: string; totalBytes: number}[]
}
interface Changed {
  kind: string
  cutoff: string | null
  steps: {id: string; status: string; sql?: string; lock?: string; class?: string}[]
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  it('creates two years of partitions with retention, from an empty database', async () => {
    const database = await engine.database()
    await database.run(ticks)
    const cwd = config(
      database.url,
      '  public.ticks: {partitions: {every: month, ahead: 3}, retention: {after: 12mon}}\n',
    )
    const now = (
      await database.run<{now: string; then: string}>(
        `select to_char(${monthsAhead(0)}, 'YYYY-MM') as now, to_char(${monthsAhead(-23)}, 'YYYY-MM') as then`,
      )
    )[0]!

    const before = await partitions('list --check --json', cwd)
    expectExit(before, 3)
    expect(jsonOf<Listed>(before).tables[0]!.findings.map(({kind}) => kind)).toEqual(['now missing', 'ahead missing'])

    const planned = await partitions(`create ticks --from ${now.then} --to ${now.now} --dry-run --json`, cwd)
    expectExit(planned, 0)
    expect(
      jsonOf<Changed>(planned)
        .steps.filter(({id}) => id.startsWith('create public.ticks'))
        .map(({lock, class: kind, status}) => `${lock} ${kind} ${status}`),
    ).toEqual(Array.from({length: 24}, () => 'SHARE UPDATE EXCLUSIVE safe planned'))
    expect(await childrenOf(database, 'ticks')).toEqual([])

    expectExit(await partitions(`create ticks --from ${now.then} --to ${now.now}`, cwd), 0)
    expectExit(await partitions('ensure', cwd), 0)
    const list = await partitions('list ticks --check --json', cwd)
    expectExit(list, 0)
    const {kind, tables, partitions: rows} = jsonOf<Listed>(list)
    expect(kind).toBe('partitions.list')
    expect(tables).toMatchObject([
      {schema: 'public', table: 'ticks', managed: true, ahead: {wanted: 3, there: 3}, findings: []},
    ])
    expect(rows).toHaveLength(27)
    expect(rows.at(-1)).toMatchObject({
      schema: 'public',
      table: 'ticks',
      from: `${now.then}-01T00:00:00.000Z`,
      totalBytes: expect.any(Number),
    })
    const nothing = await partitions('ensure', cwd)
    expectExit(nothing, 0)
    expect(nothing.stdout).toMatch(/nothing to do/)

    expectExit(await partitions('detach ticks --older-than 18mon', cwd), 7)
    const detached = await partitions('detach ticks --older-than 18mon --yes --json', cwd)
    expectExit(detached, 0)
    const {cutoff, steps} = jsonOf<Changed>(detached)
    expect(cutoff).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect(steps.filter(({id}) => id.startsWith('detach ')).map(({status}) => status)).toEqual(
      Array.from({length: 5}, () => 'done'),
    )

    for (const answer of ['', ' --yes', ' --confirm other']) expectExit(await partitions(`drop ticks${answer}`, cwd), 7)
    const dropped = await partitions('drop ticks --confirm here', cwd)
    expectExit(dropped, 0)
    expect(await childrenOf(database, 'ticks')).toHaveLength(27 - 5 - 6)
    expect(
      await database.run(
        "select count(*) as n from pg_class where relname like 'ticks\\_y%' and relkind = 'r' and not relispartition",
      ),
    ).toEqual([{n: 5}])
    expectExit(await partitions('list --check', cwd), 0)
  })

  it.each([
    ['create nope --from 2024-01 --to 2024-02', 2, 'NO_SUCH_TABLE'],
    ['create plain --from 2024-01 --to 2024-02', 2, 'NOT_PARTITIONED'],
    ['create listed --from 2024-01 --to 2024-02', 2, 'PARTITION_KEY'],
    ['create ticks --from 2024-02 --to 2024-01', 2, 'EMPTY_RANGE'],
    ['create ticks --from 2024-13 --to 2024-14', 2, 'INSTANT'],
    ['create ticks --from 1200-01 --to 2033-04', 2, 'TOO_MANY'],
    ['create ticks --from 2097-01 --to 2097-01', 2, 'OUT_OF_RANGE'],
    ['create ticks --from 2024-01', 2, 'USAGE'],
    ['create ticks', 2, 'NO_RANGE'],
    ['detach ticks', 2, 'NO_RANGE'],
    ['drop ticks --older-than 6m', 2, 'DURATION'],
    ['drop ticks --older-than 7', 2, 'DURATION'],
    ['ensure ticks', 2, 'NOT_DECLARED'],
    ['list nope', 2, 'NO_SUCH_TABLE'],
  ])('partitions %s exits %i, also with --json, and changes nothing', async (args, exitCode, code) => {
    const database = await engine.database()
    await database.run(`${ticks}; create table plain (x int); create table listed (x int) partition by list (x)`)
    const [text, json] = await Promise.all([
      runCli(['partitions', ...args.split(' '), '--url', database.url]),
      runCli(['partitions', ...args.split(' '), '--url', database.url, '--json']),
    ])
    expectExit(text, exitCode)
    expectExit(json, exitCode)
    expect(jsonOf<{error: {code: string; exitCode: number}}>(json).error).toMatchObject({code, exitCode})
    expect(text.stderr).not.toMatch(/ at .*\.js:\d+/)
    expect(await childrenOf(database, 'ticks')).toEqual([])
    expect(await database.run("select to_regnamespace('qicore') as qicore")).toEqual([{qicore: null}])
  })

  it('shows undeclared sets, and does not change them', async () => {
    const database = await engine.database()
    await database.run(`${ticks}; create schema risk; create table risk.fills (time date) partition by range (time)`)
    const cwd = config(database.url, '  public.ticks: {partitions: {ahead: 0}}\n  public.gone: {partitions: {}}\n')
    const ensured = await partitions('ensure --json', cwd)
    expectExit(ensured, 6)
    expect(jsonOf<{findings: {relation: string}[]}>(ensured).findings).toMatchObject([{relation: 'public.gone'}])
    expect(await childrenOf(database, 'risk.fills')).toEqual([])
    const list = await partitions('list', cwd)
    expect(list.stdout).toMatch(/risk\.fills \* .*\n/)
    expect(list.stdout).toMatch(/! public\.gone is declared, but is not a partitioned table here/)
    expectExit(await partitions('list --check', cwd), 3)
  })

  it('reports a mistake in the declaration with its path', async () => {
    const database = await engine.database()
    const cwd = config(
      database.url,
      '  public.ticks: {partitions: {every: 5h, ahead: -1, timezone: Mars/Olympus, earliest: soon, within: 6m, often: 1}}\n',
    )
    const result = await partitions('ensure', cwd)
    expectExit(result, 2)
    for (const field of ['every', 'ahead', 'timezone', 'earliest', 'within'])
      expect(result.stderr).toContain(`tables.public.ticks.partitions.${field}`)
    expect(result.stderr).toContain('often')
  })
})

describe('concurrent and killed runs', () => {
  forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
    it('the first works, the second exits 5 and names it; after kill -9 the next run finishes at once', async () => {
      const database = await engine.database()
      await sets(database)
      const reader = await openReader(database)
      const cwd = config(database.url, '  public.ticks: {}\n')
      const first = start(['partitions', 'detach', 'ticks', '--older-than', '12mon', '--yes'], cwd)
      // It has the run lock and waits for the reader.
      await first.says(/waits|open transactions/)
      const second = await partitions('detach ticks --older-than 12mon --yes', cwd)
      expectExit(second, 5)
      expect(second.stderr.replaceAll(/\s+/g, ' ')).toMatch(
        /Another run works on table public\.ticks: .*partitions detach public\.ticks/,
      )
      first.child.kill('SIGKILL')
      await first.ended
      await reader.end()
      const third = await eventually(
        () => partitions('detach ticks --older-than 12mon --yes', cwd),
        (result) => result.exitCode !== 5,
      )
      expectExit(third, 0)
      expect(await childrenOf(database, 'ticks')).toHaveLength(1)
    })

    it('killed at random moments while it creates partitions: the next run finishes and nothing is left incomplete', async () => {
      const database = await engine.database()
      await database.run(ticks)
      const cwd = config(database.url, '  public.ticks: {}\n')
      // The schema qicore exists already, so that the kills hit the partitions.
      expectExit(await partitions('create ticks --from 2015-01 --to 2015-01', cwd), 0)
      for (const pause of [5, 40, 120]) {
        const run = start(['partitions', 'create', 'ticks', '--from', '2016-01', '--to', '2024-12'], cwd)
        await eventually(
          () => childrenOf(database, 'ticks'),
          (children) => children.length > 2 || run.child.exitCode !== null,
        )
        await new Promise((resolve) => setTimeout(resolve, pause))
        run.child.kill('SIGKILL')
        await run.ended
      }
      const last = await eventually(
        () => partitions('create ticks --from 2016-01 --to 2024-12', cwd),
        (result) => result.exitCode !== 5,
      )
      expectExit(last, 0)
      expect(await childrenOf(database, 'ticks')).toHaveLength(1 + 9 * 12)
      expect(
        await database.run(
          "select relname from pg_class where relname like 'ticks\\_y%' and relkind = 'r' and not relispartition",
        ),
      ).toEqual([])
      expect(await database.run("select conname from pg_constraint where conname like 'qicore%'")).toEqual([])
    })

    it('killed between detach and finalize: the next run finishes', async () => {
      const database = await engine.database()
      await sets(database)
      const reader = await openReader(database)
      await expect(
        database.db.autocommit(
          {readOnly: false, lockTimeout: 100, statementTimeout: 0},
          statement('alter table public.ticks detach partition public.old_1 concurrently'),
        ),
      ).rejects.toThrow()
      const cwd = config(database.url, '  public.ticks: {partitions: {}, retention: {after: 12mon}}\n')
      const listed = await partitions('list --check', cwd)
      expectExit(listed, 3)
      expect(listed.stdout).toMatch(/public\.old_1 is pending detach/)
      const ensured = await partitions('ensure --json', cwd)
      expect(jsonOf<{findings: {kind: string}[]}>(ensured).findings.map(({kind}) => kind)).toContain('pending')
      await reader.end()
      expectExit(await partitions('detach ticks --yes', cwd), 0)
      expect((await childrenOf(database, 'ticks')).filter((child) => child.startsWith('old'))).toEqual([])
    })

    it('a terminated backend is replaced, and the run continues', async () => {
      const database = await engine.database()
      await database.run(ticks)
      const cwd = config(database.url, '  public.ticks: {}\n')
      expectExit(await partitions('create ticks --from 2015-01 --to 2015-01', cwd), 0)
      const run = start(['partitions', 'create', 'ticks', '--from', '2016-01', '--to', '2024-12'], cwd)
      await eventually(
        () => childrenOf(database, 'ticks'),
        (children) => children.length > 2 || run.child.exitCode !== null,
      )
      await database.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'qicore-db/partitions create' and datname = current_database()",
      )
      expect(await run.ended, run.output()).toBe(0)
      expect(await childrenOf(database, 'ticks')).toHaveLength(1 + 9 * 12)
    })
  })
})

const sets = ({run}: TestDatabase) =>
  run(`${ticks}; create table old_1 partition of ticks for values from ('2020-01-01+00') to ('2020-02-01+00');
create table new partition of ticks for values from ('2020-03-01+00') to ('2120-01-01+00'); insert into ticks values ('2020-01-05+00', 1), ('2100-01-01+00', 3)`)

async function openReader({db}: TestDatabase): Promise<{end(): Promise<void>}> {
  const other = await db.openSession()
  let release = () => {}
  let done: Promise<unknown> = Promise.resolve()
  await new Promise<void>((begun) => {
    done = other.transaction({readOnly: true, lockTimeout: 1_000, statementTimeout: 60_000}, async (tx) => {
      await tx.query(statement('select count(*) from public.ticks'))
      begun()
      await new Promise<void>((resolve) => (release = resolve))
    })
  })
  return {
    async end() {
      release()
      await done
      await other.close()
    },
  }
}

/** Starts the binary without waiting for it. */
function start(args: readonly string[], cwd: string) {
  const child = spawn(process.execPath, [join(root, 'bin/run.js'), ...args], {
    cwd,
    env: {PATH: process.env.PATH, HOME: cwd, NO_COLOR: '1'},
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const says = async (pattern: RegExp) => {
    await eventually(
      async () => output,
      (text) => pattern.test(text) || child.exitCode !== null,
    )
    expect(output).toMatch(pattern)
  }
  return {child, ended, says, output: () => output}
}

async function eventually<T>(ask: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + 40_000
  for (;;) {
    const answer = await ask()
    if (good(answer) || performance.now() > deadline) return answer
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
